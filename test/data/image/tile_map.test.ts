// Where the tokens of tiles lie on the picture.
import { describe, expect, it } from 'vitest';
import { tiledGrid, tiledMap, tiledMaps } from '../../../src/data/image/tile_map';

describe('tiledMap', () => {
  const split = { rows: 2, cols: 3 };
  const grid = tiledGrid(split, [2, 2]);

  /** Mass 1 on one image token of 2 × 3 tiles and the whole image, as [row, column, mass] of the cells that get any. */
  function cellsOf(token: number): number[][] {
    const masses = new Float32Array(7 * 4);
    masses[token] = 1;
    const map = tiledMap(masses, split, grid);
    const [height, width] = grid;
    expect(map).toHaveLength(height * width);
    return [...map.entries()].flatMap(([cell, mass]) =>
      mass > 0 ? [[Math.floor(cell / width), cell % width, mass]] : [],
    );
  }

  it('places a tile’s token in its cell of the tile’s part of the picture', () => {
    expect(cellsOf(0)).toEqual([[0, 0, 1]]);
    // Token 3 of the tile in row 0, column 2: its lower right.
    expect(cellsOf(2 * 4 + 3)).toEqual([[1, 5, 1]]);
    // Token 1 of the tile in row 1, column 0: its upper right.
    expect(cellsOf(3 * 4 + 1)).toEqual([[2, 1, 1]]);
  });

  it('spreads a token of the whole image over the block it covers', () => {
    const sixth = Math.fround(1 / 6);
    // Token 1 of the whole image: its upper right quarter, 2 rows of 3 cells.
    expect(cellsOf(6 * 4 + 1)).toEqual([
      [0, 3, sixth],
      [0, 4, sixth],
      [0, 5, sixth],
      [1, 3, sixth],
      [1, 4, sixth],
      [1, 5, sixth],
    ]);
  });

  it('leaves a map that was not recorded empty', () => {
    expect(tiledMap(new Float32Array(0), split, grid)).toHaveLength(0);
  });

  it('leaves the map of a picture that was not cut', () => {
    const masses = Float32Array.of(1, 2, 3, 4);
    expect(tiledMap(masses, { rows: 0, cols: 0 }, [2, 2])).toBe(masses);
    expect(tiledGrid({ rows: 0, cols: 0 }, [2, 3])).toEqual([2, 3]);
  });
});

describe('tiledMaps', () => {
  it('lays each picture out on its own grid, one after the other', () => {
    const whole = { imageTokens: 2, split: { rows: 0, cols: 0 }, grid: [1, 2] as const };
    const split = { rows: 1, cols: 2 };
    // Two tiles of one token each, and the whole picture as one more.
    const cut = { imageTokens: 3, split, grid: tiledGrid(split, [1, 1]) };
    const masses = Float32Array.of(1, 2, 4, 8, 16);
    expect([...tiledMaps(masses, [whole, cut])]).toEqual([1, 2, 12, 16]);
    expect([...tiledMaps(Float32Array.of(4, 8, 16, 1, 2), [cut, whole])]).toEqual([12, 16, 1, 2]);
    expect(tiledMaps(new Float32Array(0), [whole, cut])).toHaveLength(0);
  });
});
