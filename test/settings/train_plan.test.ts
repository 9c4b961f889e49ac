// Whole plans against the table: what the Worker refuses, what it passes over, and plans that lack a newer setting.
import { describe, expect, it } from 'vitest';
import { withSetting } from '../../src/settings/read_settings';
import { completePlan, configProblems, planProblems } from '../../src/settings/train_plan';
import { DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';

const PLAN = {
  ...DEFAULT_TRAIN_CONFIG,
  ...{ name: 'a', method: 'sft', mode: 'solution', saveSteps: 5, modelId: 'pocket', adapterId: null },
  source: {
    ...{ kind: 'shapes_world', pictures: 'both', questions: 'all', textShare: 0.2 },
    ...{ looks: 'one', chains: 'own' },
    ...{ scenes: 8, rolloutsPerScene: 2, reflectionRate: 0.5 },
  },
};
const messages = (path: string, value: unknown) =>
  planProblems(withSetting(PLAN, path, value)).map(({ message }) => message);

describe('planProblems', () => {
  it('finds none in a good plan', () => {
    expect(planProblems(PLAN)).toEqual([]);
    expect(planProblems({ ...PLAN, source: { kind: 'dataset', datasetId: 'd' } })).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['name', ' ', /^name is " "/],
    ['method', 'ppo', /^method is "ppo"; it must be one of sft, grpo/],
    ['saveSteps', -1, /^saveSteps is -1/],
    ['source.textShare', 2, /^source\.textShare is 2/],
    ['optim.lrSchedulerType', 'cosin', /constant, linear, cosine/],
    ['gradientCheckpointing', 'no', /true or false/],
    ['optim.rate', 1, /no setting "optim\.rate"/],
    ['modelId', 4, /^modelId is 4/],
    ['sft', {}, /^sft\.batchSize is undefined/],
    ['sft', undefined, /^sft is undefined/],
  ])('names %s', (path, value, message) => {
    expect(messages(path, value)[0]).toMatch(message);
  });

  it('passes over settings without an effect', () => {
    expect(messages('grpo.numGenerations', 1)).toEqual([]);
    expect(planProblems(withSetting({ ...PLAN, method: 'grpo' }, 'grpo.numGenerations', 1))).toHaveLength(1);
  });
});

describe('configProblems', () => {
  it('looks at what the method reads', () => {
    const broken = withSetting(withSetting(DEFAULT_TRAIN_CONFIG, 'grpo.topP', 0), 'lora.r', 0);
    const paths = (method: 'sft' | 'grpo', continues: boolean) =>
      configProblems(broken, { method, source: 'dataset', continues }).map(({ path }) => path);
    expect(paths('sft', true)).toEqual([]);
    expect(paths('sft', false)).toEqual(['lora.r']);
    expect(paths('grpo', false)).toEqual(['grpo.topP', 'lora.r']);
  });
});

describe('completePlan', () => {
  it('adds settings that came later, and keeps the others', () => {
    const { maxCompletionLength: _, ...older } = PLAN.sft;
    const plan = { ...PLAN, seed: 9, sft: older } as unknown as typeof PLAN;
    expect(completePlan(plan)).toEqual({ ...PLAN, seed: 9 });
    const { pictures: _1, questions: _2, looks: _3, chains: _4, ...source } = PLAN.source;
    expect(completePlan({ ...PLAN, source })).toEqual(PLAN);
    const rows = { ...PLAN, source: { kind: 'dataset', datasetId: 'd' } };
    expect(completePlan(rows)).toEqual(rows);
  });
});
