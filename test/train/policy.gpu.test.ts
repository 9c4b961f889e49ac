// A trainable policy on the device: accumulation, aborts that leave no trace, updates refused, checkpoints that go on
// bit for bit, and a steady state that creates nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { createPrng } from '../../src/lib/prng';
import { LoraAdapter } from '../../src/model/lora';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { CompletionGroup } from '../../src/train/packing';
import type { LoraPolicy } from '../../src/train/policy';
import type { TrainerCheckpoint } from '../../src/train/trainer';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';
import {
  GROUPS,
  loadTiny,
  meanLoss,
  OPTIM,
  PROMPTS,
  relativeDifference,
  signalAt,
  TINY_LORA,
  tinyPolicy,
  tinyWeights,
} from './tiny_run';

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

/** Accumulates the groups in micro-batches of a budget; returns how many there were. */
async function pass(policy: LoraPolicy, groups: readonly CompletionGroup[], budget = 1e6): Promise<number> {
  const micros = policy.microBatches(groups, budget);
  const tokens = micros.reduce((sum, { packed }) => sum + packed.rows, 0);
  for (const micro of micros) await policy.accumulate(micro, meanLoss(micro, tokens), 1);
  return micros.length;
}

/** One optimiser step. */
async function step(policy: LoraPolicy, number: number, groups = GROUPS): Promise<void> {
  await pass(policy, groups);
  expect((await policy.update(OPTIM, OPTIM.learningRate, number)).finite).toBe(true);
}

/** The clipped gradient of the pass since the last update, from the first moment of a first update. */
async function gradientOf(policy: LoraPolicy): Promise<Float32Array> {
  await policy.update(OPTIM, 0, 1);
  return (await policy.checkpoint(1)).m.map((m) => m / (1 - OPTIM.adamBeta1));
}

function expectEqual(actual: TrainerCheckpoint, wanted: TrainerCheckpoint): void {
  for (const part of ['adapter', 'm', 'v'] as const)
    expect(maxDifference(actual[part], wanted[part]), part).toBe(0);
}

describe('micro-batches', () => {
  it('hold every group once, in order, and stay near the budget', async () => {
    const { policy, destroy } = await tinyPolicy(model);
    const prng = createPrng(17);
    for (let round = 0; round < 40; round++) {
      const groups = Array.from({ length: 1 + prng.nextInt(12) }, () => ({
        prompt: PROMPTS[prng.nextInt(PROMPTS.length)]!,
        completions: Array.from({ length: 1 + prng.nextInt(3) }, () =>
          Array<number>(1 + prng.nextInt(9)).fill(7),
        ),
      }));
      const budget = 1 + prng.nextInt(80);
      const sizes = groups.map((group) => policy.microBatches([group], 1)[0]!.packed.tokens);
      const micros = policy.microBatches(groups, budget);
      expect(micros.flatMap((micro) => micro.groups)).toEqual(groups);
      for (const { groups: own, packed } of micros) {
        expect(packed.tokens).toBe(
          own.reduce((sum, group) => sum + sizes[(groups as readonly CompletionGroup[]).indexOf(group)]!, 0),
        );
        expect(packed.tokens).toBeLessThanOrEqual(Math.max(budget, ...sizes));
      }
    }
    destroy();
  });

  it('add up to the gradient and the scores of one batch', async () => {
    const { policy, destroy } = await tinyPolicy(model);
    const start = await policy.checkpoint(0);
    expect(await pass(policy, GROUPS)).toBe(1);
    const whole = await gradientOf(policy);
    policy.restore(start);
    expect(await pass(policy, GROUPS, 12)).toBeGreaterThan(2);
    const parts = await gradientOf(policy);
    expect(Math.hypot(...whole)).toBeGreaterThan(1e-3);
    // The same sums in another order and tiling, in f32: a few rounding errors of 6e-8 each, as norms.
    expect(relativeDifference(parts, whole)).toBeLessThan(2e-6);
    const [one] = policy.microBatches(GROUPS, 1e6);
    const many = [];
    for (const micro of policy.microBatches(GROUPS, 12)) many.push(...(await policy.score(micro)).logp);
    // Log-probabilities of about 5 in f32, over sums of 96 terms.
    expect(maxDifference(many, (await policy.score(one!)).logp)).toBeLessThan(1e-4);
    destroy();
  });
});

describe('a step that does not happen', () => {
  const reason = new Error('enough');

  it('leaves parameters and the next update bit-equal to never having begun', async () => {
    const plain = await tinyPolicy(model);
    const broken = await tinyPolicy(model);
    for (const { policy } of [plain, broken]) await step(policy, 1);
    const before = await broken.policy.checkpoint(1);
    await pass(broken.policy, GROUPS.slice(0, 2));
    broken.policy.discard();
    const [micro] = broken.policy.microBatches(GROUPS, 1e6);
    const loss = meanLoss(micro!, 3);
    const stop = new AbortController();
    const aborts = [
      { signal: AbortSignal.abort(reason) },
      { signal: stop.signal, turn: async () => stop.abort(reason) },
      // In the midst of the pass, where it has more than one submit.
      { signal: signalAt(2, reason) },
    ];
    for (const [index, hooks] of aborts.entries()) {
      const ended = broken.policy.accumulate(micro!, loss, 1, hooks).then(
        () => 'done',
        (error: unknown) => error,
      );
      const outcome = await ended;
      if (index < 2) expect(outcome).toBe(reason);
      else expect([reason, 'done']).toContain(outcome);
      broken.policy.discard();
    }
    expectEqual(await broken.policy.checkpoint(1), before);
    for (const { policy } of [plain, broken]) await step(policy, 2);
    expectEqual(await broken.policy.checkpoint(2), await plain.policy.checkpoint(2));
    plain.destroy();
    broken.destroy();
  });

  it('reports a gradient that is not finite, changes nothing and forgets it', async () => {
    const plain = await tinyPolicy(model);
    const broken = await tinyPolicy(model);
    for (const { policy } of [plain, broken]) await step(policy, 1);
    const before = await broken.policy.checkpoint(1);
    const [micro] = broken.policy.microBatches(GROUPS, 1e6);
    const weights = new Float32Array(micro!.packed.rows).fill(-1);
    weights[1] = Number.NaN;
    await broken.policy.accumulate(micro!, { objective: 'sft', weights }, 1);
    const result = await broken.policy.update(OPTIM, OPTIM.learningRate, 2);
    expect(result.finite).toBe(false);
    expectEqual(await broken.policy.checkpoint(1), before);
    for (const { policy } of [plain, broken]) await step(policy, 2);
    expectEqual(await broken.policy.checkpoint(2), await plain.policy.checkpoint(2));
    plain.destroy();
    broken.destroy();
  });
});

describe('checkpoints', () => {
  it('continue bit for bit on another policy', async () => {
    const unbroken = await tinyPolicy(model, { maxGradNorm: 0.5, gradientCheckpointing: true });
    const resumed = await tinyPolicy(model, { maxGradNorm: 0.5, gradientCheckpointing: true, seed: 77 });
    // Another packing at every step, pictures and all.
    const groupsAt = (number: number) => GROUPS.filter((_, index) => index !== number % 4);
    for (let number = 1; number <= 5; number++) {
      await step(unbroken.policy, number, groupsAt(number));
      if (number === 2) resumed.policy.restore(await unbroken.policy.checkpoint(2));
      if (number > 2) await step(resumed.policy, number, groupsAt(number));
    }
    const wanted = await unbroken.policy.checkpoint(5);
    expectEqual(await resumed.policy.checkpoint(5), wanted);
    expect(wanted.step).toBe(5);
    unbroken.destroy();
    resumed.destroy();
  });

  it('of another shape are refused, and nothing of them is taken', async () => {
    const { policy, destroy } = await tinyPolicy(model);
    await step(policy, 1);
    const before = await policy.checkpoint(1);
    const foreign = { ...before, adapter: before.adapter.map(() => 1), v: new Float32Array(3) };
    expect(() => policy.restore(foreign)).toThrow(/holds 3 values/);
    expectEqual(await policy.checkpoint(1), before);
    destroy();
  });
});

describe('programs', () => {
  it('create nothing once they are there', async () => {
    const { policy, destroy } = await tinyPolicy(model, { maxGradNorm: 1 });
    const micros = policy.microBatches(GROUPS, 31);
    expect(micros.length).toBeGreaterThan(1);
    const round = async (number: number): Promise<void> => {
      for (const micro of micros) {
        await policy.score(micro);
        await policy.accumulate(micro, meanLoss(micro, 30), 1);
      }
      policy.discard();
      await pass(policy, GROUPS, 31);
      await policy.update(OPTIM, 1e-3, number);
    };
    await round(1);
    // Programs of the first round are bound anew to arenas that grew after they ran.
    await round(2);
    const before = creations(gpu.counters);
    await round(3);
    expect(creations(gpu.counters) - before).toBe(0);
    destroy();
  });

  it.each([0, 2 ** 28])(
    'of many sizes take %d bytes or six programs, and come back as they were',
    async (keptBytes) => {
      const { policy, destroy } = await tinyPolicy(model, { keptBytes });
      // Seven buckets of supervised rows: 64, 128, 192, 256, 384, 512, 768.
      const sizes = [1, 2, 3, 4, 6, 8, 12].map((units) => 64 * units);
      const batches = sizes.map((rows) => {
        const completions = Array.from({ length: rows / 32 }, (_, at) => Array<number>(32).fill(50 + at));
        return policy.microBatches([{ prompt: PROMPTS[0]!, completions }], 1e6)[0]!;
      });
      const first = await policy.score(batches[0]!);
      const held: number[] = [];
      const made: number[] = [];
      for (let round = 0; round < 3; round++) {
        const before = creations(gpu.counters);
        for (const batch of batches) await policy.score(batch);
        made.push(creations(gpu.counters) - before);
        held.push(policy.plannedBytes, gpu.counters.bufferBytes);
      }
      expect(held.slice(4)).toEqual(held.slice(2, 4));
      // Seven do not fit six; with room for them, none is made again once all are bound to the largest arenas.
      expect(made[2]! > 0).toBe(keptBytes === 0);
      const again = await policy.score(batches[0]!);
      expect(maxDifference(again.logp, first.logp)).toBe(0);
      destroy();
    },
  );

  it('score under the adapter that is asked for', async () => {
    const { policy, destroy } = await tinyPolicy(model);
    const [micro] = policy.microBatches(GROUPS, 1e6);
    const frozen = [5, 6].map((seed) =>
      LoraAdapter.create(gpu, TINY_LORA, model.config, tinyWeights(model, seed, 0.1), false),
    );
    const own = await policy.score(micro!);
    const others = [];
    for (const adapter of [...frozen, ...frozen]) others.push((await policy.score(micro!, {}, adapter)).logp);
    expect(maxDifference(others[0]!, own.logp)).toBeGreaterThan(1e-3);
    expect(maxDifference(others[1]!, others[0]!)).toBeGreaterThan(1e-3);
    expect(maxDifference(others[2]!, others[0]!)).toBe(0);
    expect(maxDifference(others[3]!, others[1]!)).toBe(0);
    // A strength of 0 is the base: any adapter gives the same then.
    for (const adapter of [...frozen, policy.adapter]) adapter.setStrength(0);
    const base = (await policy.score(micro!)).logp;
    expect(maxDifference((await policy.score(micro!, {}, frozen[0]!)).logp, base)).toBe(0);
    for (const adapter of frozen) adapter.destroy();
    destroy();
  });

  it('divide logits by the temperature', async () => {
    const hot = await tinyPolicy(model, { temperature: 1e6 });
    const [micro] = hot.policy.microBatches(GROUPS, 1e6);
    const { logp, entropy } = await hot.policy.score(micro!);
    // Uniform over the vocabulary.
    const uniform = Math.log(model.config.text.vocabSize);
    for (const value of logp) expect(value).toBeCloseTo(-uniform, 4);
    for (const value of entropy) expect(value).toBeCloseTo(uniform, 4);
    hot.destroy();
  });

  it('free all that they took', async () => {
    // The first use compiles what stays with the device.
    (await tinyPolicy(model)).destroy();
    const before = gpu.counters.bufferBytes;
    const { policy, destroy } = await tinyPolicy(model);
    await step(policy, 1);
    expect(gpu.counters.bufferBytes).toBeGreaterThan(before);
    destroy();
    expect(gpu.counters.bufferBytes).toBe(before);
  });
});
