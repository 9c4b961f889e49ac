// Keeps the columns of a row that are neither picture, question, answer, response nor options: plain data that a user's own
// reward reads. What is too large or no plain data is left out column by column, and told once for each column of a set.

import { formatBytes } from '../../lib/format';
import { type PlainColumns, type PlainJson, PROTOTYPE_KEY, plainJson } from '../../lib/plain_json';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';

/** Why a column of a row is left out. */
export interface LeftOutColumn {
  readonly name: string;
  readonly why: string;
}

/** The remaining columns of a row. */
export interface RemainingColumns {
  readonly columns: PlainColumns;
  readonly leftOut: readonly LeftOutColumn[];
}

const ENCODER = new TextEncoder();

/** Bytes that a column takes as JSON in UTF-8, its name included; a text that is too long anyway is only counted. */
function columnBytes(name: string, value: PlainJson, most: number): number {
  if (typeof value === 'string' && value.length > most) return name.length + value.length;
  return ENCODER.encode(JSON.stringify([name, value])).length;
}

/**
 * The columns of a row that have no other use, in the order of the table, as far as they are plain JSON and fit together
 * into `maxColumnBytes`. A column without a value is none.
 * @param used names of columns that are read as something else
 */
export function remainingColumns(
  values: ReadonlyMap<string, unknown>,
  used: ReadonlySet<string | null>,
  { maxColumnBytes }: Pick<ImportLimits, 'maxColumnBytes'>,
): RemainingColumns {
  const kept: [string, PlainJson][] = [];
  const leftOut: LeftOutColumn[] = [];
  let room = maxColumnBytes;
  for (const [name, value] of values) {
    if (used.has(name) || value === undefined) continue;
    const plain = name === PROTOTYPE_KEY ? undefined : plainJson(value);
    if (plain === undefined) {
      leftOut.push({ name, why: 'it holds more than texts, numbers, and short lists or objects of these' });
      continue;
    }
    const bytes = columnBytes(name, plain, maxColumnBytes);
    if (bytes <= room) {
      kept.push([name, plain]);
      room -= bytes;
    } else {
      const why = `it takes ${formatBytes(bytes)}, and all such columns of a row may take ${formatBytes(maxColumnBytes)}`;
      leftOut.push({ name, why });
    }
  }
  return { columns: Object.fromEntries(kept), leftOut };
}

/** Names of columns that are told apart; a hostile set may have a new one in every row. */
const MAX_NAMES = 200;

/** A warning about a column, at the first row that lacks it. */
export interface ColumnWarning {
  readonly file: string;
  readonly row: number;
  readonly reason: string;
}

/** Collects what was left out over all rows of a set. Memory grows with the different names only, up to a limit. */
export class LeftOutColumns {
  readonly #found = new Map<string, ColumnWarning & { rows: number }>();

  /** Takes what was left out of a row. */
  take(file: string, row: number, leftOut: readonly LeftOutColumn[]): void {
    for (const { name, why } of leftOut) {
      const known = this.#found.get(name);
      if (known !== undefined) known.rows += 1;
      else if (this.#found.size < MAX_NAMES) this.#found.set(name, { file, row, reason: why, rows: 1 });
    }
  }

  /** One warning for each column, in the order in which they were found. */
  warnings(): ColumnWarning[] {
    return [...this.#found].map(([name, { file, row, reason, rows }]) => {
      const others = rows === 1 ? '' : ` and from ${rows - 1} other row${rows === 2 ? '' : 's'}`;
      const what = `its column "${shorten(name, 40)}" is left out here${others}`;
      return { file, row, reason: `${what}: ${reason}` };
    });
  }
}
