// Draws one setting of the plan as a labelled control with its help, its problem, and the way back to the preset.
// Kind, words, choices and range are those of the table of settings; what was typed stays as typed.

import { choicesOf, type Setting, type SettingValue } from '../../settings/setting';
import { TRAIN_SETTINGS, type TrainSettingId } from '../../settings/train_settings';
import { fieldApplies, readField } from '../../state/train_form';
import { Icon } from '../icons';
import { NumberInput } from '../number_input';
import { usePlan } from './train_context';
import { problemText, TRAIN_COPY } from './train_copy';

/** Id of a field's control, for labels and for moving the focus to it. */
export function controlId(id: TrainSettingId): string {
  return `plan-${id.replaceAll('.', '-')}`;
}

interface ControlProps {
  readonly id: TrainSettingId;
  readonly setting: Setting;
  readonly value: SettingValue;
  readonly described: string;
  readonly wrong: boolean;
  readonly set: (value: SettingValue) => void;
}

interface LongTextProps extends Pick<ControlProps, 'value' | 'wrong' | 'set'> {
  readonly shared: {
    readonly id: string;
    readonly 'aria-describedby': string;
    readonly 'data-field': string;
  };
  readonly rows: number;
}

/** A text of several lines; null while nothing is in it. */
function LongText({ shared, value, wrong, set, rows }: LongTextProps) {
  return (
    <textarea
      {...shared}
      class="mono"
      rows={rows}
      spellcheck={false}
      autocomplete="off"
      aria-invalid={wrong}
      value={String(value ?? '')}
      onChange={({ currentTarget }) => set(currentTarget.value.trim() === '' ? null : currentTarget.value)}
    />
  );
}

function Control({ id, setting, value, described, wrong, set }: ControlProps) {
  const shared = { id: controlId(id), 'aria-describedby': described, 'data-field': id };
  switch (setting.kind) {
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
          {choicesOf(setting).map((option) => (
            <option key={option} value={option}>
              {setting.choices[option]}
            </option>
          ))}
        </select>
      );
    case 'number':
      return (
        <NumberInput
          {...shared}
          whole={setting.whole && setting.share !== true}
          aria-invalid={wrong}
          number={typeof value === 'number' ? value : Number.NaN}
          set={set}
        />
      );
    case 'text':
      if (setting.lines !== undefined)
        return <LongText {...{ shared, value, wrong, set }} rows={setting.lines} />;
      return (
        <input
          {...shared}
          type="text"
          spellcheck={false}
          autocomplete="off"
          class={setting.pattern ? 'mono' : ''}
          aria-invalid={wrong}
          value={String(value)}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
  }
}

/** A setting; nothing while it has no effect on the plan. */
export function PlanField({ id }: { readonly id: TrainSettingId }) {
  const form = usePlan();
  const plan = form.plan.value;
  if (!fieldApplies(plan, id)) return null;
  const setting: Setting = TRAIN_SETTINGS[id];
  const { label, unit, help } = setting;
  const problem = form.problems.value.find((one) => one.field === id);
  const hint = [...(unit === undefined ? [] : [TRAIN_COPY.plan.unit(unit)]), help ?? ''].join(' ');
  const note = `${controlId(id)}-note`;
  return (
    <div class={problem === undefined ? 'plan-field' : 'plan-field wrong'}>
      <span class="plan-label">
        <label for={controlId(id)}>{label}</label>
        {form.changes.value.includes(id) && (
          <button
            type="button"
            class="icon-button plan-reset"
            aria-label={TRAIN_COPY.plan.reset(label)}
            title={TRAIN_COPY.plan.reset(label)}
            onClick={() => form.resetField(id)}
          >
            <Icon name="again" />
          </button>
        )}
      </span>
      <Control
        id={id}
        setting={setting}
        value={readField(plan, id) ?? null}
        described={note}
        wrong={problem !== undefined}
        set={(value) => form.setField(id, value)}
      />
      <span id={note} class={problem === undefined ? 'hint' : 'hint wrong-note'}>
        {problem === undefined ? hint : problemText(problem)}
      </span>
    </div>
  );
}
