// Plans that are known to work, as data: what the form of the Train page starts from and what changes are told against.
// Not the wording (the page's copy) and not the defaults of the trainers, which serve models of any size.
// Invariant: every preset is a whole plan that the engine accepts as it is.
// Source of the numbers: docs/results of pocket; SFT 90 × 32 at 2e-3, GRPO 100 × 16 × 8 at 1e-3, both with r 8.

import type { GrpoSettings, SftSettings, TrainingPlan } from '../worker/protocol/training';

/** Names of the presets; their words are in the page's copy. */
export const PRESET_IDS = ['sft-quick', 'sft-full', 'grpo-quick', 'grpo-full'] as const;
/** One of {@link PRESET_IDS}. */
export type PresetId = (typeof PRESET_IDS)[number];

/** The model that the presets were found with. */
const POCKET = 'pocket';

/** Every projection of the text layers, as PEFT's regular expression. */
const ALL_PROJECTIONS =
  '.*language_model\\.layers\\.\\d+\\.(self_attn\\.(q|k|v|o)_proj|mlp\\.(gate|up|down)_proj)';

const SFT: SftSettings = {
  batchSize: 32,
  numTrainEpochs: 0,
  maxLength: 192,
  evalSteps: 15,
  evalSize: 64,
  evalSamples: 6,
};

const GRPO: GrpoSettings = {
  promptsPerStep: 16,
  numGenerations: 8,
  maxCompletionLength: 122,
  temperature: 1,
  topP: 1,
  lossType: 'dapo',
  epsilon: 0.2,
  epsilonHigh: 0.2,
  beta: 0,
  numIterations: 1,
  scaleRewards: 'group',
  stdFloor: 0.25,
  dropUniformGroups: 'accuracy',
  maskTruncatedCompletions: false,
  rewardWeights: { accuracy: 1, format: 0.1 },
};

const SFT_FULL: TrainingPlan = {
  name: 'Pocket SFT',
  method: 'sft',
  modelId: POCKET,
  source: { kind: 'shapes_world', textShare: 0.2, scenes: 800, rolloutsPerScene: 4, reflectionRate: 0.5 },
  adapterId: null,
  mode: 'solution',
  lora: { r: 8, loraAlpha: 16, loraDropout: 0, targetModules: ALL_PROJECTIONS },
  optim: {
    learningRate: 2e-3,
    lrSchedulerType: 'linear',
    warmupSteps: 10,
    weightDecay: 0,
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    adamEpsilon: 1e-8,
    maxGradNorm: 1,
  },
  maxSteps: 90,
  seed: 1,
  saveSteps: 10,
  tokensPerMicroBatch: 4096,
  gradientCheckpointing: true,
  sft: SFT,
  grpo: GRPO,
};

const SFT_QUICK: TrainingPlan = {
  ...SFT_FULL,
  name: 'Pocket SFT, quick',
  source: { kind: 'shapes_world', textShare: 0.2, scenes: 120, rolloutsPerScene: 2, reflectionRate: 0.5 },
  optim: { ...SFT_FULL.optim, warmupSteps: 5 },
  maxSteps: 30,
  saveSteps: 5,
  sft: { ...SFT, batchSize: 8, evalSteps: 10, evalSize: 16, evalSamples: 4 },
};

const GRPO_FULL: TrainingPlan = {
  ...SFT_FULL,
  name: 'Pocket GRPO',
  method: 'grpo',
  source: { kind: 'shapes_world', textShare: 0.25, scenes: 800, rolloutsPerScene: 4, reflectionRate: 0.5 },
  optim: {
    ...SFT_FULL.optim,
    learningRate: 1e-3,
    lrSchedulerType: 'constant',
    warmupSteps: 0,
    adamBeta2: 0.95,
  },
  maxSteps: 100,
  saveSteps: 5,
};

const GRPO_QUICK: TrainingPlan = {
  ...GRPO_FULL,
  name: 'Pocket GRPO, quick',
  maxSteps: 20,
  grpo: { ...GRPO, promptsPerStep: 8 },
};

/** The plan of each preset. */
export const PRESETS: Readonly<Record<PresetId, TrainingPlan>> = {
  'sft-quick': SFT_QUICK,
  'sft-full': SFT_FULL,
  'grpo-quick': GRPO_QUICK,
  'grpo-full': GRPO_FULL,
};
