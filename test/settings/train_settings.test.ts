// The table of training settings: defaults in their ranges, the lines of its ranges, labels, and which settings apply.
import { describe, expect, it } from 'vitest';
import { defaultsOf, readerOf, withSetting } from '../../src/settings/read_settings';
import { REASONING_MODES } from '../../src/settings/reasoning_modes';
import { faultOf, type Setting } from '../../src/settings/setting';
import { SETTING_GROUPS } from '../../src/settings/setting_groups';
import {
  ALL_PROJECTIONS,
  DEFAULT_TRAIN_CONFIG,
  TRAIN_SETTING_IDS,
  TRAIN_SETTINGS,
  type TrainSettingId,
  trainSettingApplies,
} from '../../src/settings/train_settings';

/** Setting, values that pass, values that do not. */
const LINES: [id: TrainSettingId, good: number[], bad: number[]][] = [
  ['maxSteps', [1, 1_000_000], [0, 1.5, -1]],
  ['seed', [0, 2 ** 32 - 1], [-1, 0.5, 2 ** 32]],
  ['tokensPerMicroBatch', [1], [0, 1.5]],
  ['saveSteps', [0, 5], [-1, 0.5]],
  ['source.textShare', [0, 1], [-0.1, 1.1]],
  ['source.scenes', [1], [0, 0.5]],
  ['source.rolloutsPerScene', [1, 64], [0, 65]],
  ['source.reflectionRate', [0, 1], [-0.1, 2]],
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
  ['evalSteps', [0], [-1, 0.5]],
  ['evalSize', [0, 0.5, 2], [-1, 1.5]],
  ['evalSamples', [0], [-1, 0.5]],
  ['evalBatchSize', [1], [0, 1.5]],
  ['earlyStoppingPatience', [0], [-1, 0.5]],
  ['sft.maxCompletionLength', [1], [0, 1.5]],
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
  ['grpo.rewardWeights.accuracy', [-100, 0, 100], [101]],
  ['grpo.rewardWeights.format', [-100, 100], [-101]],
  ['grpo.rewardWeights.format_paper', [0], [1e9]],
  ['grpo.rewardWeights.length', [-0.5], [-1e9]],
  ['grpo.rewardWeights.visual_anchor', [-1, 0, 0.1], [101]],
  ['grpo.rewardWeights.visual_dependence', [-1, 0, 0.1], [101]],
  ['grpo.rewardWeights.custom', [-0.5, 0, 2], [101]],
];

describe('TRAIN_SETTINGS', () => {
  it('allows its own defaults', () => {
    for (const id of TRAIN_SETTING_IDS) {
      expect(faultOf(TRAIN_SETTINGS[id], TRAIN_SETTINGS[id].default), id).toBeNull();
    }
  });

  it('draws the line of every number', () => {
    const numbers = TRAIN_SETTING_IDS.filter((id) => TRAIN_SETTINGS[id].kind === 'number');
    expect(LINES.map(([id]) => id).sort()).toEqual([...numbers].sort());
    for (const [id, good, bad] of LINES) {
      for (const value of good) expect(faultOf(TRAIN_SETTINGS[id], value), `${id} ${value}`).toBeNull();
      for (const value of [...bad, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
        expect(faultOf(TRAIN_SETTINGS[id], value), `${id} ${value}`).not.toBeNull();
      }
    }
  });

  it('tells settings apart by their labels, and choices by their words', () => {
    const settings = TRAIN_SETTING_IDS.map((id): Setting => TRAIN_SETTINGS[id]);
    expect(new Set(settings.map(({ label }) => label)).size).toBe(settings.length);
    for (const setting of settings) {
      expect(SETTING_GROUPS).toHaveProperty(setting.group);
      if (setting.kind !== 'choice') continue;
      const words = Object.values(setting.choices);
      expect(new Set(words).size, setting.label).toBe(words.length);
    }
    expect(REASONING_MODES).toEqual(['plain', 'cot', 'semantic', 'solution']);
  });

  it('names the defaults of PEFT and TRL', () => {
    expect(DEFAULT_TRAIN_CONFIG).toMatchObject({
      lora: { r: 8, loraAlpha: 16, loraDropout: 0 },
      optim: { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, maxGradNorm: 1 },
      grpo: { numGenerations: 8, temperature: 1, epsilon: 0.2, beta: 0, lossType: 'dapo' },
    });
  });
});

describe('trainSettingApplies', () => {
  const plan = (changes: Readonly<Record<string, unknown>>) => {
    let values: object = withSetting(
      { ...defaultsOf(TRAIN_SETTINGS), adapterId: null },
      'source.kind',
      'shapes_world',
    );
    for (const [path, value] of Object.entries(changes)) values = withSetting(values, path, value);
    return readerOf(values);
  };
  const EVALUATING = { evalSteps: 5, evalSize: 4, evalSamples: 2 };
  const DATASET = { 'source.kind': 'dataset' };

  it.each<[TrainSettingId, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['sft.batchSize', {}, { method: 'grpo' }],
    ['grpo.beta', { method: 'grpo' }, {}],
    ['source.textShare', {}, DATASET],
    ['source.scenes', {}, { method: 'grpo' }],
    ['lora.r', {}, { adapterId: 'a' }],
    ['maxSteps', {}, { 'sft.numTrainEpochs': 2 }],
    ['maxSteps', { method: 'grpo', 'sft.numTrainEpochs': 2 }, { 'sft.numTrainEpochs': 1 }],
    ['evalSize', EVALUATING, {}],
    ['evalSamples', EVALUATING, { ...EVALUATING, evalSize: 0 }],
    ['sft.maxCompletionLength', {}, DATASET],
    ['sft.maxCompletionLength', { ...EVALUATING, ...DATASET }, { method: 'grpo' }],
    ['grpo.stdFloor', { method: 'grpo', 'grpo.scaleRewards': 'std_floor' }, { method: 'grpo' }],
    ['grpo.epsilon', { method: 'grpo', 'grpo.numIterations': 2 }, { method: 'grpo' }],
  ])('of %s', (id, applying, without) => {
    expect(trainSettingApplies(id, plan(applying))).toBe(true);
    expect(trainSettingApplies(id, plan(without))).toBe(false);
  });

  it('keeps dropout for an adapter that is continued', () => {
    expect(trainSettingApplies('lora.loraDropout', plan({ adapterId: 'a' }))).toBe(true);
  });
});

describe('ALL_PROJECTIONS', () => {
  it.each([
    ['model.language_model.layers.0.self_attn.q_proj', true],
    ['model.language_model.layers.35.mlp.down_proj', true],
    ['model.language_model.layers.0.self_attn.q_proj.lora_A', false],
    ['model.language_model.layers.x.self_attn.q_proj', false],
    ['model.language_model.layers.0.self_attn.qkv', false],
    ['model.visual.blocks.0.mlp.gate_proj', false],
    ['model.text_model.layers.29.mlp.up_proj', true],
    ['model.vision_model.encoder.layers.0.self_attn.q_proj', false],
  ])('on %s', (name, matched) => {
    expect(new RegExp(`^(?:${ALL_PROJECTIONS})$`).test(name)).toBe(matched);
  });
});
