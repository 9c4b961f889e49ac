// Plans that are known to work, as differences from the defaults of the settings: what the form of the Train page starts
// from, and what changes are told against. Figures: docs/results of pocket, SFT 90 × 32 at 2e-3 and GRPO 100 × 16 × 8 at
// 1e-3, both with r 8.

import { defaultsOf, settingAt, withSetting } from '../settings/read_settings';
import { TRAIN_SETTINGS, type TrainSettingId } from '../settings/train_settings';
import type { TrainingPlan } from '../worker/protocol/training';

type Differences = Readonly<Partial<Record<TrainSettingId, string | number | boolean>>>;

interface Preset {
  readonly label: string;
  readonly summary: string;
  readonly differs: Differences;
}

/** What all presets for pocket have in common; its longest answers take 122 tokens, its longest examples 192. */
const POCKET: Differences = {
  seed: 1,
  'sft.maxLength': 192,
  'sft.maxCompletionLength': 122,
  'grpo.promptsPerStep': 16,
  'grpo.maxCompletionLength': 122,
  'grpo.dropUniformGroups': 'accuracy',
};

const SFT_FULL: Differences = {
  ...POCKET,
  name: 'Pocket SFT',
  method: 'sft',
  maxSteps: 90,
  'optim.learningRate': 2e-3,
  'optim.warmupSteps': 10,
  'sft.batchSize': 32,
  'sft.evalSteps': 15,
  'sft.evalSize': 64,
  'sft.evalSamples': 6,
};

const GRPO_FULL: Differences = {
  ...SFT_FULL,
  name: 'Pocket GRPO',
  method: 'grpo',
  maxSteps: 100,
  saveSteps: 5,
  'source.textShare': 0.25,
  'optim.learningRate': 1e-3,
  'optim.lrSchedulerType': 'constant',
  'optim.warmupSteps': 0,
  'optim.adamBeta2': 0.95,
};

const TABLE = {
  'sft-quick': {
    label: 'Pocket SFT (quick)',
    summary: '30 steps of 8 written answers. Shows how a run behaves; too short to learn much.',
    differs: {
      ...SFT_FULL,
      name: 'Pocket SFT, quick',
      maxSteps: 30,
      saveSteps: 5,
      'source.scenes': 120,
      'source.rolloutsPerScene': 2,
      'optim.warmupSteps': 5,
      'sft.batchSize': 8,
      'sft.evalSteps': 10,
      'sft.evalSize': 8,
      'sft.evalSamples': 4,
    },
  },
  'sft-full': {
    label: 'Pocket SFT (full: 90 × 32)',
    summary: '90 steps of 32 written answers. Teaches pocket to look back.',
    differs: SFT_FULL,
  },
  'grpo-quick': {
    label: 'Pocket GRPO (quick: 20 steps, 8 × 8)',
    summary: '20 steps of 8 questions, 8 answers each. Enough to see the rewards move.',
    differs: { ...GRPO_FULL, name: 'Pocket GRPO, quick', maxSteps: 20, 'grpo.promptsPerStep': 8 },
  },
  'grpo-full': {
    label: 'Pocket GRPO (full: 100 × 16 × 8)',
    summary:
      '100 steps of 16 questions, 8 answers each. Looking back becomes the rule, and answers get better.',
    differs: GRPO_FULL,
  },
} as const satisfies Readonly<Record<string, Preset>>;

/** One of the presets. */
export type PresetId = keyof typeof TABLE;
/** Names of the presets, in order. */
export const PRESET_IDS = Object.keys(TABLE) as readonly PresetId[];

/** The model that the presets were found with. */
const MODEL = 'pocket';

function planOf({ differs }: Preset): TrainingPlan {
  const { source, ...defaults } = defaultsOf(TRAIN_SETTINGS);
  const plan: TrainingPlan = {
    ...defaults,
    modelId: MODEL,
    adapterId: null,
    source: { kind: 'shapes_world', ...source },
  };
  return Object.entries(differs).reduce((made, [path, value]) => withSetting(made, path, value), plan);
}

function perPreset<T>(of: (preset: Preset) => T): Readonly<Record<PresetId, T>> {
  return Object.fromEntries(PRESET_IDS.map((id) => [id, of(TABLE[id])])) as Record<PresetId, T>;
}

/** The plan of each preset. */
export const PRESETS = perPreset(planOf);
/** What each preset is called and what it is for. */
export const PRESET_WORDS = perPreset(({ label, summary }) => ({ label, summary }));

/** Whether a name is that of a preset. */
export function isPresetId(name: unknown): name is PresetId {
  return typeof name === 'string' && settingAt(TABLE, name) !== undefined;
}
