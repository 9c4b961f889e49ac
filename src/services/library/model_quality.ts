// Measures what the precision of the loaded model costs: every weight on the device against the stored one, and the
// answers to a few questions against those of the stored weights, which need the model a second time on the device.

import type { PixelArray } from '../../data/image/pillow_resize';
import type { GpuContext } from '../../gpu/device';
import { allocates } from '../../gpu/trial_allocation';
import { GpuError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { Reasoner } from '../../lookback/reasoner';
import {
  answerAsStored,
  distanceFrom,
  type LogitDistance,
  pooledDistance,
} from '../../lookback/weight_quality';
import { openCheckpoint } from '../../model/checkpoint';
import type { ModelSpec } from '../../model/spec';
import { relativeOfMatrices, type WeightError, weightErrors } from '../../model/weight_error';
import { REASONING_MODES } from '../../settings/reasoning_modes';
import type { ModelQuality, QualityEvent, RoleError } from '../../worker/protocol/models';
import type { Loaded } from '../answers/engine';
import { answerMemory } from './model_memory';

/** What a measurement needs. */
export interface QualityParts {
  /** A picture that comes with the page, by its file name. */
  readPicture(name: string): Promise<PixelArray>;
  onProgress(event: QualityEvent): void;
}

/** The questions along whose answers precisions are compared: about a photograph, and about drawn shapes. */
const QUESTIONS = [
  { picture: 'coffee.jpg', text: 'What is in the picture?' },
  { picture: 'coffee.jpg', text: 'Describe the picture in one sentence.' },
  { picture: 'red_squares.png', text: 'How many red squares?' },
] as const;
/** Longest answer to each. */
const ANSWER_TOKENS = 32;
/** Room for one of the questions with its answer; the photograph has 600 × 400 pixels. */
const IMAGE_TOKENS = 512;
const CONTEXT = 1024;
const WORST = 5;

/**
 * Measures the loaded model.
 * @throws ModelError where the stored files cannot be read; GpuError; the signal's reason when aborted
 */
export async function measureQuality(
  loaded: Loaded<Reasoner>,
  parts: QualityParts,
  signal: AbortSignal,
): Promise<ModelQuality> {
  const { gpu, entry, files } = loaded;
  const { config, precision } = loaded.model.model;
  const { parameterCount: total } = loaded.model.model;
  const errors: WeightError[] = [];
  let done = 0;
  const onElements = (elements: number): void => {
    signal.throwIfAborted();
    done += elements;
    parts.onProgress({ type: 'qualityProgressed', phase: 'weights', done: Math.min(done, total), total });
  };
  const checkpoint = await openCheckpoint(files);
  for await (const error of weightErrors(config, checkpoint, precision, onElements))
    if (error.role !== 'vector') errors.push(error);
  const leftOut = await refusal(gpu, config);
  const compared = leftOut === null ? await compareAnswers(loaded, parts, signal) : leftOut;
  return {
    ...{ id: entry.id, precision, relative: relativeOfMatrices(errors), roles: rolesOf(errors) },
    worst: [...errors]
      .sort((a, b) => b.relative - a.relative)
      .slice(0, WORST)
      .map(({ name, format, relative }) => ({ name, format, relative })),
    logits: typeof compared === 'string' ? null : { questions: QUESTIONS.length, ...compared },
    leftOut: typeof compared === 'string' ? compared : null,
  };
}

function rolesOf(errors: readonly WeightError[]): RoleError[] {
  return (['text', 'vocabulary', 'vision'] as const).flatMap((role): RoleError[] => {
    const own = errors.filter((error) => error.role === role);
    if (own.length === 0) return [];
    const counts = new Map<WeightError['format'], number>();
    for (const { format, elements } of own) counts.set(format, (counts.get(format) ?? 0) + elements);
    const formats = [...counts].sort((a, b) => b[1] - a[1]).map(([format]) => format);
    const elements = own.reduce((sum, one) => sum + one.elements, 0);
    return [{ role, formats, elements, relative: relativeOfMatrices(own) }];
  });
}

/** Why the device does not hold the model a second time, as stored; null when it does. */
async function refusal(gpu: GpuContext, config: ModelSpec): Promise<string | null> {
  const context = Math.min(CONTEXT, config.text.maxPositionEmbeddings);
  try {
    const size = { precision: 'stored', maxImageTokens: IMAGE_TOKENS, context } as const;
    const { buffers } = await answerMemory(gpu, config, size);
    if (await allocates(gpu, buffers)) return null;
    return tooLarge(`${formatBytes(buffers.reduce((sum, bytes) => sum + bytes, 0))} more were refused`);
  } catch (error) {
    if (error instanceof GpuError && error.code === 'gpu/limit') return tooLarge(error.message);
    throw error;
  }
}

function tooLarge(why: string): string {
  return `The answers were not compared: that needs the model a second time on the device, as it is stored (${why}).`;
}

async function compareAnswers(
  { gpu, files, model }: Loaded<Reasoner>,
  { readPicture, onProgress }: QualityParts,
  signal: AbortSignal,
): Promise<LogitDistance | string> {
  const report = (done: number): void =>
    onProgress({ type: 'qualityProgressed', phase: 'answers', done, total: QUESTIONS.length });
  report(0);
  const stored = await Reasoner.load(gpu, files, { signal, precision: 'stored' }).catch((error: unknown) => {
    // What a trial allocation was given may be gone a moment later.
    if (error instanceof GpuError && error.code === 'gpu/out-of-memory') return tooLarge(error.message);
    throw error;
  });
  if (typeof stored === 'string') return stored;
  const mode = REASONING_MODES.find((one) => stored.prompts.modes[one] !== undefined) ?? 'plain';
  try {
    const distances: LogitDistance[] = [];
    for (const { picture, text } of QUESTIONS) {
      const image = await readPicture(picture);
      const asked = { image, text, mode, tokens: ANSWER_TOKENS };
      const answer = await answerAsStored(stored, asked, signal);
      distances.push(await distanceFrom(answer, model.model));
      signal.throwIfAborted();
      report(distances.length);
    }
    return pooledDistance(distances);
  } finally {
    if (!gpu.isLost()) {
      await gpu.fence();
      stored.destroy();
    }
  }
}
