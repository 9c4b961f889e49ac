// Judges whether a model would fit this device before it is downloaded: by a rehearsal of its own code, and by a trial
// allocation of what that takes. Where it does not fit, it names the limit and the first control that makes it fit.

import type { GpuContext } from '../../gpu/device';
import { allocates, mostTriedBytes } from '../../gpu/trial_allocation';
import { GpuError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import type { ModelSpec } from '../../model/spec';
import { defaultPrecision } from '../../model/vision_language_model';
import type { WeightPrecision } from '../../model/weight_layout';
import type { FitPart, FitRequest, ModelFit } from '../../worker/protocol/models';
import {
  type AnswerMemory,
  type AnswerSize,
  answerMemory,
  cacheBytesPerToken,
  parameterCount,
  weightBytes,
} from './model_memory';

/** What is known of a model besides its spec. */
export interface FitFacts {
  readonly downloadBytes: number;
  /** Null where the browser does not say. */
  readonly freeBytes: number | null;
}

/** Precisions from the largest to the smallest. */
const PRECISIONS = ['bf16', 'int8', 'int4'] as const satisfies readonly WeightPrecision[];
/** Bytes of the buffers in which room to spare is tried. */
const SPARE_PIECE = 2 ** 26;
const LEAST_IMAGE_TOKENS = 128;
const LEAST_CONTEXT = 512;
const PART_WORDS: Readonly<Record<FitPart['name'], string>> = {
  weights: 'weights',
  cache: 'cache',
  activations: 'working memory',
};

/** See `assessModel` of the protocol. @throws as the model's own code for settings that it does not have */
export async function judgeFit(
  gpu: GpuContext,
  spec: ModelSpec,
  request: FitRequest,
  facts: FitFacts,
): Promise<ModelFit> {
  const parameters = parameterCount(spec);
  const maxContext = spec.text.maxPositionEmbeddings;
  const context = Math.min(request.context, maxContext);
  const size: AnswerSize = {
    precision: request.precision ?? defaultPrecision(gpu, parameters),
    maxImageTokens: request.maxImageTokens,
    context,
  };
  const verdict = await judge(gpu, spec, size);
  const weights: ModelFit['weightBytes'][number][] = [];
  for (const precision of PRECISIONS) {
    const bytes = await orLimit(() => weightBytes(gpu, spec, precision));
    if (typeof bytes === 'number') weights.push({ precision, bytes });
  }
  const cache = await orLimit(async () => cacheBytesPerToken(gpu, spec, size.precision));
  const { patchSize, spatialMergeSize, positions } = spec.vision;
  return {
    ...facts,
    family: spec.modelType,
    parameters,
    ...{ precision: size.precision, context, maxContext },
    parts: verdict.memory?.parts ?? [],
    bytes: total(verdict.memory?.buffers ?? []),
    weightBytes: weights,
    cacheBytesPerToken: typeof cache === 'number' ? cache : 0,
    pixelsPerImage:
      positions?.reading === 'exact' ? null : request.maxImageTokens * (patchSize * spatialMergeSize) ** 2,
    fits: verdict.limit === null,
    tight: verdict.limit === null && verdict.memory !== null && (await isTight(gpu, verdict.memory.buffers)),
    limit: verdict.limit,
    advice: verdict.limit === null ? null : await adviceFor(gpu, spec, size),
  };
}

interface Verdict {
  readonly memory: AnswerMemory | null;
  /** Null when it fits. */
  readonly limit: string | null;
}

async function judge(gpu: GpuContext, spec: ModelSpec, size: AnswerSize): Promise<Verdict> {
  const memory = await orLimit(() => answerMemory(gpu, spec, size));
  if (memory instanceof GpuError) return { memory: null, limit: memory.message };
  if (await allocates(gpu, memory.buffers)) return { memory, limit: null };
  const parts = memory.parts.map(({ name, bytes }) => `${PART_WORDS[name]} ${formatBytes(bytes)}`);
  const [bytes, most] = [total(memory.buffers), mostTriedBytes(gpu)];
  const refused =
    bytes <= most
      ? `This device did not give ${formatBytes(bytes)} at once`
      : gpu.traits.software
        ? `It takes ${formatBytes(bytes)}; a device without a graphics card, which works in the computer’s own memory, is asked for ${formatBytes(most)} at most`
        : `It takes ${formatBytes(bytes)}, more than any device has`;
  return { memory, limit: `${refused} (${parts.join(', ')}).` };
}

/** Whether a quarter more than what fits is refused: nobody says how much memory there is, and others use it, too. */
async function isTight(gpu: GpuContext, buffers: readonly number[]): Promise<boolean> {
  const spare = total(buffers) / 4;
  const piece = Math.min(spare, gpu.traits.maxBufferBytes, SPARE_PIECE);
  const pieces = Array.from({ length: Math.ceil(spare / piece) }, () => 4 * Math.ceil(piece / 4));
  return !(await allocates(gpu, [...buffers, ...pieces]));
}

/** The error where a buffer or a kernel passes a limit of the device. */
async function orLimit<T>(run: () => Promise<T>): Promise<T | GpuError> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof GpuError && error.code === 'gpu/limit') return error;
    throw error;
  }
}

interface Candidate {
  readonly size: AnswerSize;
  readonly words: string;
}

/** Each control on its own first, from the least harmful; then all of them together. */
function* candidates(size: AnswerSize): Generator<Candidate> {
  const smaller = PRECISIONS.slice(PRECISIONS.findIndex((one) => one === size.precision) + 1);
  for (let tokens = size.maxImageTokens >> 1; tokens >= LEAST_IMAGE_TOKENS; tokens >>= 1) {
    yield { size: { ...size, maxImageTokens: tokens }, words: `Set the most image tokens to ${tokens}` };
  }
  for (let context = size.context >> 1; context >= LEAST_CONTEXT; context >>= 1) {
    yield { size: { ...size, context }, words: `Set the context to ${context} tokens` };
  }
  for (const precision of smaller) {
    yield { size: { ...size, precision }, words: `Set the precision to ${precision}` };
  }
  const precision = smaller.at(-1) ?? size.precision;
  const least = { precision, maxImageTokens: LEAST_IMAGE_TOKENS, context: LEAST_CONTEXT };
  const words = `Set the precision to ${precision}, the most image tokens to ${LEAST_IMAGE_TOKENS} and the context to ${LEAST_CONTEXT} tokens`;
  yield { size: least, words };
}

async function adviceFor(gpu: GpuContext, spec: ModelSpec, size: AnswerSize): Promise<string> {
  for (const { size: smaller, words } of candidates(size)) {
    const { memory, limit } = await judge(gpu, spec, smaller);
    if (limit === null && memory !== null) {
      return `${words}: then it takes ${formatBytes(total(memory.buffers))} and fits.`;
    }
  }
  return 'No setting makes it fit here: choose a smaller model.';
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
