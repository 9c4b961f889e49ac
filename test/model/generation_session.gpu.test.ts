// Greedy decoding of a tiny Qwen2.5-VL against Hugging Face: ids over the cache, batches, reuse, steady state.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import type { SamplingOptions } from '../../src/model/prompt_packing';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { testGpu } from '../harness/gpu';
import { fixtureImages, fixtureModel, type Goldens, loadGoldens } from '../harness/model_fixture';

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

  it('gives the same tokens for the same seed and others for another', async () => {
    const session = await model.createSession({ batch: 2, capacity: 96 });
    const images = await fixtureImages(goldens);
    const sample = async (seed: number): Promise<number[]> => {
      const settings = { ...GREEDY, temperature: 2, seed };
      const ids = [(await session.prefill([{ inputIds, images }], [settings])).ids[0]!];
      while (ids.length < 24) ids.push((await session.step()).ids[0]!);
      return ids;
    };
    const first = await sample(5);
    expect(await sample(5)).toEqual(first);
    expect(await sample(6)).not.toEqual(first);
    session.destroy();
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
