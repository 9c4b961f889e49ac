// Measures decoding on the device at hand, in a page or in Node: tokens per second, work and creations per step, and
// what capturing attention costs. Not a test and not a command line (tools/bench_decode.ts is).
// Invariant: capture on and off take turns step by step in one run, so that whatever else the machine does meets both.

import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { createPrng } from '../../src/lib/prng';
import { parseModelConfig } from '../../src/model/config';
import type { GenerationSession } from '../../src/model/generation_session';
import type { PromptInput } from '../../src/model/prompt_packing';
import { memorySource, writeSafetensors } from '../../src/model/safetensors';
import { type ModelFiles, readModelJson, VisionLanguageModel } from '../../src/model/vision_language_model';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';

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
}

/** About 100 million parameters in the shape of Qwen2.5-VL; the vision tower is kept small, it does not decode. */
const RANDOM_CONFIG = {
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
  const inputIds = [visionStartTokenId, ...image, visionEndTokenId];
  while (inputIds.length < context) inputIds.push(word());
  const side = imageSide * vision.spatialMergeSize;
  const row = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const pixelValues = Float32Array.from({ length: side * side * row }, () => prng.uniform(-1, 1));
  return { inputIds, images: [{ pixelValues, gridThw: [1, side, side] }] };
}

/** The same folder with an end token that no model says: a finished sequence would make steps cheaper. */
function withoutEnd(files: ModelFiles): ModelFiles {
  return {
    name: files.name,
    open: async (file) => {
      if (file !== 'config.json') return files.open(file);
      const config = (await readModelJson(files, file)) as Record<string, unknown>;
      const endless = JSON.stringify({ ...config, eos_token_id: config.image_token_id });
      return memorySource(file, new TextEncoder().encode(endless));
    },
  };
}

const WARM_UP = 4;

async function openSession(
  model: VisionLanguageModel,
  options: DecodeOptions,
  capture: boolean,
): Promise<GenerationSession> {
  const spare = 2 * options.steps + WARM_UP + 8;
  const session = await model.createSession({
    batch: options.batch,
    capacity: options.context + spare,
    maxImageTokens: options.imageSide ** 2,
    ...(capture ? { capture: { mapLayers: 'all' as const } } : {}),
  });
  const prompt = randomPrompt(model, options);
  const sampling = (seed: number) => ({
    ...{ temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed },
    maxNewTokens: spare,
  });
  const batch = Array.from({ length: options.batch }, (_, seed) => seed);
  await session.prefill(
    batch.map(() => prompt),
    batch.map(sampling),
  );
  return session;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** One step and everything in flight: in steady state exactly one step of work. */
async function timeStep(gpu: GpuContext, session: GenerationSession): Promise<number> {
  const began = performance.now();
  await session.step();
  await gpu.fence();
  return performance.now() - began;
}

/** Tokens per second with steps in flight, by the clock. */
async function throughput(session: GenerationSession, { steps, batch }: DecodeOptions): Promise<number> {
  const began = performance.now();
  for (let step = 0; step < steps; step++) await session.step();
  return (1000 * steps * batch) / (performance.now() - began);
}

/** Decodes with capture off and on, all layers' masses and maps, step by step in turns. */
export async function measureDecode(
  gpu: GpuContext,
  files: ModelFiles,
  options: DecodeOptions,
): Promise<DecodeRow[]> {
  const model = await VisionLanguageModel.load(gpu, withoutEnd(files));
  const sessions = [
    await openSession(model, options, false),
    await openSession(model, options, true),
  ] as const;
  const [off, on] = sessions;
  for (const session of sessions) for (let i = 0; i < WARM_UP; i++) await timeStep(gpu, session);
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
  const rates = [await throughput(off, options), await throughput(on, options)] as const;
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
    dispatches: sessions[index].dispatchesPerStep,
    creations: made,
  });
  const rows = [row(0), row(1)];
  await gpu.fence();
  for (const session of sessions) session.destroy();
  model.destroy();
  return rows;
}
