// Turns pictures into the tiles that the vision tower of SmolVLM (Idefics3) reads. It follows the Python processor's
// Pillow path bit for bit, as image_processor.ts does.
import { cropEdge, normalisationTable, type PixelNormalisation, toRgb } from './image_processor';
import { type PixelArray, pillowResize } from './pillow_resize';

/** Settings of the Idefics3 / SmolVLM processor, edges in pixels. */
export interface SmolImageConfig extends PixelNormalisation {
  readonly doImageSplitting: boolean;
  readonly longestEdge: number;
  /** Edge of a tile. */
  readonly tileEdge: number;
}

/** Tiles of an image beside each other and above each other. */
export interface ImageSplit {
  /** 0 × 0 when the image was not split. */
  readonly rows: number;
  readonly cols: number;
}

/** Tiles of one image, row-major, the whole image as the last one when it was split. */
export interface SmolTiles extends ImageSplit {
  /** [count, 3, tileEdge, tileEdge] */
  readonly pixelValues: Float32Array;
  readonly count: number;
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

/** Tiles of one image as the SmolVLM processor cuts them (Lanczos throughout). */
export function processSmolImage(image: PixelArray, config: SmolImageConfig): SmolTiles {
  const { tileEdge: edge, longestEdge } = config;
  const rgb = toRgb(image);
  const [firstHeight, firstWidth] = smolFirstSize(rgb.height, rgb.width, longestEdge);
  let whole = pillowResize(rgb, firstWidth, firstHeight, 'lanczos');
  let [rows, cols] = [0, 0];
  const tiles: PixelArray[] = [];
  if (config.doImageSplitting) {
    const [height, width] = smolTiledSize(whole.height, whole.width, edge);
    whole = pillowResize(whole, width, height, 'lanczos');
    if (height > edge || width > edge) {
      [rows, cols] = [height / edge, width / edge];
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) tiles.push(cropEdge(whole, c * edge, r * edge, edge));
      }
    }
  }
  tiles.push(pillowResize(whole, edge, edge, 'lanczos'));
  const table = normalisationTable(config);
  const plane = edge * edge;
  const pixelValues = new Float32Array(tiles.length * 3 * plane);
  tiles.forEach((tile, n) => {
    for (let c = 0; c < 3; c++) {
      const values = table[c]!;
      const to = (n * 3 + c) * plane;
      for (let i = 0; i < plane; i++) pixelValues[to + i] = values[tile.data[3 * i + c]!]!;
    }
  });
  return { pixelValues, count: tiles.length, rows, cols };
}
