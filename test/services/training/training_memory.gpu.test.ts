// The planned memory of a run against what a run really makes on the device, part by part, and that planning makes none.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { createPrng } from '../../../src/lib/prng';
import { ImageEncoder } from '../../../src/model/image_encoder';
import { initialLoraWeights } from '../../../src/model/lora';
import { VisionLanguageModel } from '../../../src/model/vision_language_model';
import { planTrainingMemory } from '../../../src/services/training/training_memory';
import { DEFAULT_TRAIN_CONFIG } from '../../../src/settings/train_settings';
import { LoraPolicy } from '../../../src/train/policy';
import { testGpu } from '../../harness/gpu';
import { fixtureModel } from '../../harness/model_fixture';

const CONFIG = { r: 2, loraAlpha: 4, useRslora: false, baseModel: '', targetModules: '.*q_proj' };
const PROMPT = { inputIds: [1, 10, 11, 12, 13, 14, 15, 16], images: [] };
const REQUEST = {
  ...DEFAULT_TRAIN_CONFIG,
  method: 'sft' as const,
  tokensPerMicroBatch: 64,
  gradientCheckpointing: false,
  sft: { ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 2, maxLength: 32 },
};
const EXAMPLE = { promptTokens: 8, imageTokens: 0 };

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  const files = fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']);
  model = await VisionLanguageModel.load(gpu, files);
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

const weights = () => initialLoraWeights(model.config, CONFIG, createPrng(1));
const bytesOf = (parts: readonly { name: string; buffers: readonly number[] }[], name: string): number =>
  parts.find((part) => part.name === name)?.buffers.reduce((sum, bytes) => sum + bytes, 0) ?? 0;

describe('planTrainingMemory', () => {
  it('covers what a step makes, and allocates nothing itself', async () => {
    const before = { ...gpu.counters };
    const { parts, trainableParameters } = planTrainingMemory(
      model.device,
      REQUEST,
      CONFIG,
      weights(),
      EXAMPLE,
    );
    expect(gpu.counters).toEqual(before);

    const images = new ImageEncoder(model.device);
    const options = { gradientCheckpointing: false, maxGradNorm: 1, temperature: 1 };
    const policy = await LoraPolicy.create(model.device, images, CONFIG, weights(), options);
    expect(trainableParameters).toBe(policy.parameterCount);
    const completion = Array.from({ length: 24 }, (_, at) => 20 + at);
    const group = { prompt: PROMPT, completions: [completion] };
    const [micro] = policy.microBatches([group, group], REQUEST.tokensPerMicroBatch);
    if (!micro) throw new Error('no micro-batch');
    await policy.accumulate(micro, { objective: 'sft', weights: new Float32Array(micro.packed.rows) }, 1);
    // The plan rounds the batch up as the run does; without pictures both trace the same program.
    expect(bytesOf(parts, 'update')).toBeGreaterThanOrEqual(policy.plannedBytes);
    expect(bytesOf(parts, 'update')).toBeLessThan(2 * policy.plannedBytes);
    policy.destroy();
    images.destroy();
  });

  it('falls with checkpointing and with the micro-batch, and grows with the group', () => {
    const plan = (change: object) => {
      const { parts } = planTrainingMemory(
        model.device,
        { ...REQUEST, ...change },
        CONFIG,
        weights(),
        EXAMPLE,
      );
      return parts;
    };
    expect(bytesOf(plan({ gradientCheckpointing: true }), 'update')).toBeLessThan(
      bytesOf(plan({}), 'update'),
    );
    expect(bytesOf(plan({ tokensPerMicroBatch: 32 }), 'update')).toBeLessThanOrEqual(
      bytesOf(plan({}), 'update'),
    );
    const grpo = { ...REQUEST.grpo, numGenerations: 2, promptsPerStep: 1, maxCompletionLength: 16 };
    const small = plan({ method: 'grpo', grpo });
    const large = plan({ method: 'grpo', grpo: { ...grpo, numGenerations: 4 } });
    expect(bytesOf(large, 'sampling')).toBeGreaterThan(bytesOf(small, 'sampling'));
    expect(small.map(({ name }) => name)).not.toContain('scoring');
    expect(plan({ method: 'grpo', grpo: { ...grpo, beta: 0.1 } }).map(({ name }) => name)).toContain(
      'scoring',
    );
  });

  it('counts pictures where there are some', () => {
    const { parts } = planTrainingMemory(model.device, REQUEST, CONFIG, weights(), {
      ...{ promptTokens: 16, imageTokens: 4 },
    });
    expect(bytesOf(parts, 'pictures')).toBeGreaterThan(2 ** 25);
  });
});
