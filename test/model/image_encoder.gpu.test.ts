// Features kept per image: any order and any batch gives the rows of a first run, and no image is encoded twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { type EncodedImages, ImageEncoder } from '../../src/model/image_encoder';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { readTensor } from '../../src/tensor/tensor_memory';
import { testGpu } from '../harness/gpu';
import { fixtureImages, fixtureModel, loadGoldens } from '../harness/model_fixture';

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
});
