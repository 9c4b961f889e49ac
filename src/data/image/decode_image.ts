// Decodes pictures in the browser: PNG by our own decoder, other formats by the browser's, whose pixels are read through
// a VideoFrame. That gives what the file holds (in Chromium the very bytes of Pillow's convert("RGB")), where a canvas
// loses the colours under transparency and adds noise in browsers that guard against fingerprinting. Where there is no
// VideoFrame a canvas is read, tested for noise first.

import { DataError } from '../../lib/errors';
import type { ImageHeader } from './image_header';
import {
  type CodecPicture,
  type DecodedImage,
  decodePicture,
  dropAlpha,
  type PictureCodec,
} from './picture_decoder';
import type { PixelArray } from './pillow_resize';

/** Frames and canvases of browsers are at most this long; longer pictures are read in tiles. */
const TILE_SIDE = 4096;

const NOISE =
  'This browser alters the pixels that pages read from pictures, as a guard against fingerprinting: the model sees this ' +
  'picture with noise. A PNG file is read without it.';

function canvasContext(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new DataError('data/image', 'the browser offers no canvas to read it with');
  return context;
}

/** Whether a canvas gives back other pixels than were put into it: opaque ones of a known pattern. */
export function addsNoise(
  context: Pick<OffscreenCanvasRenderingContext2D, 'putImageData' | 'getImageData'>,
): boolean {
  const side = 32;
  const pattern = new ImageData(side, side);
  for (let i = 0; i < pattern.data.length; i++)
    pattern.data[i] = i % 4 === 3 ? 255 : (i * 37 + (i >> 5)) & 255;
  context.putImageData(pattern, 0, 0);
  const found = context.getImageData(0, 0, side, side).data;
  return found.some((value, i) => value !== pattern.data[i]);
}

/** Pixels of a tile through a VideoFrame; null where the browser has none, or gives other than RGB. */
async function readFrame(tile: ImageBitmap): Promise<CodecPicture | null> {
  if (typeof VideoFrame === 'undefined') return null;
  let frame: VideoFrame;
  try {
    frame = new VideoFrame(tile, { timestamp: 0 });
  } catch {
    return null;
  }
  try {
    const order = /^(RGB|BGR)[AX]$/.exec(frame.format ?? '')?.[1];
    const { width, height } = tile;
    if (order === undefined || frame.visibleRect?.width !== width || frame.visibleRect.height !== height)
      return null;
    const pixels = new Uint8Array(width * height * 4);
    await frame.copyTo(pixels, { layout: [{ offset: 0, stride: width * 4 }] });
    const read = dropAlpha(pixels, width, height, order === 'RGB' ? 'rgba' : 'bgra');
    return frame.format?.endsWith('X') ? { ...read, translucent: false } : read;
  } catch {
    return null;
  } finally {
    frame.close();
  }
}

function readCanvas(tile: ImageBitmap): CodecPicture {
  const { width, height } = tile;
  const noisy = addsNoise(canvasContext(32, 32));
  const context = canvasContext(width, height);
  context.drawImage(tile, 0, 0);
  const read = dropAlpha(context.getImageData(0, 0, width, height).data, width, height);
  return noisy ? { ...read, notes: [NOISE] } : read;
}

/** Reads a bitmap tile by tile, so that no more than one tile of RGBA is in memory beside the result. */
async function readBitmap(bitmap: ImageBitmap): Promise<CodecPicture> {
  const { width, height } = bitmap;
  const data = new Uint8Array(width * height * 3);
  const notes = new Set<string>();
  let translucent = false;
  for (let top = 0; top < height; top += TILE_SIDE) {
    for (let left = 0; left < width; left += TILE_SIDE) {
      const [wide, high] = [Math.min(TILE_SIDE, width - left), Math.min(TILE_SIDE, height - top)];
      const whole = wide === width && high === height;
      const tile = whole
        ? bitmap
        : await createImageBitmap(bitmap, left, top, wide, high, { premultiplyAlpha: 'none' });
      const read = (await readFrame(tile)) ?? readCanvas(tile);
      if (!whole) tile.close();
      translucent ||= read.translucent;
      for (const note of read.notes ?? []) notes.add(note);
      for (let y = 0; y < high; y++) {
        const row = read.pixels.data.subarray(y * wide * 3, (y + 1) * wide * 3);
        data.set(row, ((top + y) * width + left) * 3);
      }
    }
  }
  return { pixels: { width, height, channels: 3, data }, translucent, notes: [...notes] };
}

const decodeInBrowser: PictureCodec = async (bytes, { format }: ImageHeader) => {
  const bitmap = await createImageBitmap(new Blob([bytes], { type: `image/${format}` }), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
    imageOrientation: 'from-image',
  });
  try {
    return await readBitmap(bitmap);
  } finally {
    bitmap.close();
  }
};

/**
 * Decodes a file. EXIF orientation is applied; colour profiles and transparency are ignored, as Pillow's RGB does.
 *
 * @throws DataError `data/image` when it is not a readable picture, `data/image-size` when it is too large
 */
export async function decodeImage(file: Blob): Promise<DecodedImage> {
  return decodePicture(
    file,
    file instanceof File && file.name !== '' ? file.name : 'The file',
    decodeInBrowser,
  );
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
