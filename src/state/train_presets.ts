// Makes the plans of the presets: what the form of the Train page starts from, and what changes are told against.

import { defaultsOf, withSetting } from '../settings/read_settings';
import { PRESET_IDS, type PresetId, TRAIN_PRESETS, type TrainPreset } from '../settings/train_presets';
import { TRAIN_SETTINGS } from '../settings/train_settings';
import type { TrainingPlan } from '../worker/protocol/training';

/** The model that the presets were found with. */
const MODEL = 'pocket';

function planOf({ differs }: TrainPreset): TrainingPlan {
  const { source, ...defaults } = defaultsOf(TRAIN_SETTINGS);
  const plan: TrainingPlan = {
    ...defaults,
    modelId: MODEL,
    adapterId: null,
    evalDatasetId: null,
    source: { kind: 'shapes_world', ...source },
  };
  return Object.entries(differs).reduce((made, [path, value]) => withSetting(made, path, value), plan);
}

/** The plan of each preset. */
export const PRESETS = Object.fromEntries(
  PRESET_IDS.map((id) => [id, planOf(TRAIN_PRESETS[id])]),
) as Readonly<Record<PresetId, TrainingPlan>>;
