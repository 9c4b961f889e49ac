// Finds rows that can be used and may not be meant: repeated rows and ids, answers that contradict each other or their
// response, texts that are mostly unknown to a model, columns that are left out. Each becomes a warning that a person may
// dismiss.

import { gradeAnswer } from '../../answer/answer_grading';
import { shorten } from './import_problems';
import { type LeftOutColumn, LeftOutColumns } from './row_columns';
import { type FindUnknownWords, UnknownRows, type WordedRow } from './unknown_rows';

/** What a warning is about. */
export type WarningKind = 'file' | 'duplicate' | 'id' | 'contradiction' | 'unknown words' | 'columns';

/** Something of a set that can be used, but may not be meant. */
export interface ImportWarning {
  readonly kind: WarningKind;
  readonly file: string;
  /** Line of a text, item of a JSON list, from 1; null for the whole set. */
  readonly row: number | null;
  readonly reason: string;
}

/** What of a row warnings are found from. */
export interface WarnedRow extends WordedRow {
  /** The box of the response; null where there is none. */
  readonly boxed: string | null;
  /** The row's own name; null where it has none. */
  readonly id: string | null;
  /** Its system text; null where it has none. */
  readonly system: string | null;
  /** Equal for equal pictures only. */
  readonly pictureKey: string;
  /** Columns that are not kept. */
  readonly leftOut: readonly LeftOutColumn[];
}

/** Where a row is, seen from another one. */
function placeOf({ file, row }: WarnedRow, from: WarnedRow): string {
  return file === from.file ? `row ${row}` : `row ${row} of ${shorten(file)}`;
}

/** Collects warnings row by row; the first `limit` are kept, the others counted. Linear in the rows. */
export class RowWarnings {
  readonly #limit: number;
  readonly #unknown: UnknownRows | null;
  readonly #kept: ImportWarning[] = [];
  #count = 0;
  readonly #rows = new Map<string, WarnedRow>();
  readonly #asked = new Map<string, WarnedRow>();
  readonly #columns = new LeftOutColumns();
  readonly #ids = new Map<string, WarnedRow>();

  /** @param unknown finds the words that the loaded model does not know; without it, none are looked for */
  constructor(file: string, limit: number, unknown?: FindUnknownWords) {
    this.#limit = limit;
    this.#unknown = unknown === undefined ? null : new UnknownRows(file, unknown);
  }

  /** Looks at one usable row. */
  take(row: WarnedRow): void {
    this.#repeated(row);
    this.#contradicted(row);
    this.#columns.take(row.file, row.row, row.leftOut);
    for (const warning of this.#unknown?.take(row) ?? []) this.#push(warning);
  }

  /** A warning about a whole file. */
  addFile(file: string, reason: string): void {
    this.#push({ kind: 'file', file, row: null, reason });
  }

  /**
   * The kept warnings, with a line about unknown words of the whole set and one for each column that is left out in front,
   * and how many were not kept.
   */
  result(): { readonly warnings: readonly ImportWarning[]; readonly more: number } {
    const summary = this.#unknown?.summary() ?? null;
    const columns = this.#columns.warnings().map((warning) => ({ kind: 'columns' as const, ...warning }));
    const warnings = [...(summary === null ? [] : [summary]), ...columns, ...this.#kept];
    return { warnings, more: this.#count - this.#kept.length };
  }

  #push(warning: ImportWarning): void {
    this.#count += 1;
    if (this.#kept.length < this.#limit) this.#kept.push(warning);
  }

  #warn(kind: WarningKind, { file, row }: WarnedRow, reason: string): void {
    this.#push({ kind, file, row, reason });
  }

  #repeated(row: WarnedRow): void {
    const { question, answer, response, system, pictureKey, id } = row;
    const asked = JSON.stringify([pictureKey, question, system]);
    const whole = JSON.stringify([asked, answer, response]);
    const same = this.#rows.get(whole);
    const before = this.#asked.get(asked);
    if (same !== undefined) this.#warn('duplicate', row, `is the same as ${placeOf(same, row)}`);
    else if (before !== undefined && !gradeAnswer(answer, before.answer).equal) {
      const [mine, other] = [shorten(answer, 40), shorten(before.answer, 40)];
      const reason = `asks the same of the same picture as ${placeOf(before, row)}, and expects "${mine}" instead of "${other}"`;
      this.#warn('contradiction', row, reason);
    }
    if (same === undefined) this.#rows.set(whole, row);
    if (before === undefined) this.#asked.set(asked, row);
    if (id === null) return;
    const known = this.#ids.get(id);
    if (known === undefined) this.#ids.set(id, row);
    // Rounds of one chat come from one row.
    else if (known.row !== row.row || known.file !== row.file)
      this.#warn('id', row, `has the id "${shorten(id, 40)}" of ${placeOf(known, row)}`);
  }

  #contradicted(row: WarnedRow): void {
    const { boxed, answer } = row;
    if (boxed === null || gradeAnswer(boxed, answer).equal) return;
    const reason = `its response puts "${shorten(boxed, 40)}" into the box, and its answer is "${shorten(answer, 40)}"`;
    this.#warn('contradiction', row, reason);
  }
}
