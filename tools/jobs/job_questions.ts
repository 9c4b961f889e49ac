// Writes the questions of a run as a job's data, in the words of its mode, each with its picture: those of GRPO in the
// order in which the run takes them, the written answers of SFT once each.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { BACK_TAGS } from '../../src/answer/look_tags';
import type { ImportedRow } from '../../src/data/dataset/dataset_import';
import { cropToSquare } from '../../src/data/image/image_processor';
import type { PixelArray } from '../../src/data/image/pillow_resize';
import { IMAGE_SIDE } from '../../src/data/world/grid';
import { trainingSample } from '../../src/data/world/split_questions';
import { ArgumentError, DataError } from '../../src/lib/errors';
import { itemAt } from '../../src/lib/invariant';
import type { PlainColumns } from '../../src/lib/plain_json';
import { askInMode, type LookBackPrompts } from '../../src/lookback/prompts';
import { cutsToSquare } from '../../src/lookback/question_prompt';
import { type ExampleSplit, exampleSplit } from '../../src/settings/held_out';
import type { RunFile } from '../../src/settings/run_file';
import { checkSplit, dealExamples, dealQuestions, ExampleOrder } from '../../src/train/example_order';
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
  /** What the row has besides. */
  readonly columns: PlainColumns;
}

/** A question with the answer to imitate. */
export interface JobExample extends JobQuestion {
  readonly response: string;
}

/** The examples of an SFT run. */
export interface JobExamples {
  readonly train: readonly JobExample[];
  /** Never trained on. */
  readonly held: readonly JobExample[];
  readonly split: ExampleSplit;
}

/** A question before its picture is written. */
interface Source {
  readonly question: string;
  readonly answer: string;
  readonly system: string | null;
  readonly columns: PlainColumns;
  pixels(): Promise<PixelArray>;
}

/** Questions beyond these are left to the next pass over the file: a job is no archive. */
const MAX_QUESTIONS = 50_000;

type Sources = { readonly count: number; at(position: number): Source };

function worldSources({ source, seed }: RunFile): Sources {
  const at = (index: number): Source => {
    const sample = trainingSample({ ...source, seed }, index);
    const pixels = async (): Promise<PixelArray> => {
      return { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() };
    };
    return { question: sample.text, answer: sample.answer, system: null, columns: {}, pixels };
  };
  return { count: Number.POSITIVE_INFINITY, at };
}

function sourceOf(row: ImportedRow): Source {
  const { question, answer, system, columns } = row;
  return { question, answer, system, columns, pixels: () => decodeRow(row) };
}

async function rowSources(path: string, signal: AbortSignal): Promise<Sources> {
  const { rows } = await usableRows(path, signal);
  const at = (index: number): Source => {
    const row = rows[index];
    if (row === undefined) throw new Error(`There is no row ${index}.`);
    return sourceOf(row);
  };
  return { count: rows.length, at };
}

/** Questions in the order of the run, at most {@link MAX_QUESTIONS}; `total` is how many the run asks. */
export function questionOrder(
  run: Pick<RunFile, 'maxSteps' | 'seed' | 'grpo' | 'evalSteps' | 'evalSize' | 'evalFile'>,
  count: number,
): { readonly positions: readonly number[]; readonly total: number } {
  const { maxSteps, seed, grpo, evalFile } = run;
  const total = maxSteps * grpo.promptsPerStep;
  const separate = evalFile !== null || !Number.isFinite(count);
  const settings = { ...run, batchSize: grpo.promptsPerStep, numTrainEpochs: 0 };
  const split = exampleSplit(count, settings, separate);
  checkSplit(count, split);
  const { train } = dealQuestions(count, split.heldOut, seed);
  const drawn = new ExampleOrder(split.train, seed).positions(0, Math.min(total, MAX_QUESTIONS));
  return { positions: train === null ? drawn : drawn.map((at) => itemAt(train, at)), total };
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
    known.set(position, await writeQuestion(sources.at(position), position, run, prompts, out));
  }
  return positions.flatMap((position) => known.get(position) ?? []);
}

/** A question in the words of the mode; its picture is written. */
async function writeQuestion(
  source: Source,
  position: number,
  { mode }: RunFile,
  prompts: LookBackPrompts,
  out: string,
): Promise<JobQuestion> {
  const pixels = await source.pixels();
  const image = `images/${position}.png`;
  await writeFile(join(out, image), encode(cutsToSquare(prompts) ? cropToSquare(pixels) : pixels));
  const { question, answer, system, columns } = source;
  return { ...askInMode(prompts, mode, question, BACK_TAGS, system), answer, image, columns };
}

/**
 * Writes the pictures of an SFT run's rows below `out/images` and returns the rows, divided as the run divides them.
 * @throws ArgumentError for the built-in world, whose written answers are sampled first; DataError for a set without any
 */
export async function writeExamples(
  run: RunFile,
  config: string,
  prompts: LookBackPrompts,
  out: string,
  signal: AbortSignal,
): Promise<JobExamples> {
  if (run.source.kind === 'shapes_world') {
    throw new ArgumentError(
      'SFT on the built-in world samples its written answers from the model: build them with "npm run cold-start", and name that set as source.file.',
    );
  }
  const path = resolve(dirname(config), run.source.file);
  const { rows } = await usableRows(path, signal);
  const written = rows.filter(({ response }) => response !== null);
  if (written.length === 0) throw new DataError('data/dataset', `${path}: no row has a written response.`);
  if (written.length < rows.length)
    log(`left out for want of a response: ${rows.length - written.length} of ${rows.length} rows`);
  const split = exampleSplit(written.length, { ...run, ...run.sft }, run.evalFile !== null);
  checkSplit(written.length, split);
  await mkdir(join(out, 'images'), { recursive: true });
  const examples: JobExample[] = [];
  for (const [position, row] of written.entries()) {
    signal.throwIfAborted();
    const question = await writeQuestion(sourceOf(row), position, run, prompts, out);
    examples.push({ ...question, response: row.response ?? '' });
  }
  const { held, train } = dealExamples(examples.length, split.heldOut, run.seed);
  const of = (positions: readonly number[]): JobExample[] => positions.map((at) => itemAt(examples, at));
  return { train: of(train), held: of(held), split };
}
