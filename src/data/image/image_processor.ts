// Turns pictures into the rows that the vision towers of the Qwen family read: smart resize, patch rows. It follows the
// Python processor's Pillow path bit for bit: RGB by dropping alpha, 8-bit resize, f32 normalisation. The same bytes give
// the same floats on every machine.
import { DataError } from '../../lib/errors';
import { type PixelArray, pillowResize } from './pillow_resize';
import { squareCrop } from './square_crop';

/** [t, h, w] of an image in patches; t is 1 for a still image. */
export type GridThw = readonly [number, number, number];

/** How bytes become floats. */
export interface PixelNormalisation {
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
  readonly rescaleFactor: number;
}

/** How a picture is cut into the rows of a vision tower. */
export interface PatchLayout {
  /** Edge of a patch, pixels. */
  readonly patchSize: number;
  /** Frames of a patch: a still picture is repeated. */
  readonly temporalPatchSize: number;
  /** Patches per merged token along each axis. */
  readonly mergeSize: number;
}

/** Settings of the Qwen family's processor; pixel counts bound the resized area. */
export interface QwenImageConfig extends PixelNormalisation, PatchLayout {
  readonly minPixels: number;
  readonly maxPixels: number;
}

/** Patch rows of all images of a prompt. */
export interface QwenPatches {
  /** [patches, rowLength] row-major; images one after the other. */
  readonly pixelValues: Float32Array;
  /** Columns of a row: 3 · temporalPatchSize · patchSize². */
  readonly rowLength: number;
  readonly gridThw: readonly GridThw[];
  /** The images as resized, RGB, before normalisation. */
  readonly resized: readonly PixelArray[];
}

const MAX_ASPECT = 200;

/** Rounds to the nearest integer, halves to even, as Python's round does (Math.round would give 5 for 4.5). */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The size [height, width] to which the Qwen processors resize: both multiples of `factor`, area within the pixel
 * limits, aspect kept as well as possible. Throws DataError `data/image-aspect` above an aspect ratio of 200.
 */
export function smartResize(
  height: number,
  width: number,
  factor: number,
  minPixels: number,
  maxPixels: number,
): [number, number] {
  const aspect = Math.max(height, width) / Math.min(height, width);
  if (!(aspect <= MAX_ASPECT)) {
    throw new DataError(
      'data/image-aspect',
      `the image is ${width}×${height}: its aspect ratio must not exceed ${MAX_ASPECT}, crop it first`,
      { width, height },
    );
  }
  const h = roundHalfEven(height / factor) * factor;
  const w = roundHalfEven(width / factor) * factor;
  if (h * w > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    return [
      Math.max(factor, Math.floor(height / beta / factor) * factor),
      Math.max(factor, Math.floor(width / beta / factor) * factor),
    ];
  }
  if (h * w < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return [Math.ceil((height * beta) / factor) * factor, Math.ceil((width * beta) / factor) * factor];
  }
  return [h, w];
}

/**
 * Size [height, width] to which Look-Back's own evaluation resizes before the processor does: area brought into
 * 512² … 10⁶ pixels, edges truncated (official repository, eval/utils/processing.py).
 */
export function lookBackEvalSize(height: number, width: number): [number, number] {
  let [h, w] = [height, width];
  const scale = (limit: number): void => {
    const factor = Math.sqrt(limit / (w * h));
    [w, h] = [Math.trunc(w * factor), Math.trunc(h * factor)];
  };
  if (w * h > 1_000_000) scale(1_000_000);
  if (w * h < 512 * 512) scale(512 * 512);
  return [h, w];
}

/**
 * Three channels from 1 (replicated), 2 (grey and alpha), 3 or 4 (alpha dropped, not composited, as Pillow's
 * convert("RGB")). Throws DataError `data/image-size` when bytes and size disagree.
 */
export function toRgb(image: PixelArray): PixelArray {
  const { width, height, channels, data } = image;
  const pixels = width * height;
  if (!(pixels > 0) || data.length !== pixels * channels || channels < 1 || channels > 4) {
    throw new DataError(
      'data/image-size',
      `an image of ${width}×${height}×${channels} does not fit ${data.length} bytes`,
    );
  }
  if (channels === 3) return image;
  const rgb = new Uint8Array(pixels * 3);
  const grey = channels < 3;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[channels * i + (grey ? 0 : c)]!;
  }
  return { width, height, channels: 3, data: rgb };
}

/** [channel][byte] → f32 as numpy computes it: u8·scale in f64 rounded to f32, then − mean and ÷ std in f32. */
export function normalisationTable(config: PixelNormalisation): Float32Array[] {
  return config.imageMean.map((meanValue, channel) => {
    const mean = Math.fround(meanValue);
    const std = Math.fround(config.imageStd[channel]!);
    const table = new Float32Array(256);
    for (let byte = 0; byte < 256; byte++) {
      const scaled = Math.fround(byte * config.rescaleFactor);
      table[byte] = Math.fround(scaled - mean) / std;
    }
    return table;
  });
}

/** One patch at (left, top) as columns [channel, time, y, x]; the temporal slices of a still image are copies. */
function writePatch(
  image: PixelArray,
  left: number,
  top: number,
  config: PatchLayout,
  table: readonly Float32Array[],
  out: Float32Array,
): void {
  const { patchSize: patch, temporalPatchSize: frames } = config;
  const plane = patch * patch;
  for (let c = 0; c < 3; c++) {
    const values = table[c]!;
    const first = c * frames * plane;
    for (let y = 0; y < patch; y++) {
      let from = ((top + y) * image.width + left) * 3 + c;
      for (let x = 0; x < patch; x++, from += 3) out[first + y * patch + x] = values[image.data[from]!]!;
    }
    for (let t = 1; t < frames; t++) out.copyWithin(first + t * plane, first, first + plane);
  }
}

/** Patch rows of one RGB image whose edges are multiples of patch · merge, in merge-block-major order. */
export function writePatchRows(
  image: PixelArray,
  config: PatchLayout,
  table: readonly Float32Array[],
  out: Float32Array,
): void {
  const { patchSize: patch, mergeSize: merge } = config;
  const rowLength = 3 * config.temporalPatchSize * patch * patch;
  const cellsPerRow = image.width / (patch * merge);
  const rows = out.length / rowLength;
  for (let row = 0; row < rows; row++) {
    const block = Math.floor(row / (merge * merge));
    const cell = row % (merge * merge);
    const y = Math.floor(block / cellsPerRow) * merge + Math.floor(cell / merge);
    const x = (block % cellsPerRow) * merge + (cell % merge);
    writePatch(
      image,
      x * patch,
      y * patch,
      config,
      table,
      out.subarray(row * rowLength, (row + 1) * rowLength),
    );
  }
}

/** The RGB image as the Qwen processor resizes it, before normalisation. */
export function resizeForQwen(image: PixelArray, config: QwenImageConfig): PixelArray {
  const factor = config.patchSize * config.mergeSize;
  const [height, width] = smartResize(image.height, image.width, factor, config.minPixels, config.maxPixels);
  return pillowResize(toRgb(image), width, height, 'bicubic');
}

/**
 * Patch rows of several images for the Qwen family, concatenated in order.
 * Throws DataError when an image is malformed or too elongated.
 */
export function processQwenImages(images: readonly PixelArray[], config: QwenImageConfig): QwenPatches {
  const { patchSize, temporalPatchSize } = config;
  const rowLength = 3 * temporalPatchSize * patchSize * patchSize;
  const table = normalisationTable(config);
  const resized = images.map((image) => resizeForQwen(image, config));
  const gridThw = resized.map((image): GridThw => [1, image.height / patchSize, image.width / patchSize]);
  const patches = gridThw.reduce((sum, [, h, w]) => sum + h * w, 0);
  const pixelValues = new Float32Array(patches * rowLength);
  let row = 0;
  resized.forEach((image, i) => {
    const [, h, w] = gridThw[i]!;
    writePatchRows(image, config, table, pixelValues.subarray(row * rowLength, (row + h * w) * rowLength));
    row += h * w;
  });
  return { pixelValues, rowLength, gridThw, resized };
}

/** The square of `edge` pixels at (left, top) of an RGB image. */
export function cropEdge(image: PixelArray, left: number, top: number, edge: number): PixelArray {
  const data = new Uint8Array(edge * edge * 3);
  for (let y = 0; y < edge; y++) {
    const from = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + edge * 3), y * edge * 3);
  }
  return { width: edge, height: edge, channels: 3, data };
}

/** Cuts the square of {@link squareCrop} out of a picture, as RGB. */
export function cropToSquare(image: PixelArray): PixelArray {
  const rgb = toRgb(image);
  const { left, top, side } = squareCrop(rgb.width, rgb.height);
  return rgb.width === rgb.height ? rgb : cropEdge(rgb, left, top, side);
}
