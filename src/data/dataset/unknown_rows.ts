// Finds the rows of a data set whose texts a model mostly reads as unknown words, and the share of such words in the whole
// set. The import, `check-data`, the Train page and `npm run train` all warn by it.

import type { UnknownWords } from '../text/unknown_words';
import { shorten } from './import_problems';

/** What unknown words are looked for in. */
export interface WordedRow {
  /** The file that holds the row, or the name of a stored set. */
  readonly file: string;
  readonly row: number;
  readonly question: string;
  readonly answer: string;
  /** Null where the row has none. */
  readonly response: string | null;
}

/** A warning about unknown words; `row` null speaks of the whole set. */
export interface UnknownWordWarning {
  readonly kind: 'unknown words';
  readonly file: string;
  readonly row: number | null;
  readonly reason: string;
}

/** Finds the words of a text that a model does not know. */
export type FindUnknownWords = (text: string) => UnknownWords;

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

/** Takes rows one by one. Linear in the texts; memory grows with the different unknown words only. */
export class UnknownRows {
  readonly #file: string;
  readonly #unknown: FindUnknownWords;
  /** Rows in which each unknown word stands. */
  readonly #words = new Map<string, number>();
  #seen = 0;
  #withUnknown = 0;
  #shares = 0;

  /** @param file names the whole set */
  constructor(file: string, unknown: FindUnknownWords) {
    [this.#file, this.#unknown] = [file, unknown];
  }

  /** Looks at a row; a warning for each of its texts that is mostly unknown. */
  take({ file, row, question, answer, response }: WordedRow): UnknownWordWarning[] {
    this.#seen += 1;
    const texts = Object.entries({ question, answer, response })
      .filter((entry): entry is [string, string] => entry[1] !== null)
      .map(([name, text]) => ({ name, ...this.#unknown(text) }));
    const words = new Set(texts.flatMap((text) => text.words));
    if (words.size === 0) return [];
    for (const word of words) this.#words.set(word, (this.#words.get(word) ?? 0) + 1);
    this.#withUnknown += 1;
    this.#shares += texts.reduce((sum, { share }) => sum + share, 0) / texts.length;
    return texts
      .filter(({ share }) => share >= MOSTLY)
      .map(({ name, share, words: found }) => {
        const reason = `${percent(share)} of the words of its ${name} are unknown to the model: ${wordList(found)}`;
        return { kind: 'unknown words', file, row, reason };
      });
  }

  /** The share over all rows taken, each text of a row weighing the same; null where every word is known. */
  summary(): UnknownWordWarning | null {
    if (this.#withUnknown === 0) return null;
    const words = [...this.#words].sort((a, b) => b[1] - a[1]).map(([word]) => word);
    const share = percent(this.#shares / this.#seen);
    const reason = `${share} of the words are unknown to the model, in ${this.#withUnknown} of ${this.#seen} rows: ${wordList(words)}`;
    return { kind: 'unknown words', file: this.#file, row: null, reason };
  }
}

/** What {@link warnOfUnknownWords} found. */
export interface UnknownWordReport {
  /** The line about the whole set first; empty where every word is known. */
  readonly warnings: readonly UnknownWordWarning[];
  /** Warnings beyond those listed. */
  readonly more: number;
}

/**
 * Looks at all rows of a set.
 * @param limit warnings about rows that are kept; the others are counted
 */
export async function warnOfUnknownWords(
  file: string,
  rows: Iterable<WordedRow> | AsyncIterable<WordedRow>,
  unknown: FindUnknownWords,
  limit: number,
): Promise<UnknownWordReport> {
  const found = new UnknownRows(file, unknown);
  const kept: UnknownWordWarning[] = [];
  let count = 0;
  for await (const row of rows) {
    const warnings = found.take(row);
    count += warnings.length;
    kept.push(...warnings.slice(0, Math.max(0, limit - kept.length)));
  }
  const summary = found.summary();
  return { warnings: summary === null ? [] : [summary, ...kept], more: count - kept.length };
}
