// Draws one setting as a labelled control with its help. Kind, words, choices and range are those of its table; what cannot
// be used stays as typed, and the field says what it must be.

import { choicesOf, mustBe, type Setting, type SettingValue } from '../settings/setting';
import { NumberInput } from './number_input';
import './styles/setting_field.css';

interface SettingFieldProps {
  /** Name of the setting, unique on the page together with `form`. */
  readonly id: string;
  readonly form: string;
  readonly setting: Setting;
  /** What it holds, or what was typed where that cannot be used. */
  readonly value: SettingValue;
  readonly wrong: boolean;
  /** Why it cannot be used together with other settings, in a whole sentence. */
  readonly refusal?: string | null;
  readonly disabled: boolean;
  /** Choices that are offered; all where absent. */
  readonly choices?: readonly string[];
  readonly set: (value: SettingValue) => void;
}

/** A choice or a number. */
export function SettingField({ id, form, setting, disabled, choices, set, ...held }: SettingFieldProps) {
  const { value, wrong, refusal = null } = held;
  const fault = wrong ? `It must be ${mustBe(setting)}.` : refusal;
  const shared = { id: `${form}-${id}`, 'aria-describedby': `${form}-${id}-note`, 'data-field': id };
  return (
    <div class={fault !== null ? 'setting-field wrong' : 'setting-field'}>
      <label for={shared.id}>{setting.label}</label>
      <fieldset disabled={disabled}>
        {setting.kind === 'choice' ? (
          <select
            {...shared}
            aria-invalid={fault !== null}
            value={String(value)}
            onChange={(event) => set(event.currentTarget.value)}
          >
            {choicesOf(setting)
              .filter((option) => choices?.includes(option) ?? true)
              .map((option) => (
                <option key={option} value={option}>
                  {setting.choices[option]}
                </option>
              ))}
          </select>
        ) : (
          <NumberInput
            {...shared}
            whole={setting.kind === 'number' && setting.whole && setting.share !== true}
            aria-invalid={fault !== null}
            number={typeof value === 'number' ? value : wrong ? Number.NaN : null}
            {...(setting.default === null ? { emptyMeans: '' } : {})}
            set={set}
          />
        )}
      </fieldset>
      <span id={`${shared.id}-note`} class={fault !== null ? 'hint wrong-note' : 'hint'}>
        {fault ?? setting.help ?? ''}
      </span>
    </div>
  );
}
