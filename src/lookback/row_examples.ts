// Makes examples out of a dataset's rows: ready once while there is room for them, and for SFT those that fit. Equal
// positions give equal examples, whether they were kept or are made again; no row is left out without being counted.

import type { PixelArray } from '../data/image/pillow_resize';
import { DataError } from '../lib/errors';
import type { ExampleSource, LabelledExample, PromptExample, StepHooks } from '../train/trainer';

/** One row of a dataset, decoded. */
export interface TrainingRow {
  readonly image: PixelArray;
  readonly question: string;
  readonly answer: string;
  /** What SFT imitates; null where the row has none. */
  readonly response: string | null;
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

/** Rows of a dataset that SFT does not train on. */
export interface LeftOutRows {
  /** Rows of the dataset. */
  readonly rows: number;
  readonly withoutResponse: number;
  /** Longer than `maxLength` tokens with their prompt. */
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

/**
 * The rows that have a response and fit. All are read once, so that the set's size is known.
 * @throws DataError `data/dataset` when there is none; the signal's reason when aborted
 */
export async function labelledRows(
  rows: PreparedRows,
  { maxLength, encode }: LabelledRowSettings,
  { onPhase, signal }: StepHooks,
): Promise<{ readonly source: ExampleSource<LabelledExample>; readonly leftOut: LeftOutRows }> {
  const usable: { readonly position: number; readonly completion: readonly number[] }[] = [];
  let [withoutResponse, tooLong] = [0, 0];
  for (let position = 0; position < rows.count; position++) {
    signal?.throwIfAborted();
    if (position % 16 === 0) onPhase?.('reading the dataset', position / rows.count);
    const { example, response } = await rows.read(position);
    const completion = response === null ? null : encode(response);
    if (completion === null) withoutResponse++;
    else if (example.prompt.inputIds.length + completion.length > maxLength) tooLong++;
    else usable.push({ position, completion });
  }
  if (usable.length === 0) {
    const message = `None of the ${rows.count} rows has a response of at most ${maxLength} tokens with its prompt: SFT needs written responses.`;
    throw new DataError('data/dataset', message, { withoutResponse, tooLong });
  }
  const read = async (index: number): Promise<LabelledExample> => {
    const found = usable[index];
    if (found === undefined) throw new DataError('data/row', `There is no example ${index}.`);
    return { ...(await rows.read(found.position)).example, completion: found.completion };
  };
  return {
    source: { count: usable.length, read },
    leftOut: { rows: rows.count, withoutResponse, tooLong, maxLength },
  };
}

/** What was left out as a sentence; null when nothing was. */
export function leftOutMessage({ rows, withoutResponse, tooLong, maxLength }: LeftOutRows): string | null {
  const reasons = [
    ...(withoutResponse > 0 ? [`${withoutResponse} without a response`] : []),
    ...(tooLong > 0 ? [`${tooLong} longer than ${maxLength} tokens with their prompt`] : []),
  ];
  if (reasons.length === 0) return null;
  return `${withoutResponse + tooLong} of the ${rows} rows are left out of this run: ${reasons.join(', ')}.`;
}
