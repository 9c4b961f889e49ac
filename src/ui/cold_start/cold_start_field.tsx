// Draws one setting of a cold start, of the draft or of the one in the making.

import { COLD_START_SETTINGS, type ColdStartSettingId } from '../../settings/cold_start_settings';
import type { SettingValue } from '../../settings/setting';
import type { ColdStart } from '../../state/cold_start';
import { SettingField } from '../setting_field';

interface FieldProps {
  readonly coldStart: ColdStart;
  readonly id: ColdStartSettingId;
  /** Choices that are offered; all where absent. */
  readonly choices?: readonly string[];
}

/** A setting with its help. */
export function ColdStartField({ coldStart, id, choices }: FieldProps) {
  const wrong = coldStart.wrong.value.has(id);
  const held: SettingValue = (coldStart.view.value?.plan ?? coldStart.draft.value)[id];
  return (
    <SettingField
      {...{ id, wrong, form: 'cold', setting: COLD_START_SETTINGS[id] }}
      value={wrong ? (coldStart.wrong.value.get(id) ?? null) : held}
      disabled={coldStart.atWork.value}
      {...(choices === undefined ? {} : { choices })}
      set={(value) => void coldStart.set(id, value)}
    />
  );
}
