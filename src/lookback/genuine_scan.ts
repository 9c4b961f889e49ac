// Tells whether a look back of the pocket models holds a whole scan, cell by cell: of the picture, or of the two rows or
// columns that a question compares. It reads words only: whether what the scan says is true is for the grading of the
// answer to find out.

import { COLOUR_WORDS } from '../data/world/colour_words';
import { CELL_NAMES, COLUMN_NAMES, type Line, lineCells, ROW_NAMES } from '../data/world/grid';
import { SHAPES } from '../data/world/world_words';

const COLOUR: ReadonlySet<string> = new Set(COLOUR_WORDS);
const SHAPE: ReadonlySet<string> = new Set(SHAPES);
const MARK = /^(?:x|\d+)$/;
const NUMBER = /^\d+$/;

/** Words after the cells that a scan visits in this order; -1 when it does not. */
function afterCells(words: readonly string[], cells: readonly number[], start: number): number {
  let at = start;
  for (const cell of cells) {
    if (words[at++] !== CELL_NAMES[cell]) return -1;
    if (words[at] === '-') {
      at++;
      continue;
    }
    if (!COLOUR.has(words[at++] ?? '')) return -1;
    if (SHAPE.has(words[at] ?? '')) at++;
    if (!MARK.test(words[at++] ?? '')) return -1;
  }
  return at;
}

function readLine(axis: string | undefined, name: string | undefined): Line | null {
  if (axis !== 'row' && axis !== 'column') return null;
  const index = (axis === 'row' ? ROW_NAMES : COLUMN_NAMES).findIndex((known) => known === name);
  return index < 0 ? null : { axis, index };
}

/**
 * A scan as pocket writes it, word by word: all cells in order, each empty or with its colour, its shape on sheets, and a
 * mark; or two lines, each named before its cells and counted after them.
 */
export function isScan(words: readonly string[]): boolean {
  if (words[0] === CELL_NAMES[0]) return afterCells(words, [...CELL_NAMES.keys()], 0) === words.length;
  let at = 0;
  for (let line = 0; line < 2; line++) {
    const found = readLine(words[at], words[at + 1]);
    if (found === null) return false;
    at = afterCells(words, lineCells(found), at + 2);
    if (at < 0 || words[at] !== 'so' || !NUMBER.test(words[at + 3] ?? '')) return false;
    const named = readLine(words[at + 1], words[at + 2]);
    if (named?.axis !== found.axis || named.index !== found.index) return false;
    at += 4;
  }
  return at === words.length;
}

/** The words of a look after its opening sentence; none where it has no such sentence. */
function scannedWords(back: string): string[] {
  const end = back.indexOf('.');
  return end < 0
    ? []
    : back
        .slice(end + 1)
        .split(/\s+/)
        .filter(Boolean);
}

/** True when a `<back>` holds a whole scan after its opening sentence. Says nothing of its being right. */
export function isGenuineScan(back: string): boolean {
  return isScan(scannedWords(back));
}

/** True when one of the looks holds a whole scan, or all together do: one look at each line that a question compares. */
export function holdGenuineScan(backs: readonly string[]): boolean {
  return backs.some(isGenuineScan) || isScan(backs.flatMap(scannedWords));
}
