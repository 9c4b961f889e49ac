// Says what pocket sees of any picture, as colours of cells: which questions suit it, and which answers are true. All of it
// is computed from the 64×64 pixels that the model receives.

import { cropToSquare } from '../image/image_processor';
import { type PixelArray, pillowResize } from '../image/pillow_resize';
import {
  COLOUR_WORDS,
  type ColourShares,
  type ColourWord,
  cellShares,
  countCells,
  DELTA,
  dominantWord,
  margin,
} from './colour_words';
import { CELL_NAMES, GRID_SIDE, IMAGE_SIDE, type Line, lineCells } from './grid';
import { answerOf, type Question } from './question';

/** The middle square of a picture as pocket receives it: RGB bytes [64, 64, 3]. */
export function seenPixels(image: PixelArray): Uint8Array {
  return Uint8Array.from(pillowResize(cropToSquare(image), IMAGE_SIDE, IMAGE_SIDE, 'bicubic').data);
}

/** Shares of the colour words in each cell of an RGB picture; null where it does not divide into the grid's cells. */
export function coloursOf({ data, width, height }: PixelArray): ColourShares[] | null {
  return width === height && width % GRID_SIDE === 0 ? cellShares(data, width, GRID_SIDE) : null;
}

/** Shares of the colour words in each cell that pocket sees of a picture. */
export function seenColours(image: PixelArray): ColourShares[] {
  return cellShares(seenPixels(image), IMAGE_SIDE, GRID_SIDE);
}

/** The word that each cell mostly is, in raster order; null where none leads by δ 0.2. */
export function clearCells(shares: readonly ColourShares[]): (ColourWord | null)[] {
  return shares.map((cell) => {
    const word = dominantWord(cell);
    return margin(cell, word) >= DELTA.test ? word : null;
  });
}

/** What a question's answer may be. */
export interface Truth {
  /** One where the picture decides it; all that cannot be ruled out where it does not, in order. */
  readonly answers: readonly string[];
  /** Names of the cells that leave it open. */
  readonly unclear: readonly string[];
  /** The colour that is asked for; null for questions that need no picture. */
  readonly word: ColourWord | null;
}

/** Every count from the sure cells to those and the unclear ones, of the picture or of a line. */
function possibleCounts(shares: readonly ColourShares[], word: ColourWord, delta: number, line?: Line) {
  const cells = line === undefined ? [...CELL_NAMES.keys()] : lineCells(line);
  const { sure, unclear } = countCells(
    cells.map((cell) => shares[cell] as ColourShares),
    word,
    delta,
  );
  return {
    counts: Array.from({ length: unclear.length + 1 }, (_, more) => sure + more),
    unclear: unclear.map((at) => CELL_NAMES[cells[at] as number] as string),
  };
}

/**
 * The truth about a question on cells, or on numbers alone; null for questions on drawn objects.
 * @param delta least |margin| of a cell that counts as decided
 */
export function truthOf(
  question: Question,
  shares: readonly ColourShares[],
  delta: number = DELTA.test,
): Truth | null {
  const { selector, lines } = question;
  if (selector === undefined) return { answers: [answerOf(question, [])], unclear: [], word: null };
  if (selector.target !== 'cells') return null;
  const found = (lines ?? [undefined]).map((line) => possibleCounts(shares, selector.colour, delta, line));
  const [first = [], second = [0]] = found.map(({ counts }) => counts);
  const answers = first.flatMap((p) =>
    second.map((q) => answerOf(question, lines === undefined ? [p] : [p, q])),
  );
  const unclear = found.flatMap((line) => line.unclear);
  return { answers: [...new Set(answers)], unclear, word: selector.colour };
}

/** A word that some cells are and some are not, with the number of cells that surely are and that may be. */
interface TellingWord {
  readonly word: ColourWord;
  readonly sure: number;
  readonly open: number;
}

/**
 * Words of which some cells are and some are not: those that no cell leaves open, of about four cells first; where there
 * is none, the one that the fewest leave open.
 */
function tellingWords(shares: readonly ColourShares[]): readonly TellingWord[] {
  const words = COLOUR_WORDS.map((word): TellingWord => {
    const { sure, unclear } = countCells(shares, word, DELTA.test);
    return { word, sure, open: unclear.length };
  })
    .filter(({ sure, open }) => sure + open > 0 && sure < CELL_NAMES.length)
    .sort((p, q) => p.open - q.open || Math.abs(p.sure - 4) - Math.abs(q.sure - 4));
  const clear = words.filter(({ open }) => open === 0);
  return clear.length > 0 ? clear : words.slice(0, 1);
}

/**
 * Up to three questions that suit a picture. Each has one true answer, of some cells but not all, wherever some word is
 * clear at δ 0.2. Where none is, the count is asked whose answer is the narrowest interval; of a picture of one colour, all
 * cells are. Rows and columns are not compared: pocket answers those worst.
 */
export function suggestQuestions(shares: readonly ColourShares[]): string[] {
  const words = tellingWords(shares);
  const [first, second = first] = words;
  if (first === undefined || second === undefined) {
    const everywhere = COLOUR_WORDS.find((word) => countCells(shares, word, DELTA.test).sure > 0);
    return everywhere === undefined ? [] : [`How many cells are mostly ${everywhere}?`];
  }
  if (first.open === 0) {
    return [
      `How many cells are mostly ${first.word}? Add 4.`,
      `Start with 20. Subtract the ${second.word} cells. Add 3. How many?`,
      `Are there any ${second.word} cells?`,
    ];
  }
  const count = `How many cells are mostly ${first.word}?`;
  return first.sure > 0 ? [count, `Are there any ${first.word} cells?`] : [count];
}
