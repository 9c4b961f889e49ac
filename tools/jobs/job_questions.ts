// Writes the questions of a GRPO run as a job's data: each question once with its picture, in the order in which the run
// takes them, in the words of its mode.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { cropToSquare } from '../../src/data/image/image_processor';
import type { PixelArray } from '../../src/data/image/pillow_resize';
import { IMAGE_SIDE } from '../../src/data/world/grid';
import { drawSample } from '../../src/data/world/world_sample';
import { askInMode, type LookBackPrompts } from '../../src/lookback/prompts';
import { cutsToSquare } from '../../src/lookback/question_prompt';
import type { RunFile } from '../../src/settings/run_file';
import { ExampleOrder } from '../../src/train/example_order';
import { log } from '../command_line';
import { decodeRow, usableRows } from '../dataset_rows';

/** One question as a job asks it. */
export interface JobQuestion {
  /** What the user says, the words of the mode included. */
  readonly text: string;
  /** Replaces the template's own system message. */
  readonly system?: string;
  readonly answer: string;
  /** The picture's path below the job's folder. */
  readonly image: string;
}

/** A question before its picture is written. */
interface Source {
  readonly question: string;
  readonly answer: string;
  pixels(): Promise<PixelArray>;
}

/** Questions beyond these are left to the next pass over the file: a job is no archive. */
const MAX_QUESTIONS = 50_000;

type Sources = { readonly count: number; at(position: number): Source };

function worldSources({ source, seed }: RunFile): Sources {
  const at = (index: number): Source => {
    const sample = drawSample({ split: 'train', seed, index, textShare: source.textShare });
    const pixels = async (): Promise<PixelArray> => {
      return { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() };
    };
    return { question: sample.text, answer: sample.answer, pixels };
  };
  return { count: Number.POSITIVE_INFINITY, at };
}

async function rowSources(path: string, signal: AbortSignal): Promise<Sources> {
  const { rows } = await usableRows(path, signal);
  const at = (index: number): Source => {
    const row = rows[index];
    if (row === undefined) throw new Error(`There is no row ${index}.`);
    return { question: row.question, answer: row.answer, pixels: () => decodeRow(row) };
  };
  return { count: rows.length, at };
}

/** Questions in the order of the run, at most {@link MAX_QUESTIONS}; `total` is how many the run asks. */
export function questionOrder(
  { maxSteps, seed, grpo }: Pick<RunFile, 'maxSteps' | 'seed' | 'grpo'>,
  count: number,
): { readonly positions: readonly number[]; readonly total: number } {
  const total = maxSteps * grpo.promptsPerStep;
  const order = new ExampleOrder(count, seed);
  return { positions: order.positions(0, Math.min(total, MAX_QUESTIONS)), total };
}

/**
 * Writes the pictures below `out/images` and returns the questions in the run's order.
 * @param config path of the run's configuration, from which its files count
 * @throws DataError for a set that cannot be read
 */
export async function writeQuestions(
  run: RunFile,
  config: string,
  prompts: LookBackPrompts,
  out: string,
  signal: AbortSignal,
): Promise<readonly JobQuestion[]> {
  const sources =
    run.source.kind === 'shapes_world'
      ? worldSources(run)
      : await rowSources(resolve(dirname(config), run.source.file), signal);
  const { positions, total } = questionOrder(run, sources.count);
  if (positions.length < total) {
    log(`The run asks ${total} questions; the job holds the first ${positions.length} and repeats them.`);
  }
  await mkdir(join(out, 'images'), { recursive: true });
  const known = new Map<number, JobQuestion>();
  for (const position of new Set(positions)) {
    signal.throwIfAborted();
    const source = sources.at(position);
    const pixels = await source.pixels();
    const image = `images/${position}.png`;
    await writeFile(join(out, image), encode(cutsToSquare(prompts) ? cropToSquare(pixels) : pixels));
    known.set(position, { ...askInMode(prompts, run.mode, source.question), answer: source.answer, image });
  }
  return positions.flatMap((position) => known.get(position) ?? []);
}
