// Shows the adapter beside the model: which one answers, how strongly, and whether the base answers beside it. Only
// adapters of the loaded model are offered.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { ADAPTER_SETTINGS } from '../../settings/generation_settings';
import { STRENGTH_STEP } from '../../state/compare';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { useLibrary, useLook } from './look_context';

const { strength: STRENGTH } = ADAPTER_SETTINGS;

/** The slider; on a narrow screen it unfolds below the button that says its value. */
function Strength({ value }: { readonly value: number }) {
  const look = useLook();
  const open = useSignal(false);
  return (
    <>
      <button
        type="button"
        class="quiet small strength-fold"
        aria-expanded={open.value}
        aria-label={`${STRENGTH.label}: ${value.toFixed(2)}`}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {value.toFixed(2)}
      </button>
      <label class="slider strength" title={STRENGTH.help} data-open={open.value}>
        <span class="strength-label">{STRENGTH.label}</span>
        <input
          type="range"
          min={STRENGTH.min}
          max={STRENGTH.max}
          step={STRENGTH_STEP}
          value={value}
          data-testid="adapter-strength"
          onInput={(event) => look.setStrength(event.currentTarget.valueAsNumber)}
        />
        <span class="strength-value">{value.toFixed(2)}</span>
      </label>
    </>
  );
}

/** Chooser, strength and the compare toggle. */
export function AdapterChip() {
  const look = useLook();
  const library = useLibrary();
  const modelId = useComputed(() => look.session.value.model?.entry.id ?? null);
  const list = useComputed(() =>
    library.adapters.value.filter((adapter) => adapter.modelId === modelId.value),
  );
  // An adapter that was deleted, here or in another tab, cannot be asked.
  useSignalEffect(() => {
    const chosen = look.adapter.value;
    if (chosen === null || modelId.value === null || !library.known.value.has('adapters')) return;
    if (!list.value.some(({ id }) => id === chosen.id)) look.chooseAdapter(null);
  });
  const chosen = look.adapter.value;
  const none = list.value.length === 0;
  const caution = list.value.find(({ id }) => id === chosen?.id)?.caution;
  return (
    <span class="top-chip adapter-chip">
      <label>
        <span class="visually-hidden">{COPY.adapter.label}</span>
        <select
          value={chosen?.id ?? ''}
          disabled={none}
          title={none ? COPY.adapter.emptyWhy : undefined}
          data-testid="adapter-chooser"
          onChange={(event) => {
            const id = event.currentTarget.value;
            look.chooseAdapter(list.value.find((adapter) => adapter.id === id) ?? null);
          }}
        >
          <option value="">{none ? COPY.adapter.empty : COPY.adapter.none}</option>
          {list.value.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {caution && (
        <span role="img" aria-label={caution} title={caution} data-testid="adapter-caution">
          <Icon name="warning" />
        </span>
      )}
      {chosen !== null && <Strength value={chosen.strength} />}
      <button
        type="button"
        class="quiet small"
        aria-pressed={look.comparing.value}
        disabled={chosen === null && !look.comparing.value}
        title={chosen === null ? COPY.adapter.compareNone : COPY.adapter.compareWhy}
        data-testid="compare-toggle"
        onClick={() => look.setComparing(!look.comparing.value)}
      >
        <Icon name="compare" /> <span>{COPY.adapter.compare}</span>
      </button>
    </span>
  );
}
