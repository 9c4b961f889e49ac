// Placed shapes as pixels: the ink of the colour inside, nothing outside, smooth between, and a hole in a ring. The
// drawing on a canvas is seen by the journey that composes a sheet.

import { describe, expect, it } from 'vitest';
import { nearestWord, typicalColour } from '../../../src/data/world/colour_words';
import { COLOURS, SHAPES } from '../../../src/data/world/world_words';
import { shapePixels } from '../../../src/ui/look/composer_canvas';

const SIDE = 128;
const alphaAt = (pixels: Uint8ClampedArray, x: number, y: number): number =>
  pixels[(y * SIDE + x) * 4 + 3] ?? -1;

describe('shapePixels', () => {
  it.each(SHAPES)('covers a good part of the cell with a %s and leaves its corners free', (shape) => {
    const pixels = shapePixels({ shape, colour: 'red' });
    let covered = 0;
    let partly = 0;
    for (let at = 3; at < pixels.length; at += 4) {
      covered += (pixels[at] ?? 0) / 255;
      if ((pixels[at] ?? 0) > 0 && (pixels[at] ?? 0) < 255) partly += 1;
    }
    expect(covered / SIDE ** 2).toBeGreaterThan(0.15);
    expect(covered / SIDE ** 2).toBeLessThan(0.6);
    // Edges are smooth: some pixels of the outline are covered in part.
    expect(partly).toBeGreaterThan(SIDE);
    for (const [x, y] of [
      [0, 0],
      [SIDE - 1, 0],
      [0, SIDE - 1],
      [SIDE - 1, SIDE - 1],
    ] as const) {
      expect(alphaAt(pixels, x, y)).toBe(0);
    }
  });

  it('draws a ring with a hole and a circle without one', () => {
    expect(alphaAt(shapePixels({ shape: 'ring', colour: 'blue' }), 64, 64)).toBe(0);
    expect(alphaAt(shapePixels({ shape: 'circle', colour: 'blue' }), 64, 64)).toBe(255);
  });

  it.each(COLOURS)('draws %s in a colour that is called so', (colour) => {
    const pixels = shapePixels({ shape: 'square', colour });
    const at = (64 * SIDE + 64) * 4;
    expect([...pixels.slice(at, at + 3)]).toEqual([...typicalColour(colour)]);
    expect(nearestWord(...typicalColour(colour)).word).toBe(colour);
  });
});
