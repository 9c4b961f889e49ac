// Vision tower and prompt pass of a tiny Qwen2.5-VL against Hugging Face (fp32, eager), stage by stage.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { packPrompts, packVision } from '../../src/model/prompt_packing';
import { buildVisionProgram, tracePrompt } from '../../src/model/prompt_program';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { runOnce } from '../../src/tensor/program';
import { Trace } from '../../src/tensor/trace';
import { testGpu } from '../harness/gpu';
import {
  fixtureImages,
  fixtureModel,
  type Goldens,
  loadGoldens,
  maxDifference,
} from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';
let gpu: GpuContext;
let model: VisionLanguageModel;
let goldens: Goldens;

beforeAll(async () => {
  gpu = await testGpu();
  // Stored bf16 weights: the packed path is what large models run.
  model = await VisionLanguageModel.load(gpu, fixtureModel(FOLDER, ['config.json', 'model.safetensors']), {
    precision: 'stored',
  });
  goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

describe('Qwen2.5-VL prompt pass', () => {
  it.each([92, 96, 192])('encodes two images in a bucket of %i patch rows', async (rows) => {
    const vision = await buildVisionProgram(model.device, rows);
    for (const [name, data] of Object.entries(packVision(await fixtureImages(goldens), model.config, rows)))
      vision.program.write(name, data);
    await vision.program.run();
    const golden = await goldens.floats('image_embeds');
    const features = await vision.program.read('image_embeds');
    // The manifest's tolerance for an f32 engine.
    expect(maxDifference(features.subarray(0, golden.length), golden)).toBeLessThan(1e-4);
    vision.destroy();
  });

  it('gives the logits of every prompt row', async () => {
    const rows = 96;
    const vision = await buildVisionProgram(model.device, rows);
    for (const [name, data] of Object.entries(packVision(await fixtureImages(goldens), model.config, rows)))
      vision.program.write(name, data);
    await vision.program.run();
    const inputIds = [...(await goldens.integers('input_ids'))];
    const packed = packPrompts(
      [{ inputIds, images: await fixtureImages(goldens) }],
      model.config,
      64,
      () => 48,
      1,
    );
    const trace = new Trace(gpu.traits);
    const scores = tracePrompt(
      trace,
      model.device,
      { tokens: 48, batch: 1, allRows: true },
      { features: vision.features },
    );
    trace.output('logits', scores);
    const inputs = Object.fromEntries(
      Object.entries(packed.inputs).filter(([name]) => trace.inputs.has(name)),
    );
    const { logits } = await runOnce(gpu, trace, inputs);
    const golden = await goldens.floats('logits');
    expect(maxDifference(logits!.subarray(0, golden.length), golden)).toBeLessThan(5e-4);
    vision.destroy();
  });
});
