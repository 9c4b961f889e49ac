// Lays the attention of a picture's image tokens out on the picture, where the picture was cut into tiles: each tile is a
// grid of its own over a part of it, and the last one a coarser grid over the whole.
import type { ImageSplit } from './smol_image_processor';

/**
 * Rows and columns of the grid that the tiles of a picture form together.
 * @param tile image tokens of a tile, down and across
 */
export function tiledGrid(
  { rows, cols }: ImageSplit,
  tile: readonly [number, number],
): readonly [number, number] {
  return rows === 0 ? tile : [rows * tile[0], cols * tile[1]];
}

/**
 * Mass on each cell of {@link tiledGrid}. A token of the whole image covers a block of cells and gives each an equal
 * part, so that the sum stays what it was.
 * @param masses by image token, in prompt order; empty where none were recorded
 * @returns      row-major on the grid
 */
export function tiledMap(
  masses: Float32Array,
  { rows, cols }: ImageSplit,
  [height, width]: readonly [number, number],
): Float32Array {
  if (rows === 0 || masses.length === 0) return masses;
  const [down, across] = [height / rows, width / cols];
  const size = down * across;
  return Float32Array.from({ length: height * width }, (_, cell) => {
    const [y, x] = [Math.floor(cell / width), cell % width];
    const tile = Math.floor(y / down) * cols + Math.floor(x / across);
    const own = tile * size + (y % down) * across + (x % across);
    const coarse = rows * cols * size + Math.floor(y / rows) * across + Math.floor(x / cols);
    return (masses[own] ?? 0) + (masses[coarse] ?? 0) / (rows * cols);
  });
}

/**
 * Masses of several pictures' image tokens on their grids, one picture after the other.
 * @param masses by image token, in prompt order; empty where none were recorded
 * @returns      row-major on each grid
 */
export function tiledMaps(
  masses: Float32Array,
  pictures: readonly {
    readonly imageTokens: number;
    readonly split: ImageSplit;
    readonly grid: readonly [number, number];
  }[],
): Float32Array {
  if (masses.length === 0) return masses;
  let at = 0;
  const maps = pictures.map(({ imageTokens, split, grid }) => {
    at += imageTokens;
    return tiledMap(masses.subarray(at - imageTokens, at), split, grid);
  });
  const all = new Float32Array(maps.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const map of maps) {
    all.set(map, end);
    end += map.length;
  }
  return all;
}
