// Tells whether a look back of the pocket models holds a whole scan of a 3 × 3 sheet, cell by cell.
// It reads words only: whether what the scan says is true is for the grading of the answer to find out.

import { CELL_NAMES, COLOURS, SHAPES } from '../data/world/shapes_world_scene';

const COLOUR_WORDS: ReadonlySet<string> = new Set(COLOURS);
const SHAPE_WORDS: ReadonlySet<string> = new Set(SHAPES);

/** A scan as pocket writes it, word by word: all nine cells in order, each empty or with colour, shape and mark. */
export function isScan(words: readonly string[]): boolean {
  let at = 0;
  for (const cell of CELL_NAMES) {
    if (words[at++] !== cell) return false;
    if (words[at] === '-') {
      at++;
      continue;
    }
    const [colour = '', shape = '', mark = ''] = words.slice(at, at + 3);
    if (!COLOUR_WORDS.has(colour) || !SHAPE_WORDS.has(shape) || !/^(?:x|\d+)$/.test(mark)) return false;
    at += 3;
  }
  return at === words.length;
}

/** True when a `<back>` holds a whole scan of the sheet after its opening sentence. Says nothing of its being right. */
export function isGenuineScan(back: string): boolean {
  const words = back.trim().split(/\s+/);
  const first = words.indexOf(CELL_NAMES[0]);
  return first >= 0 && isScan(words.slice(first));
}
