// Greedy decoding of a tiny Qwen2.5-VL against Hugging Face: ids over the cache, batches, reuse, steady state.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import type { CacheFormat } from '../../src/kernels/cache_shape';
import { GenerationSession } from '../../src/model/generation_session';
import { LoraAdapter } from '../../src/model/lora';
import { readLora } from '../../src/model/peft_reader';
import type { SamplingOptions } from '../../src/model/prompt_packing';
import { parseSafetensors } from '../../src/model/safetensors';
import type { StepResult } from '../../src/model/session_state';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { WeightSource } from '../../src/model/weights';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { testGpu } from '../harness/gpu';
import {
  fixtureImages,
  fixtureModel,
  type Goldens,
  loadGoldens,
  maxDifference,
} from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';
const GREEDY: SamplingOptions = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 1,
  maxNewTokens: 0,
};

let gpu: GpuContext;
let model: VisionLanguageModel;
let goldens: Goldens;
let inputIds: number[];
let golden: number[];

beforeAll(async () => {
  gpu = await testGpu();
  model = await VisionLanguageModel.load(gpu, fixtureModel(FOLDER, ['config.json', 'model.safetensors']));
  goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
  inputIds = [...(await goldens.integers('input_ids'))];
  golden = [...(await goldens.integers('decode.ids'))];
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

/** The same weights, of which a test changes how their keys are kept. */
function viewOf(weights: WeightSource): WeightSource {
  return {
    cacheFormat: weights.cacheFormat,
    vector: (name) => weights.vector(name),
    matrix: (name) => weights.matrix(name),
  };
}

describe('GenerationSession', () => {
  it('decodes the golden ids for every sequence of a batch, twice', async () => {
    const session = await model.createSession({
      batch: 3,
      capacity: 64,
      capture: { mapLayers: [1] },
      maxImageTokens: 32,
    });
    const images = await fixtureImages(goldens);
    for (let round = 0; round < 2; round++) {
      // The third sequence has no prompt: it stays finished.
      const results = [
        await session.prefill(
          [
            { inputIds, images },
            { inputIds, images },
          ],
          [GREEDY, GREEDY],
        ),
      ];
      while (results.length < golden.length) results.push(await session.step());
      for (const sequence of [0, 1]) expect(results.map(({ ids }) => ids[sequence])).toEqual(golden);
      expect(results.every(({ done }) => done[2])).toBe(true);
      expect(results[1]!.shares).toHaveLength(3 * model.config.text.numHiddenLayers * 5);
      const masses = results[1]!.shares!.subarray(0, 5);
      // A softmax row sums to one; its classes are a partition.
      expect(masses.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
    session.destroy();
  });

  it('shares a prompt between completions: the golden ids, and the attention of separate sequences', async () => {
    const images = await fixtureImages(goldens);
    const prompt = { inputIds, images };
    const shorter = { inputIds: [...inputIds, 11], images };
    const options = { capacity: 64, capture: { mapLayers: [1] }, maxImageTokens: 32 };
    const plain = await model.createSession({ batch: 2, ...options });
    const expected = [await plain.prefill([prompt, shorter], [GREEDY, GREEDY])];
    while (expected.length < golden.length) expected.push(await plain.step());
    const session = await model.createSession({
      ...options,
      ...{ batch: 4, capacity: golden.length + 2, prefixes: { count: 2, capacity: 41 } },
    });
    for (let round = 0; round < 2; round++) {
      await session.prefillShared([
        { prompt, sampling: [GREEDY, GREEDY] },
        { prompt: shorter, sampling: [GREEDY] },
      ]);
      const results = [];
      while (results.length < golden.length) results.push(await session.step());
      for (const [sequence, of] of [0, 0, 1].entries()) {
        const ids = expected.map((result) => result.ids[of]);
        expect(results.map((result) => result.ids[sequence])).toEqual(ids);
        // The same keys in another place and tiling: the sums differ by rounding.
        const width = model.config.text.numHiddenLayers * 5;
        for (const name of ['shares', 'map'] as const) {
          const size = name === 'shares' ? width : 32;
          const given = results[2]![name]!.subarray(sequence * size, (sequence + 1) * size);
          const wanted = expected[2]![name]!.subarray(of * size, (of + 1) * size);
          given.forEach((value, at) => {
            expect(Math.abs(value - wanted[at]!), `${name} ${at}`).toBeLessThan(1e-5);
          });
        }
      }
      expect(results.every(({ done }) => done[3])).toBe(true);
    }
    expect(golden).toEqual(expected.map(({ ids }) => ids[0]));
    plain.destroy();
    session.destroy();
  });

  it('goes on with a conversation over its cache as over the whole prompt', async () => {
    const images = await fixtureImages(goldens);
    const options = { batch: 1, capacity: 160, capture: { mapLayers: [1] }, maxImageTokens: 48 };
    const [talk, fresh] = [await model.createSession(options), await model.createSession(options)];
    const generate = async (session: typeof talk, first: StepResult, count: number) => {
      const results = [first];
      while (results.length < count) results.push(await session.step());
      return results;
    };
    const asked = await generate(talk, await talk.prefill([{ inputIds, images }], [GREEDY]), 6);
    const answer = asked.map(({ ids }) => ids[0]!);
    // The same picture again, then a second one after the same text; its features alone are computed.
    const imagePart = inputIds.slice(0, inputIds.lastIndexOf(model.config.imageTokenId) + 1);
    const turns = [
      { inputIds: [...inputIds, ...answer, 12, 13, 14, 15, 16], images, reused: inputIds.length + 5 },
      {
        inputIds: [...inputIds, ...answer, 12, ...imagePart, 17, 18],
        images: [
          ...images,
          ...images.map((image) => ({ ...image, pixelValues: image.pixelValues.map((x) => -x) })),
        ],
        reused: inputIds.length + 7,
      },
    ];
    for (const { reused, ...prompt } of turns) {
      const [got, want] = [
        await generate(talk, await talk.prefillContinued(prompt, GREEDY), 8),
        await generate(fresh, await fresh.prefill([prompt], [GREEDY]), 8),
      ];
      expect(talk.reusedTokens).toBe(reused);
      expect(fresh.reusedTokens).toBe(0);
      expect(got.map(({ ids }) => ids[0])).toEqual(want.map(({ ids }) => ids[0]));
      // The keys of the answer come from decode steps: the sums differ by rounding.
      for (const name of ['shares', 'map'] as const)
        expect(maxDifference(got[3]![name]!, want[3]![name]!), name).toBeLessThan(1e-5);
    }
    // Another picture under the same ids: nothing from its place on is taken from the cache.
    const other = images.map((image) => ({ ...image }));
    await talk.prefillContinued({ inputIds: [...inputIds, 3], images: other }, GREEDY);
    expect(talk.reusedTokens).toBe(inputIds.indexOf(model.config.imageTokenId));
    talk.destroy();
    fresh.destroy();
  });

  it('keeps keys and values in f16 where the weights say so: in answers, follow-ups and shared prompts', async () => {
    const prompt = { inputIds, images: await fixtureImages(goldens) };
    const { device, weights } = model;
    const logitsOf = async (cacheFormat: CacheFormat): Promise<Float32Array[]> => {
      const own = { ...device, weights: { ...viewOf(weights), cacheFormat } };
      const session = await GenerationSession.create(own, {
        ...{ batch: 1, capacity: 96, prefixes: { count: 1, capacity: 40 }, stepsAhead: 0, eosTokenIds: [] },
      });
      const logits = async (step: Promise<StepResult>): Promise<Float32Array> => {
        await step;
        return (await session.decodeProgram.read('logits')) as Float32Array;
      };
      await session.prefill([prompt], [GREEDY]);
      const found = [await logits(session.step()), await logits(session.step())];
      await session.prefillContinued({ ...prompt, inputIds: [...inputIds, 12, 13] }, GREEDY);
      expect(session.reusedTokens).toBe(inputIds.length);
      found.push(await logits(session.step()));
      await session.prefillShared([{ prompt, sampling: [GREEDY] }]);
      found.push(await logits(session.step()));
      const [k] = session.cache.layers.map((layer) => layer.k);
      expect(k).toMatchObject({ dtype: cacheFormat, shape: [96 + 40, k?.shape[1], k?.shape[2]] });
      session.destroy();
      return found;
    };
    const [exact, halves] = [await logitsOf('f32'), await logitsOf('f16')];
    halves.forEach((row, at) => {
      const difference = maxDifference(row, exact[at]!);
      // Keys and values rounded to 11 bits in three layers, before logits of size 5.
      expect(difference, `logits ${at}`).toBeLessThan(3 * 5 * 2 ** -11);
      expect(difference, `logits ${at}`).toBeGreaterThan(0);
    });
  });

  it('takes nothing from the cache that an adapter of another strength put there', async () => {
    const json = await loadFixtureJson(`${FOLDER}/adapter/adapter_config.json`);
    const bytes = await loadFixture(`${FOLDER}/adapter/adapter_model.safetensors`);
    const read = await readLora(json, await parseSafetensors('a', bytes), model.config);
    const adapter = LoraAdapter.create(gpu, read.config, model.config, read.weights, false);
    const device = { ...model.device, weights: adapter.applyTo(model.weights) };
    const session = await GenerationSession.create(device, { batch: 1, capacity: 256 });
    const prompt = { inputIds, images: await fixtureImages(goldens) };
    await session.prefill([prompt], [GREEDY]);
    await session.prefillContinued(prompt, GREEDY);
    expect(session.reusedTokens).toBe(inputIds.length - 1);
    adapter.setStrength(0.5);
    await session.prefillContinued(prompt, GREEDY);
    expect(session.reusedTokens).toBe(0);
    session.destroy();
    adapter.destroy();
  });

  it('creates nothing in steady state and stops at the end of its cache', async () => {
    const capacity = inputIds.length + 6;
    const session = await model.createSession({ batch: 1, capacity });
    await session.prefill([{ inputIds, images: await fixtureImages(goldens) }], [GREEDY]);
    await session.step();
    const before = creations(gpu.counters);
    for (let step = 1; step < 6; step++) await session.step();
    expect(creations(gpu.counters)).toBe(before);
    await expect(session.step()).rejects.toThrow(/used up/);
    session.destroy();
  });

  it('gives the same tokens for the same seed and others for another, whatever was asked before', async () => {
    const [session, able] = [
      await model.createSession({ batch: 2, capacity: 96 }),
      await model.createSession({ batch: 2, capacity: 96, reach: 'truncating' }),
    ];
    const images = await fixtureImages(goldens);
    const sample = async (seed: number, session: GenerationSession): Promise<number[]> => {
      const settings = { ...GREEDY, temperature: 2, seed };
      const ids = [(await session.prefill([{ inputIds, images }], [settings])).ids[0]!];
      while (ids.length < 24) ids.push((await session.step()).ids[0]!);
      return ids;
    };
    // Greedy first: its sampler cannot draw, and is made again for what can.
    await session.prefill([{ inputIds, images }], [GREEDY]);
    await session.step();
    const first = await sample(5, session);
    expect(await sample(5, able)).toEqual(first);
    expect(await sample(6, session)).not.toEqual(first);
    for (const one of [session, able]) one.destroy();
  });

  it('refuses prompts that do not fit, foreign ids and missing images', async () => {
    const session = await model.createSession({ batch: 1, capacity: 20 });
    await expect(session.prefill([{ inputIds, images: [] }], [GREEDY])).rejects.toThrow(
      /38 tokens; the session holds 20/,
    );
    await expect(session.prefill([{ inputIds: [9999], images: [] }], [GREEDY])).rejects.toThrow(
      /token id 9999/,
    );
    await expect(session.prefill([{ inputIds: [149, 151, 150], images: [] }], [GREEDY])).rejects.toThrow();
    session.destroy();
  });
});
