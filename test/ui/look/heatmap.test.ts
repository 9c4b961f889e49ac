// Geometry of the heatmap: cells over the right part of the padded picture, for any shape of picture and grid.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellRect, NO_PADDING, paddedSize, pictureRect, squarePadding } from '../../../src/ui/look/heatmap';

describe('cellRect', () => {
  it('tiles the canvas without gaps or overlaps', () => {
    const size = fc.integer({ min: 40, max: 1000 });
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, side, side, (width, height, rows, columns) => {
        let area = 0;
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const rect = cellRect(row, column, [rows, columns], width, height);
            area += rect.width * rect.height;
            if (column > 0) {
              const left = cellRect(row, column - 1, [rows, columns], width, height);
              expect(left.x + left.width).toBe(rect.x);
            }
          }
        }
        expect(area).toBe(width * height);
      }),
      { numRuns: 30 },
    );
  });

  it('puts a cell over the pixels that its token reads', () => {
    expect(cellRect(1, 2, [3, 3], 768, 768)).toEqual({ x: 512, y: 256, width: 256, height: 256 });
    expect(cellRect(0, 15, [12, 16], 768, 576)).toEqual({ x: 720, y: 0, width: 48, height: 48 });
  });
});

describe('padding', () => {
  it('makes a landscape picture square with bars above and below', () => {
    // 200 × 100 in a square of 200: a quarter of the height on either side.
    const padding = { left: 0, right: 0, top: 0.25, bottom: 0.25 };
    const size = paddedSize(200, 100, padding);
    expect(size).toEqual({ width: 768, height: 768 });
    expect(pictureRect(size.width, size.height, padding)).toEqual({ x: 0, y: 192, width: 768, height: 384 });
  });

  it('makes a portrait picture square with bars left and right', () => {
    const padding = { left: 0.25, right: 0.25, top: 0, bottom: 0 };
    const size = paddedSize(100, 200, padding);
    expect(size).toEqual({ width: 768, height: 768 });
    expect(pictureRect(size.width, size.height, padding)).toEqual({ x: 192, y: 0, width: 384, height: 768 });
  });

  it('keeps the shape of an unpadded picture, down to one pixel', () => {
    expect(paddedSize(1600, 900, NO_PADDING)).toEqual({ width: 768, height: 432 });
    expect(paddedSize(1, 1, NO_PADDING)).toEqual({ width: 768, height: 768 });
    expect(paddedSize(10_000, 1, NO_PADDING)).toEqual({ width: 768, height: 1 });
  });
});

describe('squarePadding', () => {
  it('centres the picture in the longer side', () => {
    expect(squarePadding(4, 2)).toEqual({ left: -0.5, right: -0.5, top: 0, bottom: 0 });
    expect(squarePadding(1, 4)).toEqual({ left: 0, right: 0, top: -1.5, bottom: -1.5 });
    expect(squarePadding(3, 3)).toEqual({ left: 0, right: 0, top: 0, bottom: 0 });
  });
});
