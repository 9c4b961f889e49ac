// Lists the problems that a cold start is built from, each with its picture: questions drawn from the built-in world, or
// the rows of a data set. Pictures are made or read only when a stage needs them.

import type { PixelArray } from '../../data/image/pillow_resize';
import { IMAGE_SIDE } from '../../data/world/grid';
import { trainingSample } from '../../data/world/split_questions';
import type { WorldSample } from '../../data/world/world_sample';
import type { ColdStartSettings } from '../../settings/cold_start_settings';
import type { ColdStartProblem } from './rollouts';

/** A problem with its picture, and what the world knows of it. */
export interface ProblemSource extends ColdStartProblem {
  /** RGB, as a model is asked about it. */
  pixels(): Promise<PixelArray>;
  /** The encoded picture, as it goes into the data set. */
  file(): Promise<Blob>;
  /** The sample of the built-in world that it is; null for a row of a data set. */
  readonly sample: (() => WorldSample) | null;
}

/** What a row of a data set gives. */
export interface ProblemRow extends Pick<ProblemSource, 'pixels' | 'file' | 'system'> {
  readonly question: string;
  readonly answer: string;
  readonly kind: string | null;
}

/** The picture of a sample of the world. */
export function worldPixels(sample: WorldSample): PixelArray {
  return { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() };
}

/**
 * A question of the world's training split.
 * @param encode makes a PNG
 */
export function worldProblem(
  questions: Pick<ColdStartSettings, 'seed' | 'textShare' | 'pictures'>,
  index: number,
  encode: (pixels: PixelArray) => Promise<Blob>,
): ProblemSource {
  const sample = (): WorldSample => trainingSample(questions, index);
  const { text, answer, wording, kind } = sample();
  const pixels = async (): Promise<PixelArray> => worldPixels(sample());
  return {
    ...{
      id: `train-${questions.seed}-${index}`,
      question: text,
      answer,
      kind: wording,
      visual: kind !== 'text',
    },
    ...{ pixels, file: async () => encode(await pixels()), sample },
  };
}

/** A row of a data set; every question counts as one about its picture. @param index from 0 */
export function rowProblem(
  { question, answer, system, kind, pixels, file }: ProblemRow,
  index: number,
): ProblemSource {
  return { id: `row-${index}`, question, answer, system, kind, visual: true, pixels, file, sample: null };
}

/** The problem without its picture. */
export function problemOf({ id, question, answer, system, kind, visual }: ProblemSource): ColdStartProblem {
  return { id, question, answer, system, kind, visual };
}
