// Training programs over a trajectory: checkpointed equals plain bit for bit, shared prefix equals separate sequences,
// the loss falls, nothing is created after the first step.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { packAdamw } from '../../src/kernels/adamw';
import { LoraAdapter, trainableModules } from '../../src/model/lora';
import { MergedAdapter } from '../../src/model/merged_adapter';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { type CompletionGroup, packCompletions } from '../../src/train/packing';
import {
  buildTrainProgram,
  buildUpdateProgram,
  createOptimizerState,
  type TrainOptions,
} from '../../src/train/train_program';
import { measureSharedPrefix } from '../bench/train_shared';
import { noise } from '../harness/check_op';
import { testGpu } from '../harness/gpu';
import { fixtureModel } from '../harness/model_fixture';

const STEPS = 30;
const CONFIG = { r: 2, loraAlpha: 4, useRslora: false, baseModel: '', targetModules: [] };

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

function freshAdapter(): LoraAdapter {
  const weights = [...trainableModules(model.config)].map(([module, [out, width]], index) => ({
    module,
    a: noise(CONFIG.r * width, index).map((v) => v * width ** -0.5),
    b: new Float32Array(out * CONFIG.r),
  }));
  return LoraAdapter.create(gpu, CONFIG, model.config, weights, true);
}

const PROMPT = { inputIds: [1, 10, 11, 12, 13], images: [] };
const COMPLETIONS = [
  [20, 21, 22, 2],
  [30, 31, 2],
];

/** Trains on the groups, the adapter in the weights if `merges`; losses of every step, and what was created after the first. */
async function train(
  groups: readonly CompletionGroup[],
  checkpointLayers: boolean,
  {
    merges = false,
    ...options
  }: Pick<TrainOptions, 'checkpointFormat' | 'sliceRows'> & { merges?: boolean } = {},
  steps = STEPS,
) {
  const packed = packCompletions(groups, model.config);
  const adapter = freshAdapter();
  const merged = merges ? await MergedAdapter.create(gpu, model.weights, adapter) : null;
  const state = createOptimizerState(gpu, adapter);
  const shape = { tokens: packed.tokens, rows: packed.rows };
  const program = await buildTrainProgram(model.device, merged ?? adapter, state, shape, undefined, {
    objective: 'sft',
    checkpointLayers,
    ...options,
  });
  const update = await buildUpdateProgram(gpu, adapter, state, 1);
  for (const [name, data] of Object.entries(packed.inputs(shape.tokens, shape.rows)))
    if (program.hasInput(name)) program.write(name, data);
  program.write('weights', new Float32Array(packed.rows).fill(-1 / packed.rows));
  const losses: number[] = [];
  let created = 0;
  for (let step = 1; step <= steps; step++) {
    update.write(
      'hparams',
      packAdamw({ lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, step }),
    );
    const before = creations(gpu.counters);
    program.submit();
    created += step > 1 ? creations(gpu.counters) - before : 0;
    // Read first: the update takes the same memory.
    const logp = (await program.read('logp')) as Float32Array;
    const read = creations(gpu.counters);
    update.submit();
    merged?.refresh();
    created += step > 1 ? creations(gpu.counters) - read : 0;
    losses.push(-logp.reduce((sum, v) => sum + v, 0) / packed.rows);
  }
  await gpu.fence();
  const { plannedBytes } = program.stats;
  program.destroy();
  merged?.destroy();
  update.destroy();
  state.destroy();
  adapter.destroy();
  return { losses, created, plannedBytes };
}

describe('training programs', () => {
  it('follow the same trajectory with the MLP in slices of rows', async () => {
    const long = { inputIds: Array.from({ length: 72 }, (_, at) => 1 + (at % 90)), images: [] };
    const groups = [{ prompt: long, completions: COMPLETIONS }];
    const whole = await train(groups, true, {}, 8);
    // Two slices, the last one shorter, whose gradients of A and B add up in place.
    const sliced = await train(groups, true, { sliceRows: 64 }, 8);
    expect(whole.losses.at(-1)).toBeLessThan(0.9 * whole.losses[0]!);
    expect(sliced.plannedBytes).toBeLessThan(whole.plannedBytes);
    // The same sums in the same order, unless a slice of few rows runs another kernel: then rounding, amplified by Adam.
    sliced.losses.forEach((loss, step) => {
      expect(Math.abs(loss - whole.losses[step]!), `step ${step}`).toBeLessThan(2e-3 * (1 + loss));
    });
  });

  it('follow nearly the same trajectory with checkpoints in bf16', async () => {
    const groups = [{ prompt: PROMPT, completions: COMPLETIONS }];
    const exact = await train(groups, true, {}, 12);
    const rounded = await train(groups, true, { checkpointFormat: 'bf16' }, 12);
    // The first loss is before any gradient was used.
    expect(rounded.losses[0]).toBe(exact.losses[0]);
    expect(rounded.losses).not.toEqual(exact.losses);
    // 8 bits of each layer's input move a gradient by some 2⁻⁸ of itself; Adam amplifies that over the steps.
    rounded.losses.forEach((loss, step) => {
      expect(Math.abs(loss - exact.losses[step]!), `step ${step}`).toBeLessThan(
        0.05 * (0.1 + exact.losses[step]!),
      );
    });
  });

  it('follow the same trajectory plain, checkpointed, with a merged adapter, without a shared prefix', async () => {
    const shared = await train([{ prompt: PROMPT, completions: COMPLETIONS }], false);
    const checkpointed = await train([{ prompt: PROMPT, completions: COMPLETIONS }], true);
    const separate = await train(
      COMPLETIONS.map((completion) => ({ prompt: PROMPT, completions: [completion] })),
      false,
    );
    expect(shared.losses.at(-1)).toBeLessThan(0.2 * shared.losses[0]!);
    // Recomputation repeats the same dispatches.
    expect(checkpointed.losses).toEqual(shared.losses);
    expect(checkpointed.plannedBytes).toBeLessThan(shared.plannedBytes);
    const merged = await train([{ prompt: PROMPT, completions: COMPLETIONS }], true, { merges: true });
    expect(merged.losses).not.toEqual(shared.losses);
    // Another packing sums in another order, and merged weights round once: rounding, amplified by 30 steps of Adam.
    for (const { losses } of [separate, merged])
      losses.forEach((loss, step) => {
        expect(Math.abs(loss - shared.losses[step]!), `step ${step}`).toBeLessThan(2e-3 * (1 + loss));
      });
    const ways = [shared, checkpointed, separate, merged];
    expect(ways.map(({ created }) => created)).toEqual([0, 0, 0, 0]);
  });

  it('updates nothing when a gradient is not finite', async () => {
    const adapter = freshAdapter();
    const state = createOptimizerState(gpu, adapter);
    const update = await buildUpdateProgram(gpu, adapter, state, 1);
    const poison = new Float32Array(adapter.arena.shape[0]!);
    poison[3] = Number.NaN;
    gpu.device.queue.writeBuffer(state.gradient.region!.buffer, 0, poison);
    update.write(
      'hparams',
      packAdamw({ lr: 1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.5, step: 1 }),
    );
    await update.run();
    expect((await update.read('clip'))[2]).toBe(1);
    update.destroy();
    state.destroy();
    adapter.destroy();
  });
});

// As `npm run bench -- train` measures it: the gradients are those of a first step, and nobody else holds the bench to them.
it('has one gradient for completions behind one prompt and behind one each, as the bench measures them', async () => {
  const sizes = { prompt: 5, completion: 3, group: 2, steps: 1 };
  const { gradient, logp, shared, naive } = await measureSharedPrefix(gpu, model, sizes);
  expect(gradient.tensors).toBe(2 * [...trainableModules(model.config)].length);
  // Sums of the prompt's rows in another order: 1e-6 of rounding; a gradient from the wrong prompt is wrong by 0.1.
  expect(gradient.worst).toBeLessThan(1e-4);
  expect(logp).toBeLessThan(1e-5);
  expect(shared.tokens).toBeLessThan(naive.tokens);
});
