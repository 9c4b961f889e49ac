// Counts the device memory that a model takes to answer, with nothing allocated and no weight read: it places the
// model's own weights and opens a session of its own on a device that only counts, and runs a prompt of the wanted length.

import type { GridThw } from '../../data/image/image_processor';
import { type CountedBuffer, countingGpu } from '../../gpu/counting_gpu';
import type { GpuContext } from '../../gpu/device';
import { unsharedCache } from '../../kernels/cache_shape';
import { greedy } from '../../lookback/reasoner';
import { GenerationSession } from '../../model/generation_session';
import { KvCache } from '../../model/kv_cache';
import type { PromptInput } from '../../model/prompt_packing';
import { gridTokens } from '../../model/rope_index';
import type { ModelSpec } from '../../model/spec';
import { patchWidth } from '../../model/vision_transformer';
import { cacheFormatOf, type WeightPrecision } from '../../model/weight_layout';
import { expectedShapes, LM_HEAD } from '../../model/weight_names';
import { ModelWeights } from '../../model/weights';
import { QUESTION_TOKENS } from '../../settings/generation_settings';
import { programsOf } from '../../tensor/arena_pool';
import type { FitPart } from '../../worker/protocol/models';

/** How a model is to be used. */
export interface AnswerSize {
  readonly precision: WeightPrecision;
  /** Most image tokens of a question. */
  readonly maxImageTokens: number;
  /** Tokens of a question with its answer. */
  readonly context: number;
}

/** What an answer takes at its peak. */
export interface AnswerMemory {
  readonly parts: readonly FitPart[];
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
  /** The same buffers with their labels. */
  readonly peak: readonly CountedBuffer[];
  /** Programs that share the activations, with the bytes that each needs of them. */
  readonly programs: readonly CountedBuffer[];
}

/** Elements of all weights; a tied output projection counts once. */
export function parameterCount(spec: ModelSpec): number {
  return [...expectedShapes(spec)]
    .filter(([name]) => !(spec.tieWordEmbeddings && name === LM_HEAD))
    .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Bytes that the weights take on the device in a precision. @throws GpuError `gpu/limit` */
export async function weightBytes(
  gpu: GpuContext,
  spec: ModelSpec,
  precision: WeightPrecision,
): Promise<number> {
  return (await ModelWeights.reserve(countingGpu(gpu).gpu, spec, precision)).bytes;
}

/** Bytes that the cache of one sequence takes per token, where it is long. @throws GpuError `gpu/limit` */
export function cacheBytesPerToken(gpu: GpuContext, spec: ModelSpec, precision: WeightPrecision): number {
  const tokens = 64;
  const shape = unsharedCache(1, tokens, cacheFormatOf(precision, parameterCount(spec)));
  return new KvCache(countingGpu(gpu).gpu, spec.text, shape).bytes / tokens;
}

/**
 * Rehearses an answer, its attention recorded.
 * @throws GpuError `gpu/limit` where a buffer or a kernel passes the device's limits; ArgumentError for a context that the
 * model does not have
 */
export async function answerMemory(
  gpu: GpuContext,
  spec: ModelSpec,
  size: AnswerSize,
): Promise<AnswerMemory> {
  const counting = countingGpu(gpu);
  const weights = await ModelWeights.reserve(counting.gpu, spec, size.precision);
  const { inputIds, images } = longPrompt(spec, size);
  const session = await GenerationSession.create(
    { gpu: counting.gpu, config: spec, weights },
    { batch: 1, capacity: size.context, maxImageTokens: size.maxImageTokens, capture: { mapLayers: 'all' } },
  );
  await session.prefill([{ inputIds, images }], [greedy(1)]);
  const peak = counting.peak();
  return {
    parts: partsOf(peak),
    buffers: peak.map(({ bytes }) => bytes),
    peak,
    programs: programsOf(counting.gpu),
  };
}

function partsOf(buffers: readonly CountedBuffer[]): FitPart[] {
  const bytes = { weights: 0, cache: 0, activations: 0 };
  for (const buffer of buffers) {
    const name = buffer.label.startsWith('weights')
      ? 'weights'
      : /^kv\b/.test(buffer.label)
        ? 'cache'
        : 'activations';
    bytes[name] += buffer.bytes;
  }
  return (['weights', 'cache', 'activations'] as const).map((name) => ({ name, bytes: bytes[name] }));
}

/**
 * A prompt with one picture of so many image tokens, or a few less, that leaves room for one token of an answer.
 * @param most tokens beside the picture's
 */
export function longPrompt(
  spec: ModelSpec,
  { maxImageTokens, context }: Pick<AnswerSize, 'maxImageTokens' | 'context'>,
  most = QUESTION_TOKENS,
): PromptInput {
  const gridThw = largestGrid(spec, Math.min(maxImageTokens, Math.max(1, context - 2)));
  const tokens = gridTokens(gridThw, spec.vision.spatialMergeSize);
  const [frames, rows, columns] = gridThw;
  const pixelValues = new Float32Array(frames * rows * columns * patchWidth(spec.vision));
  const words = Math.max(1, Math.min(most, context - tokens - 1));
  const word = spec.imageTokenId === 0 ? 1 : 0;
  const start = spec.visionStartTokenId ?? word;
  const inputIds = [
    start,
    ...Array<number>(tokens).fill(spec.imageTokenId),
    ...Array<number>(words - 1).fill(word),
  ];
  return { inputIds, images: [{ pixelValues, gridThw }] };
}

/** The squarest grid of patches of at most so many image tokens. */
function largestGrid({ vision }: ModelSpec, tokens: number): GridThw {
  const merge = vision.spatialMergeSize;
  if (vision.positions?.reading === 'exact') {
    // Pictures are tiles of one size.
    const { side } = vision.positions;
    return [Math.max(1, Math.floor(tokens / (side / merge) ** 2)), side, side];
  }
  const rows = Math.max(1, Math.floor(Math.sqrt(tokens)));
  return [1, rows * merge, Math.max(1, Math.floor(tokens / rows)) * merge];
}
