// Command line: writes the logits of a model with an adapter over whole answers, for verify_adapter.py to compare
// with Hugging Face and PEFT. `node tools/run.mjs adapter_logits --model pocket --adapter DIR --out FILE`
// The file holds the inputs that gave the logits, so that the other side computes on the very same, and cannot differ
// by a tokenizer or a resize.

import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Processor } from '../src/generation/processor';
import { acquireDevice, type GpuContext } from '../src/gpu/device';
import { DataError } from '../src/lib/errors';
import { LoraAdapter } from '../src/model/lora';
import { writeAdapterConfig, writeAdapterWeights } from '../src/model/peft';
import { type PromptInput, packPrompts, packVision } from '../src/model/prompt_packing';
import { buildVisionProgram, type ModelOnDevice, tracePrompt } from '../src/model/prompt_program';
import { type TensorData, writeSafetensors } from '../src/model/safetensors';
import { VisionLanguageModel } from '../src/model/vision_language_model';
import { packAdapter } from '../src/storage/adapter_archive';
import { Program } from '../src/tensor/program';
import { readAdapter } from './adapter_folder';
import { closeDevice, log, readArguments, runCommand, UsageError, wholeNumber } from './command_line';
import { findModel } from './model_source';
import { createNodeGpu, repositoryRoot } from './node_gpu';
import { readPicture } from './node_image';

const USAGE = `usage: node tools/run.mjs adapter_logits --adapter DIR --out FILE [options]

  --model ID|DIR        a built-in model or a Hugging Face folder (default: the first built-in)
  --adapter DIR|ZIP|ID  a PEFT adapter for it; ID is organisation/name[@revision] of the hub
  --out FILE            safetensors: per prompt N input_ids.N, pixel_values.N, grid_thw.N, logits.N and base.N
  --export FILE         also write the adapter again, as the page exports it: a zip
  --prompts FILE        JSON of greedy answers with their pictures beside it (default: those of test/fixtures/pocket)
  --count N             how many of them (default 12)`;

interface Call {
  readonly model: string | undefined;
  readonly adapter: string;
  readonly out: string;
  readonly exported: string | undefined;
  readonly prompts: string;
  readonly count: number;
}

function readCall(): Call {
  const text = { type: 'string' } as const;
  const { model, adapter, out, prompts, count, ...rest } = readArguments({
    ...{ model: text, adapter: text, out: text, prompts: text, count: text, export: text },
  });
  if (adapter === undefined) throw new UsageError('--adapter is missing.');
  if (out === undefined) throw new UsageError('--out is missing.');
  return {
    ...{ model, adapter, out, exported: rest.export },
    prompts: prompts ?? join(repositoryRoot(), 'test/fixtures/pocket/greedy_tokens.json'),
    count: wholeNumber('count', count, 1, 12),
  };
}

/** A question with the answer that a model gave to it. */
interface Scene {
  readonly image: string;
  /** The question with its suffix. */
  readonly prompt: string;
  /** Ids of the answer. */
  readonly ids: readonly number[];
}

async function readScenes({ prompts, count }: Call): Promise<Scene[]> {
  const { scenes } = JSON.parse(await readFile(prompts, 'utf8')) as { scenes?: Scene[] };
  if (!scenes || scenes.length < count)
    throw new DataError('data/dataset', `${prompts} holds ${scenes?.length ?? 'no'} scenes, not ${count}.`);
  return scenes.slice(0, count);
}

/** The prompt of each scene, its answer appended. */
async function prepare(
  processor: Processor,
  scenes: readonly Scene[],
  folder: string,
): Promise<PromptInput[]> {
  return Promise.all(
    scenes.map(async ({ image, prompt, ids }) => {
      const pixels = await readPicture(join(folder, image));
      const prepared = processor.prepare({ images: [processor.see(pixels, false)], text: prompt }).prompt;
      return { ...prepared, inputIds: [...prepared.inputIds, ...ids] };
    }),
  );
}

/** Runs prompts one by one through a program of one size: logits [T, V] of each. */
async function forward(
  gpu: GpuContext,
  device: ModelOnDevice,
  inputs: readonly PromptInput[],
  each: (index: number, logits: (rows: number) => Promise<Float32Array>) => Promise<void>,
): Promise<void> {
  const { config } = device;
  const tokens = Math.max(...inputs.map(({ inputIds }) => inputIds.length));
  const patches = ({ images }: PromptInput) =>
    images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  const rows = Math.max(...inputs.map(patches));
  const vision = await buildVisionProgram(device, rows);
  const program = await Program.compile(gpu, 'logits', (trace) => {
    const shape = { tokens, batch: 1, allRows: true };
    trace.output('logits', tracePrompt(trace, device, shape, { features: vision.features }));
  });
  for (const [index, input] of inputs.entries()) {
    for (const [name, data] of Object.entries(packVision(input.images, config, rows)))
      vision.program.write(name, data);
    await vision.program.run();
    const packed = packPrompts([input], config, tokens, () => tokens, 1);
    for (const [name, data] of Object.entries(packed.inputs))
      if (program.hasInput(name)) program.write(name, data);
    await each(index, async (live) => {
      await program.run();
      return (await program.read('logits')).slice(0, live * config.text.vocabSize) as Float32Array;
    });
  }
  program.destroy();
  vision.destroy();
}

const bytesOf = (data: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const int64 = (values: readonly number[]): Uint8Array => bytesOf(BigInt64Array.from(values, BigInt));

/** The inputs of a prompt as tensors. */
function inputTensors(index: number, { inputIds, images }: PromptInput): TensorData[] {
  const grids = images.flatMap(({ gridThw }) => [...gridThw]);
  const patches = images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  const pixels = Float32Array.from(images.flatMap(({ pixelValues }) => [...pixelValues]));
  const shape = [patches, pixels.length / patches];
  return [
    { name: `input_ids.${index}`, dtype: 'I64', shape: [1, inputIds.length], bytes: int64(inputIds) },
    { name: `grid_thw.${index}`, dtype: 'I64', shape: [images.length, 3], bytes: int64(grids) },
    { name: `pixel_values.${index}`, dtype: 'F32', shape, bytes: bytesOf(pixels) },
  ];
}

async function computeLogits(
  gpu: GpuContext,
  model: VisionLanguageModel,
  adapter: LoraAdapter,
  inputs: readonly PromptInput[],
): Promise<TensorData[]> {
  const tensors = inputs.flatMap((input, index) => inputTensors(index, input));
  const device = { ...model.device, weights: adapter.applyTo(model.weights) };
  await forward(gpu, device, inputs, async (index, logits) => {
    const rows = inputs[index]?.inputIds.length ?? 0;
    const shape = [rows, model.config.text.vocabSize];
    for (const [name, strength] of [
      ['logits', 1],
      ['base', 0],
    ] as const) {
      adapter.setStrength(strength);
      const bytes = bytesOf(await logits(rows));
      tensors.push({ name: `${name}.${index}`, dtype: 'F32', shape, bytes });
    }
  });
  return tensors;
}

async function adapterLogits(signal: AbortSignal): Promise<void> {
  const call = readCall();
  const scenes = await readScenes(call);
  const { id, files } = await findModel(call.model, signal);
  const gpu = await acquireDevice({ gpu: createNodeGpu(), label: 'adapter_logits' });
  const model = await VisionLanguageModel.load(gpu, files, { signal, precision: 'stored' });
  try {
    const processor = await Processor.load(files, model.config);
    const { config, weights } = await readAdapter(call.adapter, model.config, signal);
    if (call.exported !== undefined) {
      const modules = weights.map(({ module }) => module);
      const text = new TextEncoder().encode(writeAdapterConfig({ ...config, loraDropout: 0 }, modules));
      const pair = { config: new Uint8Array(text), weights: writeAdapterWeights(weights, config) };
      await writeFile(call.exported, packAdapter(pair));
    }
    const inputs = await prepare(processor, scenes, dirname(call.prompts));
    const adapter = LoraAdapter.create(gpu, config, model.config, weights, false);
    const tensors = await computeLogits(gpu, model, adapter, inputs);
    adapter.destroy();
    const about = { model: id, device: gpu.traits.description, modules: String(weights.length) };
    await writeFile(call.out, writeSafetensors(tensors, about));
    log(`${scenes.length} prompts through ${id} with ${weights.length} adapted modules: ${call.out}`);
  } finally {
    await closeDevice(gpu, model);
  }
}

await runCommand(USAGE, adapterLogits);
