// Declares the presets, settings of training that are known to work, as differences from the defaults. Figures: docs/results
// of pocket, SFT 90 × 32 at 2e-3 and GRPO 100 × 16 × 8 at 1e-3, both with r 8.

import type { TrainSettingId } from './train_settings';

type Differences = Readonly<Partial<Record<TrainSettingId, string | number | boolean>>>;

/** A preset. */
export interface TrainPreset {
  readonly label: string;
  /** What it is for, in whole sentences. */
  readonly summary: string;
  /** Its settings that are not the defaults. */
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
  evalSteps: 15,
  evalSize: 64,
  evalSamples: 6,
};

const GRPO_FULL: Differences = {
  ...SFT_FULL,
  name: 'Pocket GRPO',
  method: 'grpo',
  maxSteps: 100,
  saveSteps: 5,
  evalSteps: 0,
  evalSize: 0,
  evalSamples: 0,
  'source.textShare': 0.25,
  'optim.learningRate': 1e-3,
  'optim.lrSchedulerType': 'constant',
  'optim.warmupSteps': 0,
  'optim.adamBeta2': 0.95,
};

/** The presets, in order. */
export const TRAIN_PRESETS = {
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
      evalSteps: 10,
      evalSize: 8,
      evalSamples: 4,
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
} as const satisfies Readonly<Record<string, TrainPreset>>;

/** One of the presets. */
export type PresetId = keyof typeof TRAIN_PRESETS;
/** Names of the presets, in order. */
export const PRESET_IDS = Object.keys(TRAIN_PRESETS) as readonly PresetId[];

/** Whether a name is that of a preset. */
export function isPresetId(name: unknown): name is PresetId {
  return typeof name === 'string' && Object.hasOwn(TRAIN_PRESETS, name);
}
