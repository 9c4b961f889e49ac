// Rollouts on the device: seeds, greedy against separate sessions, waves, aborts, and log-probabilities that the training
// program recomputes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GeneratedAnswer } from '../../src/generation/generate';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { GenerationSession } from '../../src/model/generation_session';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { Rollout, RolloutSettings } from '../../src/train/rollout';
import { testGpu } from '../harness/gpu';
import { EOS, loadTiny, PROMPTS, tinyPolicy, tinyRollout } from './tiny_run';

const TOKENS = 6;
const SETTINGS: RolloutSettings = {
  temperature: 1,
  topP: 1,
  maxCompletionLength: TOKENS,
  capture: true,
  seed: 3,
  step: 0,
};
const GREEDY = { ...SETTINGS, temperature: 0 };

const asked = PROMPTS.map((prompt) => ({
  prompt,
  imageTokens: prompt.inputIds.filter((id) => id === 151).length,
}));

let gpu: GpuContext;
let model: VisionLanguageModel;
let own: Awaited<ReturnType<typeof tinyPolicy>>;
let rollout: Rollout;
beforeAll(async () => {
  gpu = await testGpu();
  model = await loadTiny();
  own = await tinyPolicy(model);
  rollout = tinyRollout(model, own.images, own.policy.adapter);
});
afterAll(async () => {
  rollout.destroy();
  own.destroy();
  model.destroy();
  await gpu.fence();
});

const idsOf = (answers: readonly GeneratedAnswer[][]) =>
  answers.map((group) => group.map(({ ids }) => [...ids]));

/** Greedy ids of a prompt in a session of its own. */
async function greedyAlone(index: number): Promise<number[]> {
  const { device, weights } = model;
  const adapted = { ...device, weights: own.policy.adapter.applyTo(weights) };
  const session = await GenerationSession.create(adapted, { batch: 1, capacity: 64, eosTokenIds: [EOS] });
  const off = { topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 };
  const sampling = { temperature: 0, ...off, maxNewTokens: TOKENS };
  let result = await session.prefill([PROMPTS[index]!], [sampling]);
  const ids = [result.ids[0]!];
  while (ids.length < TOKENS && !result.done[0]) {
    result = await session.step();
    ids.push(result.ids[0]!);
  }
  session.destroy();
  return ids;
}

describe('sampling', () => {
  it('follows from seed, step and place, and creates nothing the second time', async () => {
    const first = await rollout.sample(asked, 2, SETTINGS);
    expect(first.map((group) => group.length)).toEqual([2, 2, 2, 2]);
    const before = creations(gpu.counters);
    const again = await rollout.sample(asked, 2, SETTINGS);
    expect(creations(gpu.counters) - before).toBe(0);
    expect(idsOf(again)).toEqual(idsOf(first));
    for (const group of idsOf(first)) expect(group[0]).not.toEqual(group[1]);
    for (const other of [{ seed: 4 }, { step: 1 }])
      expect(idsOf(await rollout.sample(asked, 2, { ...SETTINGS, ...other }))).not.toEqual(idsOf(first));
    const twins = idsOf(await rollout.sample([asked[1]!, asked[1]!], 2, SETTINGS));
    expect(twins[0]).not.toEqual(twins[1]);
  });

  it('records image attention of every token but one that the limit cut off', async () => {
    const [, [answer] = []] = await rollout.sample(asked, 2, SETTINGS);
    const steps = answer!.attention.map(({ step }) => step);
    const last = answer!.finishReason === 'length' ? 1 : 0;
    expect(steps.length).toBeGreaterThanOrEqual(answer!.ids.length - 1 - last);
    for (const { shares } of answer!.attention) {
      expect(shares.image).toBeGreaterThan(0);
      expect(shares.image).toBeLessThan(1);
    }
  });

  it('decodes greedily what separate sessions decode', async () => {
    const shared = idsOf(await rollout.sample(asked, 2, GREEDY));
    for (const [index, group] of shared.entries()) {
      const alone = await greedyAlone(index);
      expect(group, `prompt ${index}`).toEqual([alone, alone]);
    }
  });

  it('does not depend on the room of the session: a resumed run may have another', async () => {
    const fresh = tinyRollout(model, own.images, own.policy.adapter);
    const roomy = tinyRollout(model, own.images, own.policy.adapter);
    await roomy.sample(asked, 2, { ...SETTINGS, maxCompletionLength: 90 });
    const [a, b] = [await fresh.sample(asked, 2, SETTINGS), await roomy.sample(asked, 2, SETTINGS)];
    expect(idsOf(a)).toEqual(idsOf(b));
    const sharesOf = (answers: readonly GeneratedAnswer[][]) =>
      answers.flat().map(({ attention }) => attention.map(({ shares }) => shares));
    // To the last bit: the cache's capacity is a stride, not a bound of any sum.
    expect(sharesOf(a)).toEqual(sharesOf(b));
    fresh.destroy();
    roomy.destroy();
  });

  it('keeps order and seeds over several waves', async () => {
    const few = { ...SETTINGS, capture: false, maxCompletionLength: 2 };
    const pair = asked.slice(0, 2);
    const together = idsOf(await rollout.sample(pair, 2, few));
    // 65 completions of two prompts do not fit a wave of 128.
    const waves = idsOf(await rollout.sample(pair, 65, few));
    expect(waves.map((group) => group.length)).toEqual([65, 65]);
    expect(waves.map((group) => group.slice(0, 2))).toEqual(together);
    expect(new Set(waves[0]!.map(String)).size).toBeGreaterThan(10);
  });

  it('runs a smaller last wave in the session of the others', async () => {
    const few = { ...SETTINGS, maxCompletionLength: 2 };
    const three = asked.slice(0, 3);
    const together = idsOf(await rollout.sample(three, 2, few));
    // Two prompts to a wave of at most 128.
    const waves = idsOf(await rollout.sample(three, 60, few));
    expect(waves.map((group) => group.slice(0, 2))).toEqual(together);
    const before = creations(gpu.counters);
    await rollout.sample(three, 60, few);
    expect(creations(gpu.counters) - before).toBe(0);
  });
});

describe('what cannot be', () => {
  it('rejects with the signal’s reason, before and in the midst, and goes on after', async () => {
    const reason = new Error('enough');
    await expect(rollout.sample(asked, 2, SETTINGS, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const stop = new AbortController();
    let turns = 0;
    const turn = async (): Promise<void> => {
      if (++turns === 2) stop.abort(reason);
    };
    await expect(rollout.sample(asked, 2, SETTINGS, { signal: stop.signal, turn })).rejects.toBe(reason);
    expect(turns).toBeLessThan(TOKENS);
    const fresh = tinyRollout(model, own.images, own.policy.adapter);
    const [wanted, found] = [
      await fresh.sample(asked, 2, SETTINGS),
      await rollout.sample(asked, 2, SETTINGS),
    ];
    expect(idsOf(found)).toEqual(idsOf(wanted));
    fresh.destroy();
  });

  it('refuses completions that exceed the model’s positions', async () => {
    const limit = model.config.text.maxPositionEmbeddings;
    const whole = { ...SETTINGS, maxCompletionLength: limit - 4 };
    await expect(rollout.sample(asked.slice(0, 1), 2, whole)).rejects.toMatchObject({
      code: 'usage/argument',
      message: expect.stringMatching(/Prompt 0 .* 513 tokens; the model has 512/),
    });
  });
});

describe('log-probabilities', () => {
  it.each([
    // Another tiling and a packed attention: rounding of logits of size 5 over three layers in f32.
    ['f32', 1e-4],
    // Sampling reads keys and values rounded to 11 bits in three layers, training does not.
    ['f16', 3 * 5 * 2 ** -11],
  ] as const)(
    'are recomputed by the training program from the logits that were sampled from, cache in %s',
    async (cacheFormat, tolerance) => {
      const { policy } = own;
      const { device, weights } = model;
      const adapted = { ...device, weights: { ...policy.adapter.applyTo(weights), cacheFormat } };
      const session = await GenerationSession.create(adapted, {
        batch: 2,
        prefixes: { count: 2, capacity: 32 },
        capacity: TOKENS + 2,
        eosTokenIds: [EOS],
        // So that the logits on the device are those of the step just taken.
        stepsAhead: 0,
      });
      const off = { topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, maxNewTokens: TOKENS };
      const prompts = [PROMPTS[1]!, PROMPTS[2]!];
      await session.prefillShared(
        prompts.map((prompt, seed) => ({ prompt, sampling: [{ temperature: 1, seed, ...off }] })),
      );
      const vocabulary = model.config.text.vocabSize;
      const [ids, wanted]: [number[][], number[][]] = [
        [[], []],
        [[], []],
      ];
      for (let step = 0; step < TOKENS; step++) {
        const result = await session.step();
        const logits = (await session.decodeProgram.read('logits')) as Float32Array;
        for (const b of [0, 1]) {
          if (ids[b]!.at(-1) === EOS) continue;
          const row = logits.subarray(b * vocabulary, (b + 1) * vocabulary);
          const peak = Math.max(...row);
          const lse = peak + Math.log(row.reduce((sum, value) => sum + Math.exp(value - peak), 0));
          ids[b]!.push(result.ids[b]!);
          wanted[b]!.push(row[result.ids[b]!]! - lse);
        }
      }
      session.destroy();
      const groups = prompts.map((prompt, index) => ({ prompt, completions: [ids[index]!] }));
      const [micro] = policy.microBatches(groups, 1e6);
      const { logp } = await policy.score(micro!);
      expect(logp).toHaveLength(wanted.flat().length);
      for (const [index, value] of wanted.flat().entries())
        expect(Math.abs(logp[index]! - value), `token ${index}`).toBeLessThan(tolerance);
    },
  );
});
