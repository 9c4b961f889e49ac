// Draws the field for an adapter of the hub: its name, how much of it has arrived, and the way to end that.

import { useSignal } from '@preact/signals';
import { hubReference } from '../../lib/hub_reference';
import type { AdapterFetch, HubAdapterState } from '../../state/hub_adapter';
import { COPY } from '../copy';
import { useLook } from '../look/look_context';
import { NameField } from '../name_field';
import { LIBRARY_COPY } from './library_copy';

function Progress({ fetching: { id, loaded, total, secondsLeft } }: { readonly fetching: AdapterFetch }) {
  const words =
    total === 0
      ? LIBRARY_COPY.hubAdapterAsking(id)
      : loaded === total
        ? LIBRARY_COPY.hubAdapterChecking
        : LIBRARY_COPY.hubAdapterArrived(loaded, total, secondsLeft);
  const amount = total === 0 || loaded === total ? {} : { value: loaded, max: total };
  return (
    <>
      <progress aria-label={LIBRARY_COPY.hubAdapter} {...amount} />
      <span class="hint" data-testid="hub-adapter-pace">
        {words}
      </span>
    </>
  );
}

/** The field. */
export function HubAdapter({ hubAdapter }: { readonly hubAdapter: HubAdapterState }) {
  const look = useLook();
  const text = useSignal('');
  const wanted = hubReference(text.value);
  const fetching = hubAdapter.fetching.value;
  const base = look.session.value.model?.entry.label ?? LIBRARY_COPY.hubAdapterAnyBase;
  return (
    <form
      class="hub-adapter"
      aria-label={LIBRARY_COPY.hubAdapter}
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted === null) return;
        void hubAdapter.fetch(wanted).then((stored) => {
          if (stored) text.value = '';
        });
      }}
    >
      <NameField
        label={LIBRARY_COPY.hubAdapter}
        text={text}
        placeholder={LIBRARY_COPY.hubAdapterExample}
        describedBy="hub-adapter-why"
      />
      {fetching === null ? (
        <button type="submit" class="quiet" disabled={wanted === null}>
          {LIBRARY_COPY.hubAdapterGet}
        </button>
      ) : (
        <>
          <Progress fetching={fetching} />
          <button type="button" class="quiet" onClick={hubAdapter.cancel}>
            {COPY.load.cancel}
          </button>
        </>
      )}
      <span id="hub-adapter-why" class="hint">
        {text.value.trim() !== '' && wanted === null
          ? LIBRARY_COPY.hubAdapterNot
          : LIBRARY_COPY.hubAdapterHint(base)}
      </span>
    </form>
  );
}
