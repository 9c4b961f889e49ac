// Draws one setting of a cold start as a labelled control with its help. Kind, words, choices and range are those of the
// table of settings; what cannot be used stays as typed, and the field says what it must be.

import { COLD_START_SETTINGS, type ColdStartSettingId } from '../../settings/cold_start_settings';
import { choicesOf, mustBe, type Setting, type SettingValue } from '../../settings/setting';
import type { ColdStart } from '../../state/cold_start';
import { NumberInput } from '../number_input';

interface FieldProps {
  readonly coldStart: ColdStart;
  readonly id: ColdStartSettingId;
  /** Choices that are offered; all where absent. */
  readonly choices?: readonly string[];
}

/** A setting of the draft, or of the cold start in the making. */
export function ColdStartField({ coldStart, id, choices }: FieldProps) {
  const setting: Setting = COLD_START_SETTINGS[id];
  const wrong = coldStart.wrong.value.has(id);
  const held: SettingValue = (coldStart.view.value?.plan ?? coldStart.draft.value)[id];
  const value = wrong ? (coldStart.wrong.value.get(id) ?? null) : held;
  const shared = { id: `cold-${id}`, 'aria-describedby': `cold-${id}-note`, 'data-field': id };
  const set = (next: SettingValue) => void coldStart.set(id, next);
  return (
    <div class={wrong ? 'cold-field wrong' : 'cold-field'}>
      <label for={shared.id}>{setting.label}</label>
      <fieldset disabled={coldStart.atWork.value}>
        {setting.kind === 'choice' ? (
          <select {...shared} value={String(value)} onChange={(event) => set(event.currentTarget.value)}>
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
            whole={setting.kind === 'number' && setting.whole}
            aria-invalid={wrong}
            number={typeof value === 'number' ? value : wrong ? Number.NaN : null}
            {...(setting.default === null ? { emptyMeans: '' } : {})}
            set={set}
          />
        )}
      </fieldset>
      <span id={`cold-${id}-note`} class={wrong ? 'hint wrong-note' : 'hint'}>
        {wrong ? `It must be ${mustBe(setting)}.` : (setting.help ?? '')}
      </span>
    </div>
  );
}
