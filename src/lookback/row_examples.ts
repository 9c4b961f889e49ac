// Makes examples out of a dataset's rows: each is made ready once while there is room for it, and rows that cannot be
// used (a picture that does not decode, no response for SFT, too many tokens) are left out and counted before a run.
// Equal positions give equal examples, whether they were kept or are made again.

import type { PixelArray } from '../data/image/pillow_resize';
import { DataError } from '../lib/errors';
import type { PlainColumns } from '../lib/plain_json';
import type { HeldOutExample } from '../train/held_out_evaluation';
import type { ExampleSource, LabelledExample, PromptExample, StepHooks } from '../train/trainer';

/** One row of a dataset, decoded. */
export interface TrainingRow {
  readonly image: PixelArray;
  readonly question: string;
  readonly answer: string;
  /** What SFT imitates; null where the row has none. */
  readonly response: string | null;
  /** What the system turn says before the question; null or absent where it says nothing. */
  readonly system?: string | null;
  /** What the row has besides, for rewards; absent where it has nothing. */
  readonly columns?: PlainColumns;
}

/** Rows by position. */
export interface RowSource {
  readonly count: number;
  read(position: number): Promise<TrainingRow>;
}

/** A row with its prompt. */
export interface PreparedRow {
  readonly example: PromptExample;
  readonly response: string | null;
}

/** Rows of a dataset that a run does not train on. */
export interface LeftOutRows {
  /** Rows of the dataset. */
  readonly rows: number;
  /** Rows whose picture cannot be decoded or used by the model. */
  readonly unreadable: number;
  /** SFT: rows without a written response. */
  readonly withoutResponse: number;
  /** Longer than `maxLength` tokens: with the response for SFT, as a prompt for GRPO. */
  readonly tooLong: number;
  readonly maxLength: number;
}

/** Pixels that are kept: a few thousand small pictures or some dozens of large ones. */
const KEPT_BYTES = 2 ** 28;

/** Rows with their prompts; the same picture stays the same object while it is kept, so that its features are, too. */
export class PreparedRows {
  readonly count: number;
  readonly #rows: RowSource;
  readonly #prepare: (row: TrainingRow, position: number) => PromptExample;
  readonly #room: number;
  /** The newest use last. */
  readonly #kept = new Map<number, PreparedRow>();
  #bytes = 0;

  /** @param room bytes of pixels to keep */
  constructor(
    rows: RowSource,
    prepare: (row: TrainingRow, position: number) => PromptExample,
    room = KEPT_BYTES,
  ) {
    this.count = rows.count;
    this.#rows = rows;
    this.#prepare = prepare;
    this.#room = room;
  }

  /** Rejects as the source does, or with what its picture or its length is refused for. */
  async read(position: number): Promise<PreparedRow> {
    const known = this.#kept.get(position);
    if (known !== undefined) {
      this.#kept.delete(position);
      this.#kept.set(position, known);
      return known;
    }
    const row = await this.#rows.read(position);
    // Somebody else may have read it meanwhile.
    const other = this.#kept.get(position);
    if (other !== undefined) return other;
    const prepared = { example: this.#prepare(row, position), response: row.response };
    this.#kept.set(position, prepared);
    this.#bytes += pixelBytes(prepared);
    for (const [oldest, { example, response }] of this.#kept) {
      if (this.#bytes <= this.#room || oldest === position) break;
      this.#kept.delete(oldest);
      this.#bytes -= pixelBytes({ example, response });
    }
    return prepared;
  }
}

function pixelBytes({ example }: PreparedRow): number {
  return example.prompt.images.reduce((sum, { pixelValues }) => sum + pixelValues.byteLength, 0);
}

/** How {@link labelledRows} reads. */
export interface LabelledRowSettings {
  /** Longest example in tokens, prompt included. */
  readonly maxLength: number;
  /** Ids of a response with its end token. */
  encode(response: string): number[];
}

type LeftOutReason = 'unreadable' | 'withoutResponse' | 'tooLong';

interface UsableRow<T> {
  readonly position: number;
  readonly value: T;
}

/** Reads all rows once and sorts them by what `use` says of each. A picture that cannot be used costs its own row only. */
async function sortRows<T extends object>(
  rows: PreparedRows,
  maxLength: number,
  use: (row: PreparedRow) => T | LeftOutReason,
  { onPhase, signal }: StepHooks,
): Promise<{ readonly usable: readonly UsableRow<T>[]; readonly leftOut: LeftOutRows }> {
  const usable: UsableRow<T>[] = [];
  const counts: Record<LeftOutReason, number> = { unreadable: 0, withoutResponse: 0, tooLong: 0 };
  for (let position = 0; position < rows.count; position++) {
    signal?.throwIfAborted();
    if (position % 16 === 0) onPhase?.('reading the dataset', position / rows.count);
    let found: T | LeftOutReason;
    try {
      found = use(await rows.read(position));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      found = 'unreadable';
    }
    if (typeof found === 'string') counts[found] += 1;
    else usable.push({ position, value: found });
  }
  return { usable, leftOut: { rows: rows.count, ...counts, maxLength } };
}

function exampleAt<T>(usable: readonly UsableRow<T>[], index: number): UsableRow<T> {
  const found = usable[index];
  if (found === undefined) throw new DataError('data/row', `There is no example ${index}.`);
  return found;
}

/** Examples for a method with what was left out for it. */
export interface SortedRows<T> {
  readonly source: ExampleSource<T>;
  readonly leftOut: LeftOutRows;
}

/**
 * The rows that have a response and fit. All are read once, so that the set's size is known.
 * @throws DataError `data/dataset` when there is none; the signal's reason when aborted
 */
export async function labelledRows(
  rows: PreparedRows,
  { maxLength, encode }: LabelledRowSettings,
  hooks: StepHooks,
): Promise<SortedRows<LabelledExample>> {
  const use = ({ example, response }: PreparedRow) => {
    if (response === null) return 'withoutResponse';
    const completion: readonly number[] = encode(response);
    return example.prompt.inputIds.length + completion.length > maxLength ? 'tooLong' : { completion };
  };
  const { usable, leftOut } = await sortRows(rows, maxLength, use, hooks);
  if (usable.length === 0) {
    const message = `None of the ${rows.count} rows has a picture that can be used and a response of at most ${maxLength} tokens with its prompt: SFT needs written responses.`;
    throw new DataError('data/dataset', message, { ...leftOut });
  }
  const read = async (index: number): Promise<LabelledExample> => {
    const { position, value } = exampleAt(usable, index);
    return { ...(await rows.read(position)).example, completion: value.completion };
  };
  return { source: { count: usable.length, read }, leftOut };
}

/**
 * The rows whose prompt has at most `maxLength` tokens. All are read once, so that no row ends a run later.
 * @throws DataError `data/prompt-length` when all are longer, `data/dataset` when no picture can be used; the signal's
 * reason when aborted
 */
export async function promptRows(
  rows: PreparedRows,
  maxLength: number,
  hooks: StepHooks,
): Promise<SortedRows<PromptExample>> {
  const use = ({ example }: PreparedRow) => (example.prompt.inputIds.length > maxLength ? 'tooLong' : {});
  const { usable, leftOut } = await sortRows(rows, maxLength, use, hooks);
  if (usable.length === 0 && leftOut.tooLong > 0) {
    const message = `None of the ${rows.count} rows has a prompt of at most ${maxLength} tokens, which leave room for an answer: lower grpo.maxCompletionLength.`;
    throw new DataError('data/prompt-length', message, { ...leftOut });
  }
  if (usable.length === 0) {
    const message = `None of the ${rows.count} rows has a picture that can be used.`;
    throw new DataError('data/dataset', message, { ...leftOut });
  }
  const read = async (index: number): Promise<PromptExample> =>
    (await rows.read(exampleAt(usable, index).position)).example;
  return { source: { count: usable.length, read }, leftOut };
}

/** How {@link heldOutRows} reads. */
export interface HeldOutRowSettings {
  /** Longest prompt in tokens, so that there is room for an answer. */
  readonly room: number;
  /** Longest written answer in tokens, prompt included. */
  readonly maxLength: number;
  /** Ids of a response with its end token; null where no loss of written answers is asked for. */
  readonly encode: ((response: string) => number[]) | null;
}

/**
 * The rows that can be asked, with their written answers where they have one that fits.
 * @throws as {@link promptRows}
 */
export async function heldOutRows(
  rows: PreparedRows,
  { room, maxLength, encode }: HeldOutRowSettings,
  hooks: StepHooks,
): Promise<SortedRows<HeldOutExample>> {
  const { source, leftOut } = await promptRows(rows, room, hooks);
  const read = async (index: number): Promise<HeldOutExample> => {
    const example = await source.read(index);
    const { response } = await rows.read(example.key);
    const completion = response === null || encode === null ? null : encode(response);
    const fits = completion !== null && example.prompt.inputIds.length + completion.length <= maxLength;
    return { ...example, completion: fits ? completion : null };
  };
  return { source: { count: source.count, read }, leftOut };
}

/** What was left out as a sentence; null when nothing was. */
export function leftOutMessage(leftOut: LeftOutRows): string | null {
  const { rows, unreadable, withoutResponse, tooLong, maxLength } = leftOut;
  const reasons = [
    ...(unreadable > 0 ? [`${unreadable} with a picture that cannot be used`] : []),
    ...(withoutResponse > 0 ? [`${withoutResponse} without a response`] : []),
    ...(tooLong > 0 ? [`${tooLong} longer than ${maxLength} tokens`] : []),
  ];
  if (reasons.length === 0) return null;
  return `${unreadable + withoutResponse + tooLong} of the ${rows} rows are left out of this run: ${reasons.join(', ')}.`;
}
