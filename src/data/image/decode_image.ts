// Decodes a picture that somebody supplied, in the Worker, under guards: bytes, format, dimensions, animation.
// Not preprocessing (data/image/image_processor.ts): it hands over the file's own pixels, upright, without colour management.
// Invariant: no file, however hostile, is decoded before its size on disk and, where its header tells, its dimensions
// were checked; every failure is a DataError that says what to do.

import { DataError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { readImageHeader } from './image_header';
import type { PixelArray } from './pillow_resize';

/** A decoded picture: RGB bytes, and what was simplified on the way. */
export interface DecodedImage {
  readonly pixels: PixelArray;
  /** Size as the picture is meant to be seen, before any reduction. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  readonly notes: readonly string[];
}

/** Largest file. */
export const MAX_IMAGE_BYTES = 50_000_000;
/** Largest picture that is decoded at all. */
export const MAX_IMAGE_PIXELS = 200_000_000;
/** Larger pictures are reduced before their pixels are read: no model looks at more than a megapixel. */
export const REDUCE_ABOVE_PIXELS = 24_000_000;

const HEADER_BYTES = 1 << 16;

/** Throws DataError `data/image-size` for pictures too large to decode; `data/image` for no picture at all. */
export async function checkImageFile(file: Blob): Promise<{ readonly notes: string[] }> {
  if (file.size === 0) throw new DataError('data/image', 'The file is empty: choose a picture.');
  if (file.size > MAX_IMAGE_BYTES) {
    const message = `The file has ${formatBytes(file.size)}; pictures up to ${formatBytes(MAX_IMAGE_BYTES)} are read: make it smaller.`;
    throw new DataError('data/image-size', message, { bytes: file.size });
  }
  const header = readImageHeader(new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer()));
  if (header !== null) checkPixels(header.width, header.height);
  return { notes: header?.animated ? ['The picture is animated: only its first frame is used.'] : [] };
}

function checkPixels(width: number, height: number): void {
  if (width * height <= MAX_IMAGE_PIXELS) return;
  const megapixels = Math.round(MAX_IMAGE_PIXELS / 1e6);
  throw new DataError(
    'data/image-size',
    `The picture is ${width} × ${height} pixels; up to ${megapixels} megapixels are read: make it smaller.`,
    { width, height },
  );
}

/** Size with at most `limit` pixels and the same shape, at least 1 × 1. */
export function reducedSize(width: number, height: number, limit: number): [number, number] {
  const scale = Math.sqrt(limit / (width * height));
  if (scale >= 1) return [width, height];
  return [Math.max(1, Math.floor(width * scale)), Math.max(1, Math.floor(height * scale))];
}

async function toBitmap(source: Blob | ImageBitmap, resize: ImageBitmapOptions = {}): Promise<ImageBitmap> {
  const asStored = {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
    imageOrientation: 'from-image',
  } as const;
  try {
    return await createImageBitmap(source, { ...asStored, ...resize });
  } catch (error) {
    throw new DataError(
      'data/image',
      'The file is not a picture that this browser can read: choose a PNG, JPEG, WebP or GIF.',
      {},
      error,
    );
  }
}

/** RGB of RGBA; also whether any pixel was not opaque. */
function dropAlpha(rgba: Uint8ClampedArray, rgb: Uint8Array): boolean {
  let translucent = false;
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from] ?? 0;
    rgb[to + 1] = rgba[from + 1] ?? 0;
    rgb[to + 2] = rgba[from + 2] ?? 0;
    if (rgba[from + 3] !== 255) translucent = true;
  }
  return translucent;
}

/**
 * Decodes a file. EXIF orientation is applied; colour profiles and transparency are ignored, as Pillow's RGB does.
 *
 * @throws DataError `data/image` when it is not a readable picture, `data/image-size` when it is too large
 */
export async function decodeImage(file: Blob): Promise<DecodedImage> {
  const { notes } = await checkImageFile(file);
  let bitmap = await toBitmap(file);
  const { width: sourceWidth, height: sourceHeight } = bitmap;
  try {
    checkPixels(sourceWidth, sourceHeight);
    const [width, height] = reducedSize(sourceWidth, sourceHeight, REDUCE_ABOVE_PIXELS);
    if (width !== sourceWidth || height !== sourceHeight) {
      const whole = bitmap;
      bitmap = await toBitmap(whole, { resizeWidth: width, resizeHeight: height, resizeQuality: 'high' });
      whole.close();
      notes.push(
        `The picture was reduced from ${sourceWidth} × ${sourceHeight} to ${width} × ${height} pixels.`,
      );
    }
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null)
      throw new DataError('data/image', 'The browser offers no canvas to read the picture with.');
    context.drawImage(bitmap, 0, 0);
    const data = new Uint8Array(width * height * 3);
    if (dropAlpha(context.getImageData(0, 0, width, height).data, data)) {
      notes.push('Transparency is ignored.');
    }
    return { pixels: { width, height, channels: 3, data }, sourceWidth, sourceHeight, notes };
  } finally {
    bitmap.close();
  }
}

/** A PNG of RGB pixels, for the page to show. Throws DataError `data/image` without a canvas. */
export async function encodePng({ width, height, data }: PixelArray): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) {
    throw new DataError('data/image', 'The browser offers no canvas to draw the picture with.');
  }
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let from = 0, to = 0; to < rgba.length; from += 3, to += 4) {
    for (let channel = 0; channel < 3; channel++) rgba[to + channel] = data[from + channel] ?? 0;
  }
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
