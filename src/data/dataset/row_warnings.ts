// Finds rows that can be used and may not be meant: repeated rows and ids, answers that contradict each other or their
// response, and texts that are mostly unknown to a model. Each becomes a warning that a person may dismiss.

import { gradeAnswer } from '../../answer/answer_grading';
import type { UnknownWords } from '../text/unknown_words';
import { shorten } from './import_problems';

/** What a warning is about. */
export type WarningKind = 'file' | 'duplicate' | 'id' | 'contradiction' | 'unknown words';

/** Something of a set that can be used, but may not be meant. */
export interface ImportWarning {
  readonly kind: WarningKind;
  readonly file: string;
  /** Line of a text, item of a JSON list, from 1; null for the whole set. */
  readonly row: number | null;
  readonly reason: string;
}

/** What of a row warnings are found from. */
export interface WarnedRow {
  /** The file that holds the row. */
  readonly file: string;
  readonly row: number;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** The box of the response; null where there is none. */
  readonly boxed: string | null;
  /** The row's own name; null where it has none. */
  readonly id: string | null;
  /** Equal for equal pictures only. */
  readonly pictureKey: string;
}

/** A text is listed from this share of unknown words on. */
const MOSTLY = 0.5;
const MAX_WORDS = 8;

function wordList(words: readonly string[]): string {
  const shown = words.slice(0, MAX_WORDS).map((word) => `"${shorten(word, 20)}"`);
  return `${shown.join(', ')}${words.length > MAX_WORDS ? ` and ${words.length - MAX_WORDS} more` : ''}`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** Where a row is, seen from another one. */
function placeOf({ file, row }: WarnedRow, from: WarnedRow): string {
  return file === from.file ? `row ${row}` : `row ${row} of ${shorten(file)}`;
}

/** Collects warnings row by row; the first `limit` are kept, the others counted. Linear in the rows. */
export class RowWarnings {
  readonly #file: string;
  readonly #limit: number;
  readonly #unknown: ((text: string) => UnknownWords) | undefined;
  readonly #kept: ImportWarning[] = [];
  #count = 0;
  readonly #rows = new Map<string, WarnedRow>();
  readonly #asked = new Map<string, WarnedRow>();
  readonly #ids = new Map<string, WarnedRow>();
  /** Rows in which each unknown word stands. */
  readonly #words = new Map<string, number>();
  #seen = 0;
  #withUnknown = 0;
  #shares = 0;

  /** @param unknown finds the words that the loaded model does not know; without it, none are looked for */
  constructor(file: string, limit: number, unknown?: (text: string) => UnknownWords) {
    [this.#file, this.#limit, this.#unknown] = [file, limit, unknown];
  }

  /** Looks at one usable row. */
  take(row: WarnedRow): void {
    this.#seen += 1;
    this.#repeated(row);
    this.#contradicted(row);
    this.#unknownWords(row);
  }

  /** A warning about a whole file. */
  addFile(file: string, reason: string): void {
    this.#push({ kind: 'file', file, row: null, reason });
  }

  /** The kept warnings, with a line about unknown words of the whole set in front, and how many were not kept. */
  result(): { readonly warnings: readonly ImportWarning[]; readonly more: number } {
    const warnings = [...this.#kept];
    if (this.#withUnknown > 0) {
      const words = [...this.#words].sort((a, b) => b[1] - a[1]).map(([word]) => word);
      const reason = `${percent(this.#shares / this.#seen)} of the words of questions and answers are unknown to the model, in ${this.#withUnknown} of ${this.#seen} rows: ${wordList(words)}`;
      warnings.unshift({ kind: 'unknown words', file: this.#file, row: null, reason });
    }
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
    const { question, answer, response, pictureKey, id } = row;
    const asked = JSON.stringify([pictureKey, question]);
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

  #unknownWords(row: WarnedRow): void {
    if (this.#unknown === undefined) return;
    const { question, answer } = row;
    const [asked, expected] = [this.#unknown(question), this.#unknown(answer)];
    const words = new Set([...asked.words, ...expected.words]);
    if (words.size === 0) return;
    for (const word of words) this.#words.set(word, (this.#words.get(word) ?? 0) + 1);
    this.#withUnknown += 1;
    this.#shares += (asked.share + expected.share) / 2;
    for (const [name, found] of [
      ['question', asked],
      ['answer', expected],
    ] as const) {
      if (found.share < MOSTLY) continue;
      const reason = `${percent(found.share)} of the words of its ${name} are unknown to the model: ${wordList(found.words)}`;
      this.#warn('unknown words', row, reason);
    }
  }
}
