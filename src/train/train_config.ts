// The settings of a training run: what a configuration file of the command line and the page's form both give.
// Types, defaults and checks only. Invariant: a plan that passes `checkTrainConfig` names nothing that a trainer refuses.

import { ArgumentError } from '../lib/errors';
import type { AdvantageScaling, GrpoLossType } from './losses';
import type { LrSchedulerType } from './schedule';

/** A new adapter's shape, in PEFT's terms. */
export interface LoraSettings {
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  /** A regular expression that names modules in full, as PEFT matches it. */
  readonly targetModules: string;
}

/** AdamW with a schedule, in TRL's terms. */
export interface OptimSettings {
  readonly learningRate: number;
  readonly lrSchedulerType: LrSchedulerType;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  /** 0 never clips. */
  readonly maxGradNorm: number;
}

/** What both trainers read. */
export interface CommonSettings {
  readonly optim: OptimSettings;
  readonly maxSteps: number;
  readonly seed: number;
  /** Packed tokens of one micro-batch; a step is cut into as many as it needs and gradients are accumulated. */
  readonly tokensPerMicroBatch: number;
  /** Recompute layers in the reverse instead of keeping their activations. */
  readonly gradientCheckpointing: boolean;
}

/** Settings of supervised fine-tuning. */
export interface SftSettings {
  /** Examples per optimiser step. */
  readonly batchSize: number;
  /** Passes over the examples, which then decide the number of steps; 0 leaves it to `maxSteps`. */
  readonly numTrainEpochs: number;
  /** Longest example in tokens, prompt included; longer ones are left out and counted. */
  readonly maxLength: number;
  /** Steps between evaluations; 0 never evaluates. */
  readonly evalSteps: number;
  /** Examples held out by seed for the evaluation loss. */
  readonly evalSize: number;
  /** Answers sampled greedily at each evaluation. */
  readonly evalSamples: number;
}

/** Settings of GRPO, in TRL's terms. */
export interface GrpoSettings {
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly maxCompletionLength: number;
  readonly temperature: number;
  readonly topP: number;
  readonly lossType: GrpoLossType;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** Weight of the KL term against the reference; 0 leaves it out. */
  readonly beta: number;
  readonly numIterations: number;
  readonly scaleRewards: AdvantageScaling;
  /** Smallest divisor of `std_floor`. */
  readonly stdFloor: number;
  /** Groups that teach nothing are dropped: equal rewards, or equal accuracy. */
  readonly dropUniformGroups: 'none' | 'reward' | 'accuracy';
  readonly maskTruncatedCompletions: boolean;
  /** Weights of the rewards by name; absent is 0. */
  readonly rewardWeights: Readonly<Record<string, number>>;
}

/** Settings of one run of either trainer. */
export interface TrainConfig extends CommonSettings {
  readonly lora: LoraSettings;
  readonly sft: SftSettings;
  readonly grpo: GrpoSettings;
}

/** All seven projections of every text layer. */
export const ALL_PROJECTIONS =
  '.*language_model\\.layers\\.\\d+\\.(self_attn\\.(q|k|v|o)_proj|mlp\\.(gate|up|down)_proj)';

/** PEFT's and TRL's defaults where they have one, for models of any size; pocket's presets are its own. */
export const DEFAULT_TRAIN_CONFIG: TrainConfig = {
  lora: { r: 8, loraAlpha: 16, loraDropout: 0, targetModules: ALL_PROJECTIONS },
  optim: {
    learningRate: 1e-4,
    lrSchedulerType: 'linear',
    warmupSteps: 0,
    weightDecay: 0,
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    adamEpsilon: 1e-8,
    maxGradNorm: 1,
  },
  maxSteps: 100,
  seed: 0,
  tokensPerMicroBatch: 4096,
  gradientCheckpointing: true,
  sft: { batchSize: 8, numTrainEpochs: 0, maxLength: 4096, evalSteps: 0, evalSize: 0, evalSamples: 0 },
  grpo: {
    promptsPerStep: 4,
    numGenerations: 8,
    maxCompletionLength: 512,
    temperature: 1,
    topP: 1,
    lossType: 'dapo',
    epsilon: 0.2,
    epsilonHigh: 0.2,
    beta: 0,
    numIterations: 1,
    scaleRewards: 'group',
    stdFloor: 0.25,
    dropUniformGroups: 'none',
    maskTruncatedCompletions: false,
    rewardWeights: { accuracy: 1, format: 0.1 },
  },
};

type Rule = readonly [key: string, value: number, holds: (value: number) => boolean, must: string];

const whole = (least: number) => (value: number) => Number.isInteger(value) && value >= least;
const between = (low: number, high: number) => (value: number) => value >= low && value <= high;

function commonRules({ optim, lora, ...common }: TrainConfig): Rule[] {
  return [
    ['maxSteps', common.maxSteps, whole(1), 'a whole number from 1'],
    ['seed', common.seed, whole(0), 'a whole number from 0'],
    ['tokensPerMicroBatch', common.tokensPerMicroBatch, whole(1), 'a whole number from 1'],
    ['lora.r', lora.r, (r) => whole(1)(r) && r <= 1024, 'a whole number from 1 to 1024'],
    ['lora.loraAlpha', lora.loraAlpha, between(1e-6, 1e6), 'above 0'],
    ['lora.loraDropout', lora.loraDropout, (p) => p >= 0 && p < 1, 'from 0 to below 1'],
    ['optim.learningRate', optim.learningRate, between(0, 10), 'from 0 to 10'],
    ['optim.warmupSteps', optim.warmupSteps, whole(0), 'a whole number from 0'],
    ['optim.weightDecay', optim.weightDecay, between(0, 1), 'from 0 to 1'],
    ['optim.adamBeta1', optim.adamBeta1, (b) => b >= 0 && b < 1, 'from 0 to below 1'],
    ['optim.adamBeta2', optim.adamBeta2, (b) => b >= 0 && b < 1, 'from 0 to below 1'],
    ['optim.adamEpsilon', optim.adamEpsilon, between(1e-15, 1), 'above 0'],
    ['optim.maxGradNorm', optim.maxGradNorm, between(0, 1e9), '0 or more'],
  ];
}

function grpoRules({ grpo }: TrainConfig): Rule[] {
  return [
    ['grpo.promptsPerStep', grpo.promptsPerStep, whole(1), 'a whole number from 1'],
    ['grpo.numGenerations', grpo.numGenerations, whole(2), 'a whole number from 2'],
    ['grpo.maxCompletionLength', grpo.maxCompletionLength, whole(1), 'a whole number from 1'],
    ['grpo.temperature', grpo.temperature, between(1e-3, 100), 'above 0'],
    ['grpo.topP', grpo.topP, (p) => p > 0 && p <= 1, 'above 0 and at most 1'],
    ['grpo.epsilon', grpo.epsilon, between(0, 10), '0 or more'],
    ['grpo.epsilonHigh', grpo.epsilonHigh, between(0, 10), '0 or more'],
    ['grpo.beta', grpo.beta, between(0, 100), '0 or more'],
    ['grpo.numIterations', grpo.numIterations, whole(1), 'a whole number from 1'],
    ['grpo.stdFloor', grpo.stdFloor, between(1e-6, 100), 'above 0'],
  ];
}

function sftRules({ sft }: TrainConfig): Rule[] {
  return [
    ['sft.batchSize', sft.batchSize, whole(1), 'a whole number from 1'],
    ['sft.numTrainEpochs', sft.numTrainEpochs, between(0, 1e6), 'from 0 to a million'],
    ['sft.maxLength', sft.maxLength, whole(2), 'a whole number from 2'],
    ['sft.evalSteps', sft.evalSteps, whole(0), 'a whole number from 0'],
    ['sft.evalSize', sft.evalSize, whole(0), 'a whole number from 0'],
    ['sft.evalSamples', sft.evalSamples, whole(0), 'a whole number from 0'],
  ];
}

/**
 * Checks numbers and the target expression.
 * @throws ArgumentError naming the setting and what it must be
 */
export function checkTrainConfig(config: TrainConfig): void {
  for (const [key, value, holds, must] of [
    ...commonRules(config),
    ...sftRules(config),
    ...grpoRules(config),
  ]) {
    if (typeof value !== 'number' || !Number.isFinite(value) || !holds(value)) {
      throw new ArgumentError(`${key} is ${value}; it must be ${must}.`, { key });
    }
  }
  for (const [name, weight] of Object.entries(config.grpo.rewardWeights)) {
    if (!Number.isFinite(weight))
      throw new ArgumentError(`grpo.rewardWeights.${name} is ${weight}; it must be a number.`);
  }
  targetExpression(config.lora.targetModules);
}

/**
 * The expression as PEFT matches it: against the whole module name.
 * @throws ArgumentError when it is no regular expression
 */
export function targetExpression(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch {
    throw new ArgumentError(`lora.targetModules "${pattern}" is not a regular expression.`);
  }
}
