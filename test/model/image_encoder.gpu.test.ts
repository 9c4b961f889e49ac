// Features kept per image: any order and any batch gives the rows of a first run, and no image is encoded twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { type EncodedImages, ImageEncoder } from '../../src/model/image_encoder';
import { LoraAdapter } from '../../src/model/lora';
import { readLora } from '../../src/model/peft_reader';
import { parseSafetensors } from '../../src/model/safetensors';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { readTensor } from '../../src/tensor/tensor_memory';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { testGpu } from '../harness/gpu';
import { fixtureImages, fixtureModel, loadGoldens, maxDifference } from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';
let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await VisionLanguageModel.load(gpu, fixtureModel(FOLDER, ['config.json', 'model.safetensors']));
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

async function rowsOf(encoded: EncodedImages | undefined, count: number): Promise<number[]> {
  const all = await readTensor(gpu, encoded!.features);
  return [...all.subarray(0, count * model.config.connector.outHiddenSize)];
}

describe('ImageEncoder', () => {
  it('gives the same rows in any order, and runs the tower once per image', async () => {
    const goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
    const [first] = await fixtureImages(goldens);
    const second = { ...first!, pixelValues: first!.pixelValues.map((v) => -v) };
    const rows = (first!.gridThw[1] * first!.gridThw[2]) / model.config.vision.spatialMergeSize ** 2;
    const encoder = new ImageEncoder(model.device);
    const a = await rowsOf(await encoder.encode([first!]), rows);
    const ba = await rowsOf(await encoder.encode([second, first!]), 2 * rows);
    expect(ba.slice(rows * model.config.connector.outHiddenSize)).toEqual(a);
    expect(ba.slice(0, a.length)).not.toEqual(a);
    const dispatches = gpu.counters.dispatches;
    const created = creations(gpu.counters);
    const ab = await encoder.encode([first!, second]);
    expect(gpu.counters.dispatches).toBe(dispatches);
    expect(creations(gpu.counters)).toBe(created);
    expect(await rowsOf(ab, 2 * rows)).toEqual([...a, ...ba.slice(0, a.length)]);
    expect(await encoder.encode([])).toBeUndefined();
    encoder.destroy();
  });

  it('forgets features when an adapter of the tower gets another strength', async () => {
    const folder = `${FOLDER}/adapter-tower`;
    const file = await parseSafetensors('a', await loadFixture(`${folder}/adapter_model.safetensors`));
    const read = await readLora(await loadFixtureJson(`${folder}/adapter_config.json`), file, model.config);
    const goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
    const images = await fixtureImages(goldens);
    const [plain, adapted] = [goldens, await loadGoldens(`${folder}/io.safetensors`)];
    const rows = goldens.shape('image_embeds')[0]!;
    const adapter = LoraAdapter.create(gpu, read.config, model.config, read.weights, false);
    const encoder = new ImageEncoder({ ...model.device, weights: adapter.applyTo(model.weights) });
    const encode = async () => rowsOf(await encoder.encode(images), rows);
    for (const [strength, expected] of [
      [1, adapted],
      [0, plain],
      [1, adapted],
    ] as const) {
      adapter.setStrength(strength);
      expect(maxDifference(await encode(), await expected.floats('image_embeds'))).toBeLessThan(1e-4);
    }
    const dispatches = gpu.counters.dispatches;
    adapter.setStrength(1);
    await encode();
    expect(gpu.counters.dispatches).toBe(dispatches);
    encoder.destroy();
    adapter.destroy();
  });

  it('gives the same rows frame by frame as in one run', async () => {
    const files = ['config.json', 'model.safetensors'];
    const tiled = await VisionLanguageModel.load(gpu, fixtureModel('tiny-smolvlm', files));
    const pixelValues = Float32Array.from({ length: 5 * 16 * 48 }, (_, i) => Math.sin(i));
    const image = { pixelValues, gridThw: [5, 4, 4] as const };
    const other = { pixelValues: pixelValues.subarray(0, 16 * 48), gridThw: [1, 4, 4] as const };
    const length = 6 * 4 * tiled.config.connector.outHiddenSize;
    const encode = async (rowsPerRun: number): Promise<Float32Array> => {
      const encoder = new ImageEncoder(tiled.device, rowsPerRun);
      const encoded = await encoder.encode([image, other]);
      const rows = (await readTensor(gpu, encoded!.features)).slice(0, length);
      encoder.destroy();
      return rows;
    };
    const whole = await encode(4096);
    expect(whole.slice(-4 * 48)).toEqual(whole.slice(0, 4 * 48));
    // Runs of two frames, the last with a frame of each image; a run per frame, which exceeds what is asked.
    for (const rowsPerRun of [32, 1]) expect(await encode(rowsPerRun)).toEqual(whole);
    tiled.destroy();
  });
});
