// What is asked about a picture, and the arithmetic that follows from what is there. Plain data and numbers; the words of
// questions are in wording.ts, the words of answers in oracle.ts.

import type { ColourWord } from './colour_words';
import { GRID_SIDE, type Line, lineCells, lineName } from './grid';
import type { Colour, Shape } from './world_words';

/** What lies in a cell: an object of a sheet, or the colour word of a photograph's cell. */
export interface CellContent {
  readonly colour: ColourWord;
  readonly shape?: Shape;
}

/** What a picture shows, cell by cell in raster order; null is an empty cell of a sheet. */
export interface PictureFacts {
  readonly kind: 'sheet' | 'photograph';
  readonly cells: readonly (CellContent | null)[];
}

/** What a question is about: objects of a sheet (a colour, a shape or both), or cells that are mostly of a colour. */
export type Selector =
  | { readonly target: 'objects'; readonly colour?: Colour; readonly shape?: Shape }
  | { readonly target: 'cells'; readonly colour: ColourWord; readonly shape?: undefined };

/** One arithmetic step on the running value. */
export interface Operation {
  readonly verb: 'add' | 'subtract';
  readonly amount: number;
}

/**
 * Kinds of questions: `count`, `take` (K less the count) and `plus` (K and the count) end in operations; `compare` asks
 * which of two rows or columns has more, `any` whether there is one; `text` ignores the picture.
 */
export const QUESTION_KINDS = ['count', 'take', 'plus', 'compare', 'any', 'text'] as const;
/** One of {@link QUESTION_KINDS}. */
export type QuestionKind = (typeof QUESTION_KINDS)[number];

/** A question, without its wording. */
export interface Question {
  readonly kind: QuestionKind;
  /** Present unless kind is `text`. */
  readonly selector?: Selector;
  /** The rows or columns that kind `compare` sets side by side. */
  readonly lines?: readonly [Line, Line];
  /** The K of kinds `take`, `plus` and `text`; else 0. */
  readonly start: number;
  /** Empty for kinds `compare` and `any`. */
  readonly operations: readonly Operation[];
}

/** The largest number that the world speaks of; the smallest is 0. */
export const LARGEST_NUMBER = 40;

/** True when the cell has every attribute that the selector names. */
export function matches(selector: Selector, cell: CellContent | null): boolean {
  if (cell === null) return false;
  if (selector.colour !== undefined && selector.colour !== cell.colour) return false;
  return selector.shape === undefined || selector.shape === cell.shape;
}

/** Number of cells that the selector names, of the whole picture or of a line. */
export function countMatches(facts: PictureFacts, selector: Selector, line?: Line): number {
  const cells = line === undefined ? facts.cells : lineCells(line).map((i) => facts.cells[i] ?? null);
  return cells.filter((cell) => matches(selector, cell)).length;
}

/** The counts that a question needs: none for `text`, one for each line of `compare`, else one. */
export function countsOf(facts: PictureFacts, question: Question): number[] {
  const { selector, lines } = question;
  if (selector === undefined) return [];
  if (lines === undefined) return [countMatches(facts, selector)];
  return lines.map((line) => countMatches(facts, selector, line));
}

/** The most that a count of the question can be. */
export function largestCount(question: Question): number {
  return question.lines === undefined ? GRID_SIDE * GRID_SIDE : GRID_SIDE;
}

/** Every value of the running total, that of the first sentence first and the result last. */
export function runningValues(question: Question, counts: readonly number[]): number[] {
  const count = counts[0] ?? 0;
  const { kind, start } = question;
  let value = kind === 'take' ? start - count : kind === 'count' || kind === 'any' ? count : start + count;
  const values = [value];
  for (const { verb, amount } of question.operations) {
    value = verb === 'add' ? value + amount : value - amount;
    values.push(value);
  }
  return values;
}

/** What belongs into `\boxed{}` when the counts are these: a number, a row or column or `same`, or `yes` or `no`. */
export function answerOf(question: Question, counts: readonly number[]): string {
  const [first = 0, second = 0] = counts;
  if (question.kind === 'any') return first > 0 ? 'yes' : 'no';
  if (question.lines !== undefined) {
    if (first === second) return 'same';
    return lineName(question.lines[first > second ? 0 : 1]);
  }
  return `${runningValues(question, counts).at(-1)}`;
}
