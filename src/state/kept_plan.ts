// Writes the plan that is being edited as text and reads it again, so that edits survive a reload of the page. What was
// kept is read setting by setting: one that is unknown or cannot be used falls back to the preset.

import { settingAt, withSetting } from '../settings/read_settings';
import { faultOf } from '../settings/setting';
import { isPresetId, type PresetId } from '../settings/train_presets';
import { TRAIN_SETTING_IDS, TRAIN_SETTINGS } from '../settings/train_settings';
import type { TrainingPlan } from '../worker/protocol/training';
import { PRESETS } from './train_presets';

/** Where text is kept between visits; both may do nothing where storage is blocked. */
export interface KeptText {
  read(): string | null;
  write(text: string): void;
}

/** A plan with the preset that it began as; null for one that was taken over from a run. */
export interface EditedPlan {
  readonly preset: PresetId | null;
  readonly plan: TrainingPlan;
}

/** The text of a plan. */
export function keptText(edited: EditedPlan): string {
  return JSON.stringify(edited);
}

function sourceOf(kept: unknown, fallback: TrainingPlan['source']): TrainingPlan['source'] {
  const datasetId = settingAt(kept, 'source.datasetId');
  const isDataset = settingAt(kept, 'source.kind') === 'dataset' && typeof datasetId === 'string';
  return isDataset ? { kind: 'dataset', datasetId } : fallback;
}

/** Reads what {@link keptText} wrote; null for anything else. */
export function readKeptPlan(text: string | null, first: PresetId): EditedPlan | null {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '');
  } catch {
    return null;
  }
  const given = settingAt(kept, 'plan');
  const [modelId, adapterId] = [settingAt(given, 'modelId'), settingAt(given, 'adapterId')];
  if (typeof modelId !== 'string' || (adapterId !== null && typeof adapterId !== 'string')) return null;
  const named = settingAt(kept, 'preset');
  const preset = isPresetId(named) ? named : null;
  const base = PRESETS[preset ?? first];
  const evaluated = settingAt(given, 'evalDatasetId');
  const evalDatasetId = typeof evaluated === 'string' ? evaluated : null;
  let plan: TrainingPlan = {
    ...{ ...base, modelId, adapterId, evalDatasetId },
    source: sourceOf(given, base.source),
  };
  for (const id of TRAIN_SETTING_IDS) {
    const value = settingAt(given, id);
    const known = settingAt(plan, id) !== undefined;
    if (known && faultOf(TRAIN_SETTINGS[id], value) === null) plan = withSetting(plan, id, value);
  }
  return { preset, plan };
}
