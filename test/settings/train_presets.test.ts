// The presets against the table of settings: every difference names a setting, takes one of its values, and is one.
import { describe, expect, it } from 'vitest';
import { faultOf, type Setting } from '../../src/settings/setting';
import { isPresetId, PRESET_IDS, TRAIN_PRESETS } from '../../src/settings/train_presets';
import { TRAIN_SETTINGS, type TrainSettingId } from '../../src/settings/train_settings';

describe('TRAIN_PRESETS', () => {
  it.each(PRESET_IDS)('%s differs from the defaults by values that the settings take', (id) => {
    for (const [path, value] of Object.entries(TRAIN_PRESETS[id].differs)) {
      const setting: Setting = TRAIN_SETTINGS[path as TrainSettingId];
      expect(faultOf(setting, value), path).toBeNull();
    }
  });

  it('are known by name', () => {
    expect([isPresetId('sft-quick'), isPresetId('toString'), isPresetId(null)]).toEqual([true, false, false]);
  });
});
