// Settings of a run: the defaults pass, each rule names its field and draws its line where it says, and the target
// expression matches whole module names.
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../src/lib/errors';
import {
  ALL_PROJECTIONS,
  checkTrainConfig,
  DEFAULT_TRAIN_CONFIG,
  type TrainConfig,
  targetExpression,
} from '../../src/train/train_config';

/** The defaults with one field, given by its path, replaced. */
function withField(path: string, value: unknown): TrainConfig {
  const config = structuredClone(DEFAULT_TRAIN_CONFIG) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop() as string;
  let holder = config;
  for (const key of keys) holder = holder[key] as Record<string, unknown>;
  holder[last] = value;
  return config as unknown as TrainConfig;
}

/** Every number of the defaults, by path; the reward weights have a rule of their own. */
function numberPaths(holder: object, prefix = ''): string[] {
  return Object.entries(holder).flatMap(([key, value]) => {
    if (key === 'rewardWeights') return [];
    if (typeof value === 'number') return [prefix + key];
    return typeof value === 'object' ? numberPaths(value, `${prefix}${key}.`) : [];
  });
}

/** Field, values that pass, values that do not. */
const LINES: [path: string, good: number[], bad: number[]][] = [
  ['maxSteps', [1], [0, 1.5, -1]],
  ['seed', [0], [-1, 0.5]],
  ['tokensPerMicroBatch', [1], [0, 1.5]],
  ['lora.r', [1, 1024], [0, 1025, 1.5]],
  ['lora.loraAlpha', [0.5, 256], [0, -1]],
  ['lora.loraDropout', [0, 0.99], [-0.1, 1]],
  ['optim.learningRate', [0, 10], [-1e-9, 11]],
  ['optim.warmupSteps', [0, 500], [-1, 0.1]],
  ['optim.weightDecay', [0, 1], [-0.01, 1.1]],
  ['optim.adamBeta1', [0, 0.999], [-0.1, 1]],
  ['optim.adamBeta2', [0, 0.9999], [-0.1, 1]],
  ['optim.adamEpsilon', [1e-10, 1], [0, -1, 2]],
  ['optim.maxGradNorm', [0, 1000], [-1]],
  ['sft.batchSize', [1], [0, 1.5]],
  ['sft.numTrainEpochs', [0, 2.5], [-1, 1e7]],
  ['sft.maxLength', [2], [1, 2.5]],
  ['sft.evalSteps', [0], [-1, 0.5]],
  ['sft.evalSize', [0], [-1, 0.5]],
  ['sft.evalSamples', [0], [-1, 0.5]],
  ['grpo.promptsPerStep', [1], [0, 1.5]],
  ['grpo.numGenerations', [2], [1, 2.5]],
  ['grpo.maxCompletionLength', [1], [0, 1.5]],
  ['grpo.temperature', [0.001, 2], [0, -1]],
  ['grpo.topP', [0.01, 1], [0, 1.01]],
  ['grpo.epsilon', [0, 10], [-0.1, 11]],
  ['grpo.epsilonHigh', [0, 10], [-0.1, 11]],
  ['grpo.beta', [0, 100], [-0.1, 101]],
  ['grpo.numIterations', [1], [0, 1.5]],
  ['grpo.stdFloor', [0.01, 100], [0, -1]],
];

describe('checkTrainConfig', () => {
  it('passes the defaults', () => {
    expect(() => checkTrainConfig(DEFAULT_TRAIN_CONFIG)).not.toThrow();
  });

  it('has a rule for every number', () => {
    expect(numberPaths(DEFAULT_TRAIN_CONFIG).sort()).toEqual(LINES.map(([path]) => path).sort());
  });

  it.each(LINES)('draws the line of %s', (path, good, bad) => {
    for (const value of good)
      expect(() => checkTrainConfig(withField(path, value)), `${value}`).not.toThrow();
    for (const value of [...bad, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
      const check = (): void => checkTrainConfig(withField(path, value));
      expect(check, `${value}`).toThrow(ArgumentError);
      expect(check).toThrow(`${path} is ${value}; it must be `);
      expect(check).toThrow(expect.objectContaining({ data: { key: path } }));
    }
  });

  it('names the reward whose weight is no number, and takes any finite one', () => {
    expect(() =>
      checkTrainConfig(withField('grpo.rewardWeights', { length: -0.5, accuracy: 0 })),
    ).not.toThrow();
    const broken = withField('grpo.rewardWeights', { accuracy: 1, format: Number.NaN });
    expect(() => checkTrainConfig(broken)).toThrow('grpo.rewardWeights.format is NaN');
  });

  it('names a target expression that is none', () => {
    const broken = withField('lora.targetModules', 'q_proj(');
    expect(() => checkTrainConfig(broken)).toThrow(/^lora\.targetModules "q_proj\(" is not/);
  });
});

describe('targetExpression', () => {
  it.each([
    ['model.language_model.layers.0.self_attn.q_proj', true],
    ['model.language_model.layers.35.mlp.down_proj', true],
    ['model.language_model.layers.0.self_attn.q_proj.lora_A', false],
    ['model.language_model.layers.x.self_attn.q_proj', false],
    ['model.language_model.layers.0.self_attn.qkv', false],
    ['model.visual.blocks.0.mlp.gate_proj', false],
  ])('of all projections on %s', (name, matched) => {
    expect(targetExpression(ALL_PROJECTIONS).test(name)).toBe(matched);
  });

  it('matches whole names, alternatives included', () => {
    const expression = targetExpression('q_proj|v_proj');
    expect(['q_proj', 'v_proj', 'xq_proj', 'v_projx'].map((name) => expression.test(name))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
