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

/** Pixels of an image. */
type ImageSize = Pick<PixelArray, 'height' | 'width'>;

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

/** Sizes [height, width] through which an image goes, and the tiles it ends as. */
interface SmolSizes extends ImageSplit {
  readonly first: readonly [number, number];
  /** Null where images are not split. */
  readonly tiled: readonly [number, number] | null;
}

function smolSizes({ height, width }: ImageSize, config: SmolImageConfig): SmolSizes {
  const { tileEdge: edge } = config;
  const first = smolFirstSize(height, width, config.longestEdge);
  if (!config.doImageSplitting) return { first, tiled: null, rows: 0, cols: 0 };
  const tiled = smolTiledSize(...first, edge);
  const split = Math.max(...tiled) > edge;
  return { first, tiled, rows: split ? tiled[0] / edge : 0, cols: split ? tiled[1] / edge : 0 };
}

/** Cuts an image as the SmolVLM processor does (Lanczos throughout). */
function cutTiles(image: PixelArray, config: SmolImageConfig, sizes: SmolSizes): PixelArray[] {
  const { tileEdge: edge } = config;
  const { first, tiled, rows, cols } = sizes;
  let whole = pillowResize(toRgb(image), first[1], first[0], 'lanczos');
  if (tiled) whole = pillowResize(whole, tiled[1], tiled[0], 'lanczos');
  const tiles = Array.from({ length: rows * cols }, (_, tile) =>
    cropEdge(whole, (tile % cols) * edge, Math.floor(tile / cols) * edge, edge),
  );
  return [...tiles, pillowResize(whole, edge, edge, 'lanczos')];
}

/**
 * Settings under which an image has at most so many image tokens: the longer edge is a smaller number of tiles, as
 * transformers advises, down to the image as one tile, which is never less.
 */
export function withinTokens(size: ImageSize, config: SmolImageConfig, maxTokens: number): SmolImageConfig {
  const { tileEdge, patchSize, mergeSize, longestEdge } = config;
  const perTile = (tileEdge / patchSize / mergeSize) ** 2;
  const fits = (edge: number): boolean => {
    const { rows, cols } = smolSizes(size, { ...config, longestEdge: edge });
    return (rows * cols + 1) * perTile <= maxTokens;
  };
  if (fits(longestEdge)) return config;
  let edge = Math.ceil(longestEdge / tileEdge - 1) * tileEdge;
  while (edge > tileEdge && !fits(edge)) edge -= tileEdge;
  return { ...config, longestEdge: Math.max(tileEdge, edge) };
}

/** Patch rows of one image. Throws DataError when it is malformed. */
export function processSmolImage(image: PixelArray, config: SmolImageConfig): SmolPatches {
  const { tileEdge, patchSize, mergeSize } = config;
  const sizes = smolSizes(image, config);
  const tiles = cutTiles(image, config, sizes);
  const table = normalisationTable(config);
  const values = 3 * tileEdge * tileEdge;
  const pixelValues = new Float32Array(tiles.length * values);
  const layout = { patchSize, mergeSize, temporalPatchSize: 1 };
  tiles.forEach((tile, n) => {
    writePatchRows(tile, layout, table, pixelValues.subarray(n * values, (n + 1) * values));
  });
  const side = tileEdge / patchSize;
  return { pixelValues, gridThw: [tiles.length, side, side], rows: sizes.rows, cols: sizes.cols };
}
