// One setting of the plan as a labelled control: number, choice, toggle or text, with its hint, problem and reset.
// Not the rules (state/train_form.ts). Invariant: what was typed stays as typed; a value that cannot be used is marked.

import { FIELDS, type Field, type FieldId, type FieldValue } from '../../state/train_form';
import { Icon } from '../icons';
import { useTrain } from './train_context';
import { FIELD_COPY, OPTION_COPY, problemText, TRAIN_COPY } from './train_copy';

/** Id of a field's control, for labels and for moving the focus to it. */
export function controlId(id: FieldId): string {
  return `plan-${id.replaceAll('.', '-')}`;
}

function optionText(id: FieldId, option: string): string {
  return OPTION_COPY[`${id}:${option}`] ?? OPTION_COPY[option] ?? option;
}

interface ControlProps {
  readonly id: FieldId;
  readonly field: Field;
  readonly value: FieldValue;
  readonly described: string;
  readonly wrong: boolean;
  readonly set: (value: FieldValue) => void;
}

function Control({ id, field, value, described, wrong, set }: ControlProps) {
  const shared = { id: controlId(id), 'aria-describedby': described, 'data-field': id };
  switch (field.kind) {
    case 'toggle':
      return (
        <span class="check">
          <input
            {...shared}
            type="checkbox"
            checked={value === true}
            onChange={(event) => set(event.currentTarget.checked)}
          />
          {TRAIN_COPY.plan.on}
        </span>
      );
    case 'choice':
      return (
        <select {...shared} value={String(value)} onChange={(event) => set(event.currentTarget.value)}>
          {field.options.map((option) => (
            <option key={option} value={option}>
              {optionText(id, option)}
            </option>
          ))}
        </select>
      );
    case 'number':
      return (
        <input
          {...shared}
          type="number"
          step="any"
          inputMode={field.whole ? 'numeric' : 'decimal'}
          aria-invalid={wrong}
          value={Number.isFinite(value) ? String(value) : ''}
          onChange={(event) => set(event.currentTarget.valueAsNumber)}
        />
      );
    case 'text':
      return (
        <input
          {...shared}
          type="text"
          spellcheck={false}
          autocomplete="off"
          class={field.pattern ? 'mono' : ''}
          aria-invalid={wrong}
          value={String(value)}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
  }
}

/** A setting; nothing while it has no effect on the plan. */
export function PlanField({ id }: { readonly id: FieldId }) {
  const train = useTrain();
  const plan = train.plan.value;
  const field = FIELDS[id];
  if (!field.applies(plan)) return null;
  const { label, hint } = FIELD_COPY[id];
  const problem = train.problems.value.find((one) => one.field === id);
  const range = field.kind === 'number' ? field : undefined;
  const note = `${controlId(id)}-note`;
  return (
    <div class={problem === undefined ? 'plan-field' : 'plan-field wrong'}>
      <span class="plan-label">
        <label for={controlId(id)}>{label}</label>
        {train.changes.value.includes(id) && (
          <button
            type="button"
            class="icon-button plan-reset"
            aria-label={TRAIN_COPY.plan.reset(label)}
            title={TRAIN_COPY.plan.reset(label)}
            onClick={() => train.resetField(id)}
          >
            <Icon name="again" />
          </button>
        )}
      </span>
      <Control
        id={id}
        field={field}
        value={field.read(plan)}
        described={note}
        wrong={problem !== undefined}
        set={(value) => train.setField(id, value)}
      />
      <span id={note} class={problem === undefined ? 'hint' : 'hint wrong-note'}>
        {problem === undefined ? hint : problemText(problem, range)}
      </span>
    </div>
  );
}
