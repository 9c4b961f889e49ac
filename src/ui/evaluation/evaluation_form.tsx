// Draws the form of a new evaluation: where the questions come from, what is measured, and what it is held against.

import { useSignal } from '@preact/signals';
import {
  EVALUATION_PAGE_SETTINGS,
  EVALUATION_SETTINGS,
  type EvaluationSettingId,
  type EvaluationSettings,
  lookPossible,
} from '../../settings/evaluation_settings';
import { ADAPTER_SETTINGS } from '../../settings/generation_settings';
import { modeWords, REASONING_MODES, type ReasoningMode } from '../../settings/reasoning_modes';
import { fitStrength } from '../../state/compare';
import type { Evaluations } from '../../state/evaluations';
import type { Library } from '../../state/library';
import type { EvaluationSide } from '../../worker/protocol/evaluation';
import { useLook } from '../look/look_context';
import { SettingField } from '../setting_field';
import { SourceField } from '../source_field';
import { EVALUATION_COPY } from './evaluation_copy';

const WORDS = EVALUATION_COPY.form;
const LOOK = EVALUATION_SETTINGS.look;

interface FormProps {
  readonly evaluations: Evaluations;
  readonly library: Library;
}

interface SideProps extends FormProps {
  readonly side: EvaluationSide;
  readonly at: number;
}

function AdapterFields({ evaluations, library, side, at }: SideProps) {
  const modelId = useLook().session.value.model?.entry.id;
  const adapters = library.adapters.value.filter((one) => one.modelId === modelId);
  const { adapter } = side;
  const change = (next: EvaluationSide['adapter']) => evaluations.setSide(at, { ...side, adapter: next });
  const choose = (id: string) => {
    const found = adapters.find((one) => one.id === id);
    const strength = adapter?.strength ?? ADAPTER_SETTINGS.strength.default;
    change(found === undefined ? null : { id, name: found.name, strength });
  };
  return (
    <>
      <div class="setting-field">
        <label for={`eval-adapter-${at}`}>{WORDS.adapter}</label>
        <select
          id={`eval-adapter-${at}`}
          data-testid="eval-adapter"
          value={adapter?.id ?? ''}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          <option value="">{WORDS.base}</option>
          {adapters.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {adapter !== null && (
        <div class="setting-field">
          <label for={`eval-strength-${at}`}>{ADAPTER_SETTINGS.strength.label}</label>
          <input
            id={`eval-strength-${at}`}
            type="text"
            inputMode="decimal"
            value={String(adapter.strength)}
            onChange={({ currentTarget }) =>
              change({ ...adapter, strength: fitStrength(Number(currentTarget.value)) })
            }
          />
        </div>
      )}
    </>
  );
}

/** What stands in the looks of a side. It is unfolded where it is not the model's own, so that no change is hidden. */
function LookField({ evaluations, side, at }: SideProps) {
  const open = useSignal(false);
  const { look = LOOK.default } = side;
  const possible = lookPossible(look, evaluations.draft.value.temperature);
  return (
    <details
      class="eval-advanced"
      open={open.value || look !== LOOK.default}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{WORDS.advanced}</summary>
      <SettingField
        {...{ id: `look-${at}`, form: 'eval', setting: LOOK, value: look, wrong: false, disabled: false }}
        refusal={possible ? null : WORDS.lookRefused}
        set={(value) => evaluations.setSide(at, { ...side, look: value as EvaluationSettings['look'] })}
      />
    </details>
  );
}

function SideFields(props: SideProps) {
  const { evaluations, side, at } = props;
  const modes = useLook().session.value.model?.modes ?? REASONING_MODES;
  const setMode = (mode: string) => evaluations.setSide(at, { ...side, mode: mode as ReasoningMode });
  return (
    <fieldset class="eval-side" data-testid="eval-side">
      <legend>{WORDS.side(at, evaluations.draft.value.sides.length)}</legend>
      <AdapterFields {...props} />
      <div class="setting-field">
        <label for={`eval-mode-${at}`}>{WORDS.mode}</label>
        <select
          id={`eval-mode-${at}`}
          data-testid="eval-mode"
          value={side.mode}
          onChange={(event) => setMode(event.currentTarget.value)}
        >
          {modes.map((name) => (
            <option key={name} value={name}>
              {modeWords(name)}
            </option>
          ))}
        </select>
      </div>
      <LookField {...props} />
    </fieldset>
  );
}

function Sides(props: FormProps) {
  const { evaluations } = props;
  const { sides } = evaluations.draft.value;
  const [first] = sides;
  return (
    <>
      <div class="eval-sides">
        {sides.map((side, at) => (
          <SideFields key={at === 0 ? 'first' : 'second'} {...props} side={side} at={at} />
        ))}
      </div>
      <p>
        {sides.length > 1 ? (
          <button type="button" class="quiet" onClick={() => evaluations.setSide(1, null)}>
            {WORDS.alone}
          </button>
        ) : (
          <button
            type="button"
            class="quiet"
            data-testid="eval-against"
            onClick={() => first !== undefined && evaluations.setSide(1, first)}
          >
            {WORDS.against}
          </button>
        )}
      </p>
    </>
  );
}

/** The form. */
export function EvaluationForm({ evaluations, library }: FormProps) {
  const model = useLook().session.value.model;
  const { draft, wrong, work } = evaluations;
  const { source, sides, temperature } = draft.value;
  const world = source.kind === 'shapes_world';
  const refused = sides.some(({ look = LOOK.default }) => !lookPossible(look, temperature));
  const fields: readonly EvaluationSettingId[] = [
    ...(world ? (['questions'] as const) : []),
    'count',
    ...(world ? (['seed'] as const) : []),
    ...(['grader', 'batch', 'maxNewTokens', 'temperature'] as const),
    ...(temperature === 0 ? [] : (['samplingSeed'] as const)),
  ];
  const start = async () => {
    const id = await evaluations.begin();
    if (id !== null) location.hash = `#/lab/evaluation/${id}`;
  };
  return (
    <section class="panel" aria-labelledby="eval-form-title">
      <header class="panel-head">
        <h3 id="eval-form-title">{WORDS.title}</h3>
      </header>
      <p data-testid="eval-model">{model === null ? WORDS.noModel : WORDS.model(model.entry.label)}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <Sides evaluations={evaluations} library={library} />
        <div class="setting-fields">
          <SourceField
            form="eval"
            source={source}
            sets={library.datasets.value}
            choose={evaluations.setSource}
          />
          {fields.map((id) => (
            <SettingField
              key={id}
              {...{ id, form: 'eval', setting: EVALUATION_PAGE_SETTINGS[id], disabled: false }}
              value={wrong.value.has(id) ? (wrong.value.get(id) ?? null) : draft.value[id]}
              wrong={wrong.value.has(id)}
              set={(value) => evaluations.set(id, value)}
            />
          ))}
        </div>
        <button
          type="submit"
          class="primary"
          data-testid="eval-start"
          disabled={model === null || work.value !== null || wrong.value.size > 0 || refused}
        >
          {WORDS.start}
        </button>
      </form>
    </section>
  );
}
