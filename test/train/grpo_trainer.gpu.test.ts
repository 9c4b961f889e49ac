// GRPO on the tiny model: losses by hand from what a step reports, dropped and masked completions, the KL term, several
// iterations, aborts, and resuming. Rewards look at token ids alone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { LoraAdapter } from '../../src/model/lora';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { GrpoLossType } from '../../src/settings/train_settings';
import {
  type CommonSettings,
  DEFAULT_TRAIN_CONFIG,
  type GrpoSettings,
} from '../../src/settings/train_settings';
import { GrpoTrainer } from '../../src/train/grpo_trainer';
import type { RewardSample } from '../../src/train/rewards';
import type { PromptExample, ScoredGroup, StepOutcome, TrainerCheckpoint } from '../../src/train/trainer';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';
import {
  arenaOf,
  GROUPS,
  loadTiny,
  meanLoss,
  OPTIM,
  PROMPTS,
  relativeDifference,
  TINY_LORA,
  tinyPolicy,
  tinyRollout,
  tinyWeights,
} from './tiny_run';

const LIMIT = 4;
/** A third of the vocabulary ends a completion, so that some end early and some are cut off. */
const ENDS = Array.from({ length: 53 }, (_, index) => 3 * index + 2);

const COMMON: CommonSettings = {
  ...DEFAULT_TRAIN_CONFIG,
  optim: OPTIM,
  maxSteps: 4,
  seed: 8,
  tokensPerMicroBatch: 1000,
};
const SETTINGS: GrpoSettings = {
  ...DEFAULT_TRAIN_CONFIG.grpo,
  promptsPerStep: 2,
  numGenerations: 4,
  maxCompletionLength: LIMIT,
};

/** Tokens of a text written as ` id id …`. */
const idsOf = (text: string): number[] => text.trim().split(' ').map(Number);
/** Right with a small first id; the end token is no part of the text. */
const scoreOf = (score: number) => ({ score, why: '', span: null });
const accuracy = ({ text }: RewardSample) => scoreOf(Number((idsOf(text)[0] ?? 0) < 80));
const parity = ({ text }: RewardSample) =>
  scoreOf(idsOf(text).reduce((sum, id) => sum + (id % 2), 0) / LIMIT);
const REWARDS = [
  { name: 'accuracy', weight: 1, of: accuracy },
  { name: 'parity', weight: 0.5, of: parity },
];

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await loadTiny();
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

/** A trainer over prompts without end, on a fresh adapter of its own. */
async function trainerOf(
  settings: Partial<GrpoSettings> = {},
  options: {
    common?: Partial<CommonSettings>;
    start?: TrainerCheckpoint;
    rewards?: typeof REWARDS;
    count?: number;
  } = {},
) {
  const { common, start = null, rewards = REWARDS, count = Number.POSITIVE_INFINITY } = options;
  const own = await tinyPolicy(model, { maxGradNorm: 1, scaleB: 0 });
  const all = { ...SETTINGS, ...settings };
  if (start) own.policy.restore(start);
  const { memory } = own;
  const reference =
    all.beta > 0
      ? memory.own(LoraAdapter.create(gpu, TINY_LORA, model.config, tinyWeights(model, 1), false))
      : null;
  const examples = {
    count,
    read: async (key: number): Promise<PromptExample> => {
      const prompt = PROMPTS[key % PROMPTS.length]!;
      const imageTokens = prompt.inputIds.filter((id) => id === 151).length;
      return { key, prompt, imageTokens, question: `question ${key}`, expected: '', kind: 'visual' };
    },
  };
  const parts = {
    memory,
    policy: own.policy,
    reference,
    visualGain: null,
    rollout: memory.own(tinyRollout(model, own.images, own.policy.adapter, ENDS)),
    examples,
    heldOut: null,
    figures: (answers: readonly unknown[]) => ({ answers: answers.length }),
    scoring: { rewards, accuracy, settings: all },
    observe: () => ({ 'look_back/seen': 1 }),
  };
  const trainer = new GrpoTrainer(parts, { ...COMMON, ...common }, all, start);
  return { trainer, policy: own.policy, destroy: () => trainer.destroy() };
}

function metricsOf({ metrics: { step_time, ...rest } }: StepOutcome): Record<string, number> {
  expect(step_time).toBeGreaterThan(0);
  return rest;
}

/**
 * The loss by its formula, while the policy is the sampler: the ratio is 1, and every token of completion i loses −A_i.
 * Masked completions add nothing to the sums; they count in the divisors of all types but bnpo.
 * @source GRPO (arXiv:2402.03300, equation 3), DAPO (arXiv:2503.14476, equation 8), Dr. GRPO (arXiv:2503.20783,
 *   section 3.2); TRL GRPOTrainer `_compute_loss` for bnpo and for what is masked
 */
function lossOf(groups: readonly ScoredGroup[], type: GrpoLossType, mask = false): number {
  let [completions, tokens, keptTokens] = [0, 0, 0];
  let [byCompletion, byToken] = [0, 0];
  for (const { dropped, completions: sampled } of groups) {
    if (dropped === 'uniform') continue;
    for (const { tokens: length, advantage, truncated } of sampled) {
      completions++;
      tokens += length;
      if (mask && truncated) continue;
      keptTokens += length;
      // The mean over a completion's tokens, and the sum over them.
      byCompletion -= advantage;
      byToken -= length * advantage;
    }
  }
  if (type === 'grpo') return byCompletion / completions;
  if (type === 'dr_grpo') return byToken / (completions * LIMIT);
  return byToken / (type === 'bnpo' ? keptTokens : tokens);
}

function expectEqual(found: TrainerCheckpoint, wanted: TrainerCheckpoint): void {
  for (const part of ['adapter', 'm', 'v'] as const)
    expect(maxDifference(found[part], wanted[part]), part).toBe(0);
}

describe('the policy gradient', () => {
  it('is the same with and without the old policy’s and the reference’s log-probabilities', async () => {
    const { policy, destroy } = await tinyPolicy(model);
    const start = await policy.checkpoint(0);
    const [micro] = policy.microBatches(GROUPS, 1e6);
    const { rows } = micro!.packed;
    const shared = {
      objective: 'grpo',
      weights: meanLoss(micro!, -rows).weights,
      advantages: Float32Array.from({ length: rows }, (_, row) => Math.sin(row)),
      ...{ epsilonLow: 0.2, epsilonHigh: 0.2, beta: 0 },
    } as const;
    const short = await policy.accumulate(micro!, { ...shared, oldLogp: null, refLogp: null }, 1);
    await policy.update(OPTIM, 0, 1);
    const one = await policy.checkpoint(1);
    policy.restore(start);
    const { logp } = await policy.score(micro!);
    const long = await policy.accumulate(micro!, { ...shared, oldLogp: logp, refLogp: logp }, 1);
    await policy.update(OPTIM, 0, 1);
    const other = await policy.checkpoint(1);
    expect(Math.hypot(...one.m)).toBeGreaterThan(1e-4);
    // The forward pass is the same; ratios are exp of differences of at most a rounding error of logp ≈ 5.
    expect(relativeDifference(other.m, one.m)).toBeLessThan(2e-6);
    expect(maxDifference(long.terms, short.terms)).toBeLessThan(2e-6);
    destroy();
  });

  it.each<GrpoLossType>(['grpo', 'bnpo', 'dr_grpo', 'dapo'])('is weighted as %s', async (lossType) => {
    const { trainer, destroy } = await trainerOf({ lossType });
    const before = await trainer.checkpoint();
    const { metrics, groups, finite } = await trainer.runStep({});
    expect(finite).toBe(true);
    // Ratios of 1 and advantages of about 1 in f32, summed over some twenty tokens.
    expect(Math.abs(metrics.loss! - lossOf(groups!, lossType))).toBeLessThan(1e-5);
    expect(metrics.grad_norm).toBeGreaterThan(0);
    expect(maxDifference((await trainer.checkpoint()).adapter, before.adapter)).toBeGreaterThan(0);
    destroy();
  });

  it('does not depend on micro-batches but for bnpo’s', async () => {
    const [whole, cut] = [await trainerOf(), await trainerOf({}, { common: { tokensPerMicroBatch: 1 } })];
    const [one, other] = [await whole.trainer.runStep({}), await cut.trainer.runStep({})];
    expect(other.groups).toEqual(one.groups);
    expect(other.metrics.loss).toBeCloseTo(one.metrics.loss!, 5);
    expect(other.metrics.grad_norm! / one.metrics.grad_norm!).toBeCloseTo(1, 4);
    whole.destroy();
    cut.destroy();
  });
});

describe('metrics', () => {
  it('have TRL’s names and say what the groups say', async () => {
    const { trainer, destroy } = await trainerOf();
    const { metrics, groups } = await trainer.runStep({});
    expect(Object.keys(metrics).sort()).toEqual(
      [
        ...['reward', 'reward_std', 'frac_reward_zero_std', 'accuracy', 'accuracy/visual', 'dropped_groups'],
        ...['rewards/accuracy/mean', 'rewards/accuracy/std', 'rewards/parity/mean', 'rewards/parity/std'],
        ...['completions/mean_length', 'completions/min_length', 'completions/max_length'],
        ...['completions/mean_terminated_length', 'completions/clipped_ratio', 'step_tokens', 'step_time'],
        ...['loss', 'entropy', 'learning_rate', 'grad_norm', 'look_back/seen'],
        ...['clip_ratio/low_mean', 'clip_ratio/high_mean', 'clip_ratio/region_mean'],
      ].sort(),
    );
    const all = groups!.flatMap(({ completions }) => completions);
    expect(all).toHaveLength(8);
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(metrics.reward).toBeCloseTo(mean(all.map(({ reward }) => reward)), 10);
    expect(metrics['completions/clipped_ratio']).toBe(mean(all.map(({ truncated }) => Number(truncated))));
    expect(metrics.step_tokens).toBe(all.reduce((sum, { tokens }) => sum + tokens, 0));
    for (const { text, correct, rewards, reward, tokens, truncated } of all) {
      expect(correct).toBe(rewards.accuracy === 1);
      expect(reward).toBeCloseTo(rewards.accuracy! + 0.5 * rewards.parity!, 10);
      expect(tokens).toBeLessThanOrEqual(LIMIT);
      // An end token is counted and not written.
      const written = text === '' ? 0 : idsOf(text).length;
      expect(written).toBe(truncated ? tokens : tokens - 1);
    }
    // On-policy nothing is clipped; the tiny model's distribution is nearly uniform over 160 ids.
    expect(metrics['clip_ratio/region_mean']).toBe(0);
    expect(metrics.entropy).toBeGreaterThan(3);
    expect(metrics.entropy).toBeLessThan(Math.log(160));
    destroy();
  });
});

describe('completions that teach nothing', () => {
  it.each([
    ['reward', 'uniform'],
    ['accuracy', 'uniform'],
  ] as const)(
    'are dropped by equal %s; without any left the step counts and nothing moves',
    async (mode, why) => {
      const constant = [{ name: 'constant', weight: 1, of: () => scoreOf(1) }];
      const { trainer, policy, destroy } = await trainerOf(
        { dropUniformGroups: mode, numGenerations: 2, promptsPerStep: 1 },
        mode === 'reward' ? { rewards: constant } : {},
      );
      const before = await arenaOf(gpu, policy.adapter);
      let moved = false;
      for (let step = 1; step <= 3; step++) {
        const { metrics, groups } = await trainer.runStep({});
        expect(trainer.step).toBe(step);
        const [group] = groups!;
        const uniform =
          mode === 'reward' || group!.completions[0]!.correct === group!.completions[1]!.correct;
        expect(group!.dropped).toBe(uniform ? why : null);
        expect(metrics.dropped_groups).toBe(Number(uniform));
        expect('loss' in metrics).toBe(!uniform);
        if (uniform) expect(metrics.grad_norm).toBe(0);
        else moved = true;
      }
      const after = await arenaOf(gpu, policy.adapter);
      expect(maxDifference(after, before) > 0).toBe(moved);
      if (mode === 'reward') expect(moved).toBe(false);
      destroy();
    },
  );

  it.each<GrpoLossType>(['grpo', 'dapo'])('are masked by %s where they were cut off', async (lossType) => {
    const { trainer, destroy } = await trainerOf({ maskTruncatedCompletions: true, lossType });
    let told = 0;
    for (let step = 0; step < 4; step++) {
      const { metrics, groups } = await trainer.runStep({});
      const [masked, whole] = [lossOf(groups!, lossType, true), lossOf(groups!, lossType)];
      if (groups!.every(({ dropped }) => dropped)) continue;
      expect(Math.abs(metrics.loss! - masked)).toBeLessThan(1e-5);
      if (Math.abs(masked - whole) > 1e-3) told++;
    }
    // Some step cut a completion off beside others that ended.
    expect(told).toBeGreaterThan(0);
    destroy();
  });
});

describe('the KL term', () => {
  it('is nothing as the run begins and grows as the policy leaves', async () => {
    const { trainer, destroy } = await trainerOf({ beta: 0.1 });
    const [first, second] = [await trainer.runStep({}), await trainer.runStep({})];
    // The reference is the policy: the same forward pass twice.
    expect(Math.abs(first.metrics.kl!)).toBeLessThan(1e-9);
    expect(second.metrics.kl).toBeGreaterThan(1e-6);
    destroy();
  });
});

describe('several iterations', () => {
  it('see ratios move, and take back the first when the second is aborted', async () => {
    const strict = { epsilon: 1e-5, epsilonHigh: 1e-5 };
    const [single, twice] = [await trainerOf(strict), await trainerOf({ ...strict, numIterations: 2 })];
    const before = await twice.trainer.checkpoint();
    const stop = new AbortController();
    const reason = new Error('enough');
    const onPhase = (phase: string, fraction: number | null): void => {
      if (phase === 'updating' && (fraction ?? 0) >= 0.5) stop.abort(reason);
    };
    await expect(twice.trainer.runStep({ signal: stop.signal, onPhase })).rejects.toBe(reason);
    expect(twice.trainer.step).toBe(0);
    expectEqual(await twice.trainer.checkpoint(), before);
    const [one, two] = [await single.trainer.runStep({}), await twice.trainer.runStep({})];
    expect(two.groups).toEqual(one.groups);
    expect(one.metrics['clip_ratio/region_mean']).toBe(0);
    expect(two.metrics['clip_ratio/region_mean']).toBeGreaterThan(0);
    single.destroy();
    twice.destroy();
  });

  it('take back the first when the second has a gradient that is not finite', async () => {
    const { trainer, destroy } = await trainerOf(
      { numIterations: 2 },
      { common: { optim: { ...OPTIM, learningRate: 1e38 } } },
    );
    const before = await trainer.checkpoint();
    const { finite } = await trainer.runStep({});
    expect(finite).toBe(false);
    expectEqual(await trainer.checkpoint(), { ...before, step: 1 });
    destroy();
  });
});

describe('a run', () => {
  it('resumed at step 2 of 4 goes on bit for bit', async () => {
    const settings = { beta: 0.05, numIterations: 2 };
    const unbroken = await trainerOf(settings);
    const outcomes: StepOutcome[] = [];
    let start: TrainerCheckpoint | undefined;
    while (unbroken.trainer.step < 4) {
      outcomes.push(await unbroken.trainer.runStep({}));
      if (unbroken.trainer.step === 2) start = await unbroken.trainer.checkpoint();
    }
    const resumed = await trainerOf(settings, { start: start! });
    for (const wanted of outcomes.slice(2)) {
      const outcome = await resumed.trainer.runStep({});
      expect(outcome.groups).toEqual(wanted.groups);
      expect(metricsOf(outcome)).toEqual(metricsOf(wanted));
    }
    expectEqual(await resumed.trainer.checkpoint(), await unbroken.trainer.checkpoint());
    unbroken.destroy();
    resumed.destroy();
  });

  it('holds out what it is evaluated on, and trains the same weights with evaluations as without', async () => {
    const common = { maxSteps: 2, evalSteps: 1, evalSize: 0.25, evalBatchSize: 2 };
    const [plain, evaluated] = [
      await trainerOf({}, { common, count: 8 }),
      await trainerOf({}, { common, count: 8 }),
    ];
    const trained = new Set<number>();
    while (plain.trainer.step < 2) {
      const { groups } = await plain.trainer.runStep({});
      for (const { key } of groups!) trained.add(key);
      expect((await evaluated.trainer.runStep({})).groups).toEqual(groups);
      const { metrics, samples, step } = await evaluated.trainer.evaluate!({});
      expect(step).toBe(plain.trainer.step);
      expect(metrics).toEqual({ eval_answers: 2, eval_runtime: expect.any(Number) });
      expect(samples).toHaveLength(2);
      for (const { key } of samples) expect(trained).not.toContain(key);
    }
    expect(trained.size).toBe(4);
    expectEqual(await evaluated.trainer.checkpoint(), await plain.trainer.checkpoint());
    plain.destroy();
    evaluated.destroy();
  });

  it('aborted while it samples has not begun its step', async () => {
    const { trainer, destroy } = await trainerOf();
    const before = await trainer.checkpoint();
    const reason = new Error('enough');
    await expect(trainer.runStep({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expectEqual(await trainer.checkpoint(), before);
    expect(trainer.step).toBe(0);
    destroy();
  });
});
