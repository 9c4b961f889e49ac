// Turns pictures into the tiles that the vision tower of SmolVLM (Idefics3) reads, as patch rows. It follows the Python
// processor's Pillow path bit for bit, as image_processor.ts does.
import {
  cropEdge,
  type GridThw,
  normalisationTable,
  type PatchLayout,
  type PixelNormalisation,
  toRgb,
  writePatchRows,
} from './image_processor';
import { type PixelArray, pillowResize } from './pillow_resize';

/** Settings of the Idefics3 / SmolVLM processor, edges in pixels. */
export interface SmolImageConfig extends PixelNormalisation, Omit<PatchLayout, 'temporalPatchSize'> {
  /** Cut large pictures into tiles; else every picture is one tile. */
  readonly doImageSplitting: boolean;
  /** To which the longer edge of every picture is brought first. */
  readonly longestEdge: number;
  /** Edge of a tile, a multiple of patchSize · mergeSize. */
  readonly tileEdge: number;
}

/** Tiles of an image beside each other and above each other. */
export interface ImageSplit {
  /** 0 × 0 when the image was not split. */
  readonly rows: number;
  readonly cols: number;
}

/** Tiles of one image in reading order, the whole image as the last one when it was split. */
export interface SmolPatches extends ImageSplit {
  /** [tiles · rows · columns, 3 · patchSize²]: the patches of each tile in merge-block-major order. */
  readonly pixelValues: Float32Array;
  /** Tiles, and rows and columns of patches in each. */
  readonly gridThw: GridThw;
}

/** First resize of SmolVLM: the longer edge to `longestEdge`, the other by aspect, made even. */
function smolFirstSize(height: number, width: number, longestEdge: number): [number, number] {
  const aspect = width / height;
  const even = (n: number): number => Math.max(1, n + (n % 2));
  if (width >= height) return [even(Math.trunc(longestEdge / aspect)), longestEdge];
  return [longestEdge, even(Math.trunc(longestEdge * aspect))];
}

/** Second resize of SmolVLM: both edges up to multiples of the tile, the shorter by aspect of the longer. */
function smolTiledSize(height: number, width: number, tile: number): [number, number] {
  const aspect = width / height;
  const up = (n: number): number => Math.ceil(n / tile) * tile;
  if (width >= height) {
    const w = up(width);
    return [up(Math.trunc(w / aspect)), w];
  }
  const h = up(height);
  return [h, up(Math.trunc(h * aspect))];
}

interface CutTiles extends ImageSplit {
  readonly tiles: readonly PixelArray[];
}

/** Cuts an image as the SmolVLM processor does (Lanczos throughout). */
function cutTiles(image: PixelArray, config: SmolImageConfig): CutTiles {
  const { tileEdge: edge, longestEdge } = config;
  const rgb = toRgb(image);
  const [firstHeight, firstWidth] = smolFirstSize(rgb.height, rgb.width, longestEdge);
  let whole = pillowResize(rgb, firstWidth, firstHeight, 'lanczos');
  const tiles: PixelArray[] = [];
  let [rows, cols] = [0, 0];
  if (config.doImageSplitting) {
    const [height, width] = smolTiledSize(whole.height, whole.width, edge);
    whole = pillowResize(whole, width, height, 'lanczos');
    if (height > edge || width > edge) [rows, cols] = [height / edge, width / edge];
    for (let tile = 0; tile < rows * cols; tile++)
      tiles.push(cropEdge(whole, (tile % cols) * edge, Math.floor(tile / cols) * edge, edge));
  }
  tiles.push(pillowResize(whole, edge, edge, 'lanczos'));
  return { tiles, rows, cols };
}

/** Patch rows of one image. Throws DataError when it is malformed. */
export function processSmolImage(image: PixelArray, config: SmolImageConfig): SmolPatches {
  const { tileEdge, patchSize, mergeSize } = config;
  const { tiles, rows, cols } = cutTiles(image, config);
  const table = normalisationTable(config);
  const values = 3 * tileEdge * tileEdge;
  const pixelValues = new Float32Array(tiles.length * values);
  const layout = { patchSize, mergeSize, temporalPatchSize: 1 };
  tiles.forEach((tile, n) => {
    writePatchRows(tile, layout, table, pixelValues.subarray(n * values, (n + 1) * values));
  });
  const side = tileEdge / patchSize;
  return { pixelValues, gridThw: [tiles.length, side, side], rows, cols };
}
