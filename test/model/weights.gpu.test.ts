// A model whose weights lie in many small shards gives what the same model gives in whole ones: sampled ids, logits, an
// adapter's gradients. And a load that fails or is aborted leaves nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { GenerationSession } from '../../src/model/generation_session';
import { ImageEncoder } from '../../src/model/image_encoder';
import type { ModelOnDevice } from '../../src/model/prompt_program';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { WeightPrecision } from '../../src/model/weight_layout';
import { embeddingName, LM_HEAD } from '../../src/model/weight_names';
import { LoraPolicy } from '../../src/train/policy';
import { testGpu } from '../harness/gpu';
import { fixtureImages, fixtureModel, loadGoldens, maxDifference } from '../harness/model_fixture';
import { GROUPS, meanLoss, OPTIM, TINY_LORA, tinyWeights } from '../train/tiny_run';

const FOLDER = 'tiny-qwen2_5_vl';
/** Fits 32 rows of the widest f32 matrix: every matrix but the patch projection is cut. */
const BINDING = 20_480;

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const files = () => fixtureModel(FOLDER, ['config.json', 'model.safetensors']);

/** The device as one whose bindings are tiny, for what only looks at its traits and makes buffers. */
function narrowed(): GpuContext {
  const traits = { ...gpu.traits, maxBindingBytes: BINDING };
  return new Proxy(gpu, {
    get(target, key) {
      if (key === 'traits') return traits;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The model loaded for tiny bindings, to run on the real device: activations need not be cut. */
async function load(precision: WeightPrecision, cut: boolean): Promise<VisionLanguageModel> {
  return VisionLanguageModel.load(cut ? narrowed() : gpu, files(), { precision });
}

async function generate(
  device: ModelOnDevice,
): Promise<{ ids: (number | undefined)[]; logits: ArrayLike<number> }> {
  const goldens = await loadGoldens(`${FOLDER}/io.safetensors`);
  const prompt = {
    inputIds: [...(await goldens.integers('input_ids'))],
    images: await fixtureImages(goldens),
  };
  const session = await GenerationSession.create(device, { batch: 1, capacity: 64, maxImageTokens: 32 });
  const sampling = {
    temperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    seed: 7,
    maxNewTokens: 8,
  };
  const ids = [(await session.prefill([prompt], [sampling])).ids[0]];
  while (ids.length < 8) ids.push((await session.step()).ids[0]);
  const logits = await session.decodeProgram.read('logits');
  session.destroy();
  return { ids, logits };
}

/** Log-probabilities of a step, and the first moments that its gradient has left. */
async function train(
  model: VisionLanguageModel,
  device: ModelOnDevice,
): Promise<{ logp: Float32Array; m: Float32Array }> {
  const images = new ImageEncoder(device);
  const settings = { gradientCheckpointing: true, maxGradNorm: 1, temperature: 1 };
  const policy = await LoraPolicy.create(device, images, TINY_LORA, tinyWeights(model, 1, 0.1), settings);
  const [micro] = policy.microBatches(GROUPS, 1e6);
  const scores = await policy.accumulate(micro!, meanLoss(micro!, 10), 1);
  await policy.update(OPTIM, OPTIM.learningRate, 1);
  const { m } = await policy.checkpoint(1);
  policy.destroy();
  images.destroy();
  return { logp: scores.logp, m };
}

/**
 * Whole matrices run through fused kernels and take adapters in, which shards do not: sums of at most 200 terms round in
 * another order, through three layers, of 6e-8 each.
 */
const TOLERANCE = 2e-5;
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(0);
  expect(maxDifference(actual, expected) / largest).toBeLessThan(TOLERANCE);
}

describe('weights in shards', () => {
  it.each(['stored', 'f32'] as const)('give what whole weights give, %s', async (precision) => {
    const [whole, cut] = [await load(precision, false), await load(precision, true)];
    const shards = (name: string): number => cut.weights.matrix(name).shards.length;
    expect(shards(embeddingName(cut.config.text))).toBeGreaterThan(1);
    expect(shards(LM_HEAD)).toBeGreaterThan(1);
    expect(shards('model.language_model.layers.0.mlp.gate_up_proj.weight')).toBeGreaterThan(2);
    expect(shards('model.visual.merger.mlp.0.weight')).toBeGreaterThan(1);
    const device = { ...cut.device, gpu };
    const [own, other] = [await generate(device), await generate(whole.device)];
    expect(own.ids).toEqual(other.ids);
    expectClose(own.logits, other.logits);
    const [trained, otherwise] = [await train(cut, device), await train(whole, whole.device)];
    expectClose(trained.logp, otherwise.logp);
    expectClose(trained.m, otherwise.m);
    whole.destroy();
    cut.destroy();
  });

  it('name what cannot be cut small enough', async () => {
    const tiny = new Proxy(narrowed(), {
      get: (target, key) =>
        key === 'traits' ? { ...gpu.traits, maxBindingBytes: 600 } : Reflect.get(target, key),
    });
    await expect(VisionLanguageModel.load(tiny, files(), { precision: 'f32' })).rejects.toMatchObject({
      code: 'gpu/limit',
      message: expect.stringMatching(/needs \d+ bytes in one binding; this device allows 600/),
    });
  });
});
