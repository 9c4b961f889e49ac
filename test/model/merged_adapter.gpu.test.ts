// An adapter in its weights gives the logits of the adapter beside them, follows its values, and stays apart where the sum could
// not be kept exactly. Training over it is compared in test/train/train_program.gpu.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { LoraAdapter } from '../../src/model/lora';
import { MergedAdapter } from '../../src/model/merged_adapter';
import { packPrompts } from '../../src/model/prompt_packing';
import { tracePrompt } from '../../src/model/prompt_program';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { WeightSource } from '../../src/model/weights';
import { Program } from '../../src/tensor/program';
import { writeTensor } from '../../src/tensor/tensor_memory';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';
import { loadTiny, TINY_LORA, tinyWeights } from '../train/tiny_run';

const IDS = [1, 10, 11, 12, 13, 20, 21, 22, 40, 41, 2];

let gpu: GpuContext;
let model: VisionLanguageModel;
beforeAll(async () => {
  gpu = await testGpu();
  model = await loadTiny();
});
afterAll(async () => {
  model.destroy();
  await gpu.fence();
});

/** An adapter of the modules whose names end so; B is random. */
function adapterOf(last: readonly string[], dropout = 0): LoraAdapter {
  const weights = tinyWeights(model, 1, 0.5).filter(({ module }) =>
    last.some((name) => module.endsWith(name)),
  );
  return LoraAdapter.create(gpu, TINY_LORA, model.config, weights, true, dropout);
}

/** The prompt pass, to be run again and again. */
async function openPass(weights: WeightSource) {
  const packed = packPrompts([{ inputIds: IDS, images: [] }], model.config, 64, (live) => live, 1);
  const shape = { tokens: IDS.length, batch: 1, allRows: true };
  const program = await Program.compile(gpu, 'merged', (trace) => {
    trace.output('logits', tracePrompt(trace, { ...model.device, weights }, shape, {}));
  });
  for (const [name, data] of Object.entries(packed.inputs))
    if (program.hasInput(name)) program.write(name, data);
  const logits = async (): Promise<Float32Array> => {
    await program.run();
    return (await program.read('logits')) as Float32Array;
  };
  return { logits, dispatches: program.dispatches, destroy: () => program.destroy() };
}

describe('a merged adapter', () => {
  it.each([
    ['of every module', ['']],
    // Rows of a fused matrix that no module changes are copied.
    ['of single parts of fused matrices', ['q_proj', 'up_proj', 'down_proj']],
  ])('%s gives the logits of the adapter apart, and follows its values', async (_, last) => {
    const adapter = adapterOf(last);
    const merged = await MergedAdapter.create(gpu, model.weights, adapter);
    const passes = [
      await openPass(model.weights),
      await openPass(adapter.applyTo(model.weights)),
      await openPass(merged!.applyTo(model.weights)),
    ] as const;
    const [base, apart, together] = passes;
    expect(together.dispatches).toBe(base.dispatches);
    const plain = await base.logits();
    const compare = async () => {
      const wanted = await apart.logits();
      // f32 sums in another order over two layers, of logits of about 5; the adapter moves them by far more.
      expect(maxDifference(await together.logits(), wanted)).toBeLessThan(2e-5);
      return maxDifference(wanted, plain);
    };
    expect(await compare()).toBeGreaterThan(1e-2);
    writeTensor(gpu, adapter.arena, new Float32Array(adapter.arena.region.bytes / 4));
    merged!.refresh();
    expect(await compare()).toBe(0);
    for (const part of [...passes, merged!, adapter]) part.destroy();
  });

  it('stays apart over weights in fewer bits, and where inputs are dropped', async () => {
    const adapter = adapterOf([''], 0.1);
    const name = `${model.config.text.prefix}layers.0.self_attn.o_proj.weight`;
    const rounded: WeightSource = {
      ...adapter.applyTo(model.weights),
      matrix: (asked) => ({ ...model.weights.matrix(asked), format: 'bf16' }),
    };
    expect(await MergedAdapter.create(gpu, rounded, adapter)).toBeNull();
    const merged = await MergedAdapter.create(gpu, model.weights, adapter);
    const [run, train] = [merged!.applyTo(model.weights), merged!.applyTo(model.weights, 'train')];
    expect(run.matrix(name)).not.toBe(model.weights.matrix(name));
    expect(run.lora?.(name)).toEqual([]);
    expect(train.matrix(name)).toBe(model.weights.matrix(name));
    expect(train.lora?.(name)).toEqual(adapter.applyTo(model.weights, 'train').lora?.(name));
    for (const part of [merged!, adapter]) part.destroy();
  });
});
