// Geometry of the heatmap: cells over the right part of what is seen, for any shape of picture and grid.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canvasSize, cellAt, cellRect } from '../../../src/ui/look/heatmap';

describe('cellAt', () => {
  const shown = { grid: [2, 4], width: 40, height: 20 } as const;

  it('finds the cell under a point, whatever lies beside the picture', () => {
    // In a box of 100 × 100 the picture takes 100 × 50, from 25 below the top.
    const box = { width: 100, height: 100 };
    expect(cellAt(1, 26, box, shown)).toEqual([0, 0]);
    expect(cellAt(99, 74, box, shown)).toEqual([1, 3]);
    expect(cellAt(26, 51, box, shown)).toEqual([1, 1]);
    expect(cellAt(50, 0, box, shown)).toEqual([0, 2]);
    expect(cellAt(50, 99, box, shown)).toEqual([1, 2]);
  });
});

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

describe('canvasSize', () => {
  it('keeps the shape of what is seen, down to one pixel', () => {
    expect(canvasSize(1600, 900)).toEqual({ width: 768, height: 432 });
    expect(canvasSize(1, 1)).toEqual({ width: 768, height: 768 });
    expect(canvasSize(10_000, 1)).toEqual({ width: 768, height: 1 });
  });
});
