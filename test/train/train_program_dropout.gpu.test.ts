// Dropout in training: recomputed layers draw the masks that they drew before, each step draws its own without being
// traced again, scoring draws none, and a resumed run goes on bit for bit.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { packAdamw } from '../../src/kernels/adamw';
import { ImageEncoder } from '../../src/model/image_encoder';
import { LoraAdapter, type LoraWeights, trainableModules } from '../../src/model/lora';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';
import { readTensor } from '../../src/tensor/tensor_memory';
import { packCompletions } from '../../src/train/packing';
import { LoraPolicy } from '../../src/train/policy';
import { buildTrainProgram, buildUpdateProgram, createOptimizerState } from '../../src/train/train_program';
import type { TrainerCheckpoint } from '../../src/train/trainer';
import { noise } from '../harness/check_op';
import { testGpu } from '../harness/gpu';
import { fixtureModel } from '../harness/model_fixture';

const CONFIG = { r: 2, loraAlpha: 4, useRslora: false, baseModel: '', targetModules: [] };
const GROUPS = [{ prompt: { inputIds: [1, 10, 11, 12, 13], images: [] }, completions: [[20, 21, 22, 2]] }];

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await VisionLanguageModel.load(
    gpu,
    fixtureModel('tiny-qwen2_5_vl', ['config.json', 'model.safetensors']),
  );
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

/** Both factors are not zero, so that masks show in the first forward pass. */
function freshWeights(): LoraWeights[] {
  return [...trainableModules(model.config)].map(([module, [out, width]], index) => ({
    module,
    a: noise(CONFIG.r * width, index).map((v) => v * width ** -0.5),
    b: noise(out * CONFIG.r, 1000 + index).map((v) => 0.3 * v),
  }));
}

/** Trains with one mask per step number of `masks`; losses, all gradients, and what was created after the first step. */
async function train(p: number, masks: readonly number[], checkpointLayers: boolean, lr = 1e-2) {
  const adapter = LoraAdapter.create(gpu, CONFIG, model.config, freshWeights(), true, p);
  const state = createOptimizerState(gpu, adapter);
  const packed = packCompletions(GROUPS, model.config);
  const shape = { tokens: packed.tokens, rows: packed.rows };
  const options = { objective: 'sft', checkpointLayers } as const;
  const program = await buildTrainProgram(model.device, adapter, state, shape, undefined, options);
  const update = await buildUpdateProgram(gpu, adapter, state, 1);
  for (const [name, data] of Object.entries(packed.inputs(shape.tokens, shape.rows)))
    if (program.hasInput(name)) program.write(name, data);
  program.write('weights', new Float32Array(packed.rows).fill(-1 / packed.rows));
  const losses: number[] = [];
  const gradients: Float32Array[] = [];
  let created = 0;
  for (const [index, mask] of masks.entries()) {
    const hparams = { lr, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, step: index + 1 };
    update.write('hparams', packAdamw(hparams));
    const before = creations(gpu.counters);
    adapter.setDropoutSeed(5, mask, 0);
    program.submit();
    created += index > 0 ? creations(gpu.counters) - before : 0;
    // Read first: the update takes the same memory.
    const logp = (await program.read('logp')) as Float32Array;
    const read = creations(gpu.counters);
    update.submit();
    created += index > 0 ? creations(gpu.counters) - read : 0;
    losses.push(-logp.reduce((sum, v) => sum + v, 0) / packed.rows);
    gradients.push(await readTensor(gpu, state.gradient));
  }
  const { plannedBytes, nodes } = program.stats;
  for (const part of [program, update, state, adapter]) part.destroy();
  return { losses, gradients, created, plannedBytes, nodes };
}

describe('training programs with dropout', () => {
  it('follow the same trajectory plain and checkpointed, bit for bit', async () => {
    const masks = [1, 2, 3];
    const plain = await train(0.3, masks, false);
    const checkpointed = await train(0.3, masks, true);
    expect(checkpointed.losses).toEqual(plain.losses);
    expect(checkpointed.gradients).toEqual(plain.gradients);
    expect(checkpointed.plannedBytes).toBeLessThan(plain.plannedBytes);
    expect([plain.created, checkpointed.created]).toEqual([0, 0]);
  });

  it('draw a new mask for a new step, and the same one for the same', async () => {
    // A learning rate of 0 leaves the masks as the only difference between steps.
    const { losses, gradients } = await train(0.3, [1, 2, 1], true, 0);
    expect(losses[2]).toBe(losses[0]);
    expect(gradients[2]).toEqual(gradients[0]);
    expect(losses[1]).not.toBe(losses[0]);
    expect(gradients[1]).not.toEqual(gradients[0]);
  });

  it('are what they were without it when p is 0', async () => {
    const [none, some] = [await train(0, [1, 2], false, 0), await train(0.3, [1], false, 0)];
    expect(none.losses[1]).toBe(none.losses[0]);
    expect(some.losses[0]).not.toBe(none.losses[0]);
    // One for the forward pass, one to repeat it and one for dx; the first layer's q, k and v see frozen embeddings.
    const modules = freshWeights().length;
    expect(some.nodes - none.nodes).toBe(3 * modules - 3);
  });
});

describe('LoraPolicy with dropout', () => {
  /** Two micro-batches per step, from `first` to `last`; goes on from a checkpoint where one is given. */
  async function steps(p: number, first: number, last: number, from?: TrainerCheckpoint) {
    const images = new ImageEncoder(model.device);
    const dropout = { p, seed: 2 ** 33 + 7 };
    const options = { gradientCheckpointing: false, maxGradNorm: 1, temperature: 1, dropout };
    const policy = await LoraPolicy.create(model.device, images, CONFIG, freshWeights(), options);
    if (from) policy.restore(from);
    const batch = policy.microBatches(GROUPS, 4096)[0]!;
    const weights = new Float32Array(batch.packed.rows).fill(-0.25);
    const scored = from ? null : (await policy.score(batch)).logp;
    const logps: Float32Array[] = [];
    const checkpoints: TrainerCheckpoint[] = [];
    for (let step = first; step <= last; step++) {
      for (let part = 0; part < 2; part++)
        logps.push((await policy.accumulate(batch, { objective: 'sft', weights }, step)).logp);
      await policy.update(DEFAULT_TRAIN_CONFIG.optim, 1e-2, step);
      checkpoints.push(await policy.checkpoint(step));
    }
    policy.destroy();
    images.destroy();
    return { logps, scored, checkpoints };
  }

  it('drops in what trains and not in what scores, and goes on bit for bit from a checkpoint', async () => {
    const none = await steps(0, 1, 1);
    const some = await steps(0.3, 1, 2);
    expect(some.scored).toEqual(none.scored);
    expect(none.logps[0]).toEqual(none.scored);
    expect(none.logps[1]).toEqual(none.logps[0]);
    // Each micro-batch has its own mask.
    expect(some.logps[0]).not.toEqual(none.logps[0]);
    expect(some.logps[1]).not.toEqual(some.logps[0]);
    const resumed = await steps(0.3, 2, 2, some.checkpoints[0]);
    expect(resumed.logps).toEqual(some.logps.slice(2));
    expect(resumed.checkpoints).toEqual(some.checkpoints.slice(1));
  });
});
