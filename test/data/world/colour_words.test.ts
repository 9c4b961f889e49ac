// Checks the colour words of pixels, cells and pictures: a fact of the pixels that people agree with.

import { describe, expect, it } from 'vitest';
import {
  COLOUR_WORDS,
  type ColourWord,
  cellShares,
  countCells,
  dominantWord,
  margin,
  nearestWord,
  pixelWord,
} from '../../../src/data/world/colour_words';

/** Colours by the names that CSS gives them, and the basic colour term that belongs to each. */
const NAMED: readonly (readonly [string, ColourWord])[] = [
  ['000000', 'black'],
  ['ffffff', 'white'],
  ['f5f5f5', 'white'],
  ['808080', 'grey'],
  ['a9a9a9', 'grey'],
  ['ff0000', 'red'],
  ['8b0000', 'red'],
  ['b22222', 'red'],
  ['ff8c00', 'orange'],
  ['ffa500', 'orange'],
  ['ffff00', 'yellow'],
  ['ffd700', 'yellow'],
  ['008000', 'green'],
  ['228b22', 'green'],
  ['90ee90', 'green'],
  ['0000ff', 'blue'],
  ['000080', 'blue'],
  ['87ceeb', 'blue'],
  ['800080', 'purple'],
  ['9370db', 'purple'],
  ['ffc0cb', 'pink'],
  ['ff69b4', 'pink'],
  ['8b4513', 'brown'],
  ['d2b48c', 'brown'],
];

function channels(hex: string): [number, number, number] {
  const code = Number.parseInt(hex, 16);
  return [code >> 16, (code >> 8) & 255, code & 255];
}

/** A picture of 4×4 pixels in 2×2 cells, each of its four pixels given. */
function picture(cells: readonly (readonly string[])[]): Uint8Array {
  const pixels = new Uint8Array(4 * 4 * 3);
  cells.forEach((colours, cell) => {
    colours.forEach((hex, i) => {
      const x = (cell % 2) * 2 + (i % 2);
      const y = Math.floor(cell / 2) * 2 + Math.floor(i / 2);
      pixels.set(channels(hex), (y * 4 + x) * 3);
    });
  });
  return pixels;
}

const flat = (hex: string) => [hex, hex, hex, hex];
const [RED, BLUE, GREEN] = ['d8202a', '2050d8', '1f8a30'];

describe('colour words', () => {
  it.each(NAMED)('says of #%s that it is %s', (hex, word) => {
    expect(nearestWord(...channels(hex)).word).toBe(word);
    expect(COLOUR_WORDS[pixelWord(...channels(hex))]).toBe(word);
  });

  it('gives no word to the few colours between two words, and to all bytes of a colour the same', () => {
    const middles = Array.from({ length: 32 }, (_, i) => 8 * i + 4);
    const words = middles.flatMap((r) => middles.flatMap((g) => middles.map((b) => pixelWord(r, g, b))));
    const none = words.filter((word) => word === -1).length / words.length;
    expect(none).toBeGreaterThan(0.01);
    expect(none).toBeLessThan(0.2);
    expect(new Set(words).size).toBe(COLOUR_WORDS.length + 1);
    expect(pixelWord(248, 16, 16)).toBe(pixelWord(255, 23, 23));
  });

  it('shares a cell out to the words of its own pixels', () => {
    const shares = cellShares(
      picture([flat(RED), [RED, RED, RED, BLUE], flat(GREEN), [RED, RED, BLUE, BLUE]]),
      4,
      2,
    );
    const of = (cell: number, word: ColourWord) => shares[cell]?.[COLOUR_WORDS.indexOf(word)];
    expect([of(0, 'red'), of(1, 'red'), of(1, 'blue'), of(2, 'red'), of(3, 'blue')]).toEqual([
      1, 0.75, 0.25, 0, 0.5,
    ]);
    expect(shares.map(dominantWord)).toEqual(['red', 'red', 'green', 'red']);
    expect(shares.map((cell) => margin(cell, 'red'))).toEqual([1, 0.5, -1, 0]);
  });

  it('counts what is sure and names the cells that are unclear', () => {
    const shares = cellShares(
      picture([flat(RED), [RED, RED, RED, BLUE], flat(GREEN), [RED, RED, BLUE, BLUE]]),
      4,
      2,
    );
    expect(countCells(shares, 'red', 0.2)).toEqual({ sure: 2, unclear: [3] });
    expect(countCells(shares, 'red', 0.6)).toEqual({ sure: 1, unclear: [1, 3] });
    expect(countCells(shares, 'green', 0.2)).toEqual({ sure: 1, unclear: [] });
    expect(countCells(shares, 'pink', 0.2)).toEqual({ sure: 0, unclear: [] });
  });
});
