// Measures decoding on the device at hand, in a page or in Node: tokens per second, work and creations per step, and
// what capturing attention costs. Capture on and off take turns step by step in one run, so that whatever else the
// machine does meets both.

import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { unsharedCache } from '../../src/kernels/cache_shape';
import { packSampling, packStop } from '../../src/kernels/sampler';
import { createPrng } from '../../src/lib/prng';
import { parseModelConfig } from '../../src/model/config';
import { buildDecodeProgram } from '../../src/model/decode_program';
import type { GenerationSession } from '../../src/model/generation_session';
import { KvCache, rangeKeyClasses } from '../../src/model/kv_cache';
import type { PromptInput } from '../../src/model/prompt_packing';
import { linearRopeTables } from '../../src/model/rope_index';
import { memorySource, writeSafetensors } from '../../src/model/safetensors';
import { type ModelFiles, VisionLanguageModel } from '../../src/model/vision_language_model';
import { patchWidth } from '../../src/model/vision_transformer';
import type { WeightPrecision } from '../../src/model/weight_layout';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import type { Program } from '../../src/tensor/program';
import { allocateTensor, writeTensor } from '../../src/tensor/tensor_memory';
import type { StoredTensor } from '../../src/tensor/trace';
import type { BenchModel } from './random_weights';
import { median } from './train_shared';

/** One measured way of decoding. */
export interface DecodeRow {
  readonly name: string;
  readonly shape: string;
  /** Median milliseconds of one step that is waited for before the next is submitted. */
  readonly ms: number;
  /** Median over pairs of neighbouring steps: this row's time over another's. */
  readonly ratioTo: Readonly<Record<string, number>>;
  /** Of steps kept in flight, as answers are generated. */
  readonly tokensPerSecond: number;
  readonly dispatches: number;
  /** GPU objects made during the measured steps. */
  readonly creations: number;
}

/** What to decode with. */
export interface DecodeOptions {
  readonly name: string;
  /** Tokens in the cache when measuring begins. */
  readonly context: number;
  /** Merged image tokens per side of the picture; their square is the number of image tokens. */
  readonly imageSide: number;
  readonly batch: number;
  /** Steps measured one by one, for each of capture off and on. */
  readonly steps: number;
  /** Fill the cache by a prompt and read results back, as answers do; else the decode program alone, batch 1. */
  readonly promptPass: boolean;
  /** How the weights are kept; by the engine's choice where it is left out. */
  readonly precision?: WeightPrecision;
}

/** About 100 million parameters in the shape of Qwen2.5-VL; the vision tower is kept small, it does not decode. */
export const RANDOM_CONFIG = {
  model_type: 'qwen2_5_vl',
  image_token_id: 3,
  video_token_id: 4,
  vision_start_token_id: 1,
  vision_end_token_id: 2,
  tie_word_embeddings: true,
  eos_token_id: 0,
  hidden_size: 768,
  intermediate_size: 2816,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_key_value_heads: 4,
  vocab_size: 4096,
  hidden_act: 'silu',
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: 'mrope', mrope_section: [8, 12, 12] },
  vision_config: {
    depth: 2,
    hidden_size: 128,
    intermediate_size: 256,
    num_heads: 4,
    in_channels: 3,
    patch_size: 8,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    window_size: 64,
    fullatt_block_indexes: [1],
    out_hidden_size: 768,
    hidden_act: 'silu',
  },
};

/** bf16 patterns of uniform values with standard deviation `sigma`. */
function randomBf16(count: number, sigma: number, next: () => number): Uint8Array {
  const halves = new Uint16Array(count);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let i = 0; i < count; i++) {
    value[0] = (next() / 2 ** 31 - 1) * Math.sqrt(3) * sigma;
    halves[i] = bits[0]! >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

/** A model folder in memory: {@link RANDOM_CONFIG} with weights whose size keeps activations near 1. */
export function randomModelFiles(): ModelFiles {
  const prng = createPrng(100);
  const shapes = expectedShapes(parseModelConfig(RANDOM_CONFIG));
  const tensors = [...shapes].flatMap(([name, shape]) => {
    if (name === LM_HEAD) return [];
    const count = shape.reduce((a, b) => a * b, 1);
    const sigma = shape.length < 2 ? 0.1 : 1 / Math.sqrt(count / (shape[0] ?? 1));
    return [{ name, dtype: 'BF16' as const, shape, bytes: randomBf16(count, sigma, prng.nextU32) }];
  });
  const contents = new Map([
    ['config.json', new TextEncoder().encode(JSON.stringify(RANDOM_CONFIG))],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
  return {
    name: 'random-100m',
    open: async (file) => {
      const bytes = contents.get(file);
      return bytes ? memorySource(file, bytes) : null;
    },
  };
}

/** A prompt of `context` tokens with one random picture. */
function randomPrompt(model: VisionLanguageModel, { context, imageSide }: DecodeOptions): PromptInput {
  const { vision, text, imageTokenId, visionStartTokenId, visionEndTokenId } = model.config;
  const prng = createPrng(7);
  const special = new Set([imageTokenId, model.config.videoTokenId, visionStartTokenId, visionEndTokenId]);
  const word = (): number => {
    const id = prng.nextInt(text.vocabSize);
    return special.has(id) || model.config.eosTokenIds.includes(id) ? word() : id;
  };
  const image = Array<number>(imageSide ** 2).fill(imageTokenId);
  const inputIds = [visionStartTokenId ?? 0, ...image, visionEndTokenId ?? 0];
  while (inputIds.length < context) inputIds.push(word());
  const side = imageSide * vision.spatialMergeSize;
  const row = patchWidth(vision);
  const pixelValues = Float32Array.from({ length: side * side * row }, () => prng.uniform(-1, 1));
  return { inputIds, images: [{ pixelValues, gridThw: [1, side, side] }] };
}

const WARM_UP = 4;
const GREEDY = {
  ...{ temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 },
  maxNewTokens: 1 << 20,
};

async function openSession(
  model: VisionLanguageModel,
  options: DecodeOptions,
  capture: boolean,
): Promise<GenerationSession> {
  const spare = 3 * options.steps + WARM_UP + 8;
  const session = await model.createSession({
    batch: options.batch,
    capacity: options.context + spare,
    maxImageTokens: options.imageSide ** 2,
    // A finished sequence would make steps cheaper.
    eosTokenIds: [],
    ...(capture ? { capture: { mapLayers: 'all' as const } } : {}),
  });
  const prompt = randomPrompt(model, options);
  const batch = [...Array(options.batch).keys()];
  await session.prefill(
    batch.map(() => prompt),
    batch.map(() => GREEDY),
  );
  return session;
}

/** Something that decodes step by step, with capture or without. */
export interface Stepper {
  /** Submits a step; resolves when an earlier one can be read. */
  step(): Promise<unknown>;
  readonly dispatches: number;
  destroy(): void;
}

/** A session as answers use it: a prompt pass, then steps in flight whose results are read back. */
async function sessionStepper(
  model: VisionLanguageModel,
  options: DecodeOptions,
  capture: boolean,
): Promise<Stepper> {
  const session = await openSession(model, options, capture);
  return {
    step: () => session.step(),
    dispatches: session.dispatchesPerStep,
    destroy: () => session.destroy(),
  };
}

/**
 * The decode program alone over a cache that is said to be filled: the prompt pass of a large model would take minutes
 * on a software adapter, and a step costs the same whatever its keys hold. All keys are zero, so that attention is even
 * and what capture says of it is known.
 */
export async function programStepper(
  gpu: GpuContext,
  model: BenchModel,
  { context, imageSide, steps }: Pick<DecodeOptions, 'context' | 'imageSide' | 'steps'>,
  capture: boolean,
): Promise<Stepper & { readonly program: Program }> {
  const { config, device } = model;
  const { text } = config;
  const imageTokens = imageSide ** 2;
  const memory = new GpuScope(gpu);
  const capacity = context + 3 * steps + 2 * WARM_UP;
  const shape = unsharedCache(1, capacity, model.weights.cacheFormat);
  const cache = memory.own(new KvCache(gpu, text, shape));
  cache.writeKeyClasses(0, rangeKeyClasses(1, imageTokens, context));
  const tables = linearRopeTables(0, capacity, text);
  const allocate = (name: string, shape: readonly number[]) => allocateTensor(memory, name, shape, 'u32');
  const state = {
    sequences: allocate('sequences', [1, 8]),
    sampling: allocate('sampling', [1, 8]),
    seen: allocate('seen', [1, Math.ceil(text.vocabSize / 32)]),
    stop: allocate('stop', [2]),
    ids: allocate('ids', [1]),
    cos: allocateTensor(memory, 'cos', [capacity, tables.width], 'f32'),
    sin: allocateTensor(memory, 'sin', [capacity, tables.width], 'f32'),
  };
  const write = (tensor: StoredTensor, data: Uint32Array | Float32Array): void =>
    writeTensor(gpu, tensor, data);
  write(state.sequences, Uint32Array.of(0, context, 0, 0, context, 1, 0, 5));
  write(state.sampling, packSampling(GREEDY));
  write(state.stop, packStop(0, []));
  write(state.cos, tables.cos);
  write(state.sin, tables.sin);
  const layers = Array.from({ length: text.numHiddenLayers }, (_, layer) => layer);
  const recorded = capture ? { mapLayers: layers, mapSize: imageTokens } : undefined;
  const program = memory.own(
    await buildDecodeProgram(device, { batch: 1, cache, state, capture: recorded, reach: 'greedy' }),
  );
  return {
    program,
    step: async () => program.submit(),
    dispatches: program.dispatches,
    destroy: () => memory.destroy(),
  };
}

/** One step and everything in flight: in steady state exactly one step of work. */
export async function timeStep(gpu: GpuContext, stepper: Stepper): Promise<number> {
  const began = performance.now();
  await stepper.step();
  await gpu.fence();
  return performance.now() - began;
}

/** Tokens per second with steps in flight, by the clock. */
export async function throughput(
  gpu: GpuContext,
  stepper: Stepper,
  { steps, batch }: Pick<DecodeOptions, 'steps' | 'batch'>,
): Promise<number> {
  await gpu.fence();
  const began = performance.now();
  for (let step = 0; step < steps; step++) await stepper.step();
  await gpu.fence();
  return (1000 * steps * batch) / (performance.now() - began);
}

/** Decodes with capture off and on, all layers' masses and maps, step by step in turns. */
export async function measureDecode(
  gpu: GpuContext,
  files: ModelFiles,
  options: DecodeOptions,
): Promise<DecodeRow[]> {
  const model = await VisionLanguageModel.load(gpu, files, { precision: options.precision });
  const open = (capture: boolean): Promise<Stepper> =>
    options.promptPass
      ? sessionStepper(model, options, capture)
      : programStepper(gpu, model, options, capture);
  const steppers = [await open(false), await open(true)] as const;
  const [off, on] = steppers;
  for (const stepper of steppers) for (let i = 0; i < WARM_UP; i++) await timeStep(gpu, stepper);
  const before = creations(gpu.counters);
  const times: [number, number][] = [];
  for (let step = 0; step < options.steps; step++) {
    // Whoever goes second may find warmer caches: they change places.
    if (step % 2 === 0) times.push([await timeStep(gpu, off), await timeStep(gpu, on)]);
    else {
      const captured = await timeStep(gpu, on);
      times.push([await timeStep(gpu, off), captured]);
    }
  }
  const rates = [await throughput(gpu, off, options), await throughput(gpu, on, options)] as const;
  const made = creations(gpu.counters) - before;
  const { context, imageSide, batch } = options;
  const parameters = `${(model.parameterCount / 1e6).toFixed(2)}M`;
  const shape = `${parameters} batch ${batch} context ${context} image ${imageSide ** 2}`;
  const row = (index: 0 | 1): DecodeRow => ({
    name: `${options.name} capture ${index ? 'on' : 'off'}`,
    shape,
    ms: median(times.map((pair) => pair[index])),
    ratioTo: index ? { [`${options.name} capture off`]: median(times.map(([a, b]) => b / a)) } : {},
    tokensPerSecond: rates[index],
    dispatches: steppers[index].dispatches,
    creations: made,
  });
  const rows = [row(0), row(1)];
  for (const stepper of steppers) stepper.destroy();
  model.destroy();
  return rows;
}
