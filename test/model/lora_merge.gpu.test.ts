// A merged model answers as its base with the adapter: logits of all tokens, in f32 and in the stored bf16.

import { expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { openCheckpoint } from '../../src/model/checkpoint';
import { LoraAdapter } from '../../src/model/lora';
import { mergeLora } from '../../src/model/lora_merge';
import { readLora } from '../../src/model/peft_reader';
import { packPrompts } from '../../src/model/prompt_packing';
import { type ModelOnDevice, tracePrompt } from '../../src/model/prompt_program';
import {
  memorySource,
  parseSafetensors,
  type TensorData,
  toFloat32,
  writeSafetensors,
} from '../../src/model/safetensors';
import { type ModelFiles, VisionLanguageModel } from '../../src/model/vision_language_model';
import { Program } from '../../src/tensor/program';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';
const IDS = [1, 10, 11, 12, 13, 20, 21, 22, 40, 41, 2];

async function logits(
  gpu: GpuContext,
  model: VisionLanguageModel,
  device: ModelOnDevice,
): Promise<Float32Array> {
  const packed = packPrompts([{ inputIds: IDS, images: [] }], model.config, 64, (live) => live, 1);
  const shape = { tokens: IDS.length, batch: 1, allRows: true };
  const program = await Program.compile(gpu, 'merge', (trace) => {
    trace.output('logits', tracePrompt(trace, device, shape, {}));
  });
  for (const [name, data] of Object.entries(packed.inputs))
    if (program.hasInput(name)) program.write(name, data);
  await program.run();
  const result = (await program.read('logits')) as Float32Array;
  program.destroy();
  return result;
}

/** The fixture's folder with other weights. */
async function filesOf(tensors: readonly TensorData[]): Promise<ModelFiles> {
  const parts: Record<string, Uint8Array> = {
    'config.json': await loadFixture(`${FOLDER}/config.json`),
    'model.safetensors': writeSafetensors(tensors),
  };
  const open = async (name: string) => (parts[name] ? memorySource(name, parts[name]) : null);
  return { name: FOLDER, open };
}

it.each([
  // f32 sums in another order, over logits of about 5.
  ['F32', 1e-5],
  // Rounding of weights to bf16: 2^-9 of a weight at most, over two layers.
  ['BF16', 0.05],
] as const)('gives the logits of base and adapter, weights in %s', async (dtype, tolerance) => {
  const gpu = await testGpu();
  const file = await parseSafetensors('model.safetensors', await loadFixture(`${FOLDER}/model.safetensors`));
  const tensors: TensorData[] = [];
  for (const [name, entry] of file.tensors) {
    const bytes = await file.read(name);
    const stored = dtype === 'F32' ? new Uint8Array(toFloat32(entry.dtype, bytes).buffer) : bytes;
    tensors.push({ name, dtype, shape: entry.shape, bytes: stored });
  }
  const files = await filesOf(tensors);
  const base = await VisionLanguageModel.load(gpu, files, { precision: 'f32' });
  const json = await loadFixtureJson(`${FOLDER}/adapter/adapter_config.json`);
  const pair = await parseSafetensors('a', await loadFixture(`${FOLDER}/adapter/adapter_model.safetensors`));
  const { config, weights } = await readLora(json, pair, base.config);
  const adapter = LoraAdapter.create(gpu, config, base.config, weights, false);
  const adapted = { ...base.device, weights: adapter.applyTo(base.weights) };
  const [plain, wanted] = [await logits(gpu, base, base.device), await logits(gpu, base, adapted)];

  const changed = new Map<string, Uint8Array>();
  const checkpoint = await openCheckpoint(files);
  for await (const { name, bytes } of mergeLora(checkpoint, base.config, { config, weights }))
    changed.set(name, bytes);
  expect(changed.size).toBe(weights.length);
  const whole = tensors.map((tensor) => ({ ...tensor, bytes: changed.get(tensor.name) ?? tensor.bytes }));
  const merged = await VisionLanguageModel.load(gpu, await filesOf(whole), { precision: 'f32' });
  const found = await logits(gpu, merged, merged.device);

  const moved = maxDifference(plain, wanted);
  const off = maxDifference(found, wanted);
  expect(off).toBeLessThan(tolerance);
  // The adapter does something, and far more than the tolerance.
  expect(moved).toBeGreaterThan(5 * tolerance);
  for (const part of [base, merged, adapter]) part.destroy();
});
