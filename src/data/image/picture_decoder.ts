// Decodes a picture that somebody supplied to upright RGB, under guards of bytes, format and dimensions. PNG, GIF and
// BMP are decoded here; other formats by a codec that the page and the command lines bring. Colour profiles and
// transparency are ignored, as Pillow's convert("RGB") ignores them, and EXIF's orientation is applied. No file is
// decoded before its bytes and dimensions were checked, and every failure names the file.

import { DataError } from '../../lib/errors';
import { decodeBmp } from './bmp_decoder';
import { exifOrientation, withoutOrientation } from './exif_orientation';
import { decodeGif } from './gif_decoder';
import { type ImageHeader, isWholeJpeg } from './image_header';
import { requirePicture } from './picture_check';
import { type PixelArray, pillowResize } from './pillow_resize';
import { decodePng } from './png_decoder';

/** A decoded picture: RGB bytes, and what was simplified on the way. */
export interface DecodedImage {
  readonly pixels: PixelArray;
  /** Size as the picture is meant to be seen, before any reduction. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  readonly notes: readonly string[];
}

/** What a codec gives: RGB, whether any pixel was not opaque, and what to say about it. */
export interface CodecPicture {
  readonly pixels: PixelArray;
  readonly translucent: boolean;
  readonly notes?: readonly string[];
}

/** Decodes the first picture of a JPEG, WebP or AVIF; a JPEG or WebP says that it is upright. Rejects with any error for one that it cannot decode. */
export type PictureCodec = (bytes: Uint8Array<ArrayBuffer>, header: ImageHeader) => Promise<CodecPicture>;

/** Larger pictures are reduced: no model looks at more than a few megapixels. */
export const REDUCE_ABOVE_PIXELS = 24_000_000;

/** Size with at most `limit` pixels and the same shape, at least 1 × 1. */
export function reducedSize(width: number, height: number, limit: number): [number, number] {
  const scale = Math.sqrt(limit / (width * height));
  if (scale >= 1) return [width, height];
  return [Math.max(1, Math.floor(width * scale)), Math.max(1, Math.floor(height * scale))];
}

/** RGB of RGBA or BGRA pixels, and whether any is not opaque. */
export function dropAlpha(
  source: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  order: 'rgba' | 'bgra' = 'rgba',
): CodecPicture {
  const data = new Uint8Array(width * height * 3);
  const [red, blue] = order === 'rgba' ? [0, 2] : [2, 0];
  let translucent = false;
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = source[from + red]!;
    data[to + 1] = source[from + 1]!;
    data[to + 2] = source[from + blue]!;
    if (source[from + 3] !== 255) translucent = true;
  }
  return { pixels: { width, height, channels: 3, data }, translucent };
}

/**
 * Turns a picture upright.
 * @param orientation 1 to 8, as EXIF counts
 */
export function turnUpright(image: PixelArray, orientation: number): PixelArray {
  if (orientation === 1) return image;
  const { width, height, data } = image;
  const swaps = orientation >= 5;
  const [outWidth, outHeight] = swaps ? [height, width] : [width, height];
  // Where the stored picture runs against the upright one.
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++, to += 3) {
      const [u, v] = swaps ? [y, x] : [x, y];
      const from = ((fromBottom ? height - 1 - v : v) * width + (fromRight ? width - 1 - u : u)) * 3;
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  }
  return { width: outWidth, height: outHeight, channels: 3, data: out };
}

async function decode(
  bytes: Uint8Array<ArrayBuffer>,
  header: ImageHeader,
  codec: PictureCodec,
): Promise<CodecPicture> {
  if (header.format === 'bmp') return { pixels: decodeBmp(bytes), translucent: false };
  if (header.format === 'gif') return decodeGif(bytes);
  if (header.format === 'jpeg' && !isWholeJpeg(bytes))
    throw new DataError('data/image', 'the JPEG is cut off');
  const orientation = exifOrientation(bytes);
  // Browsers do not turn a picture that is read through a VideoFrame as they turn it for display: here it is always us.
  const found =
    header.format === 'png'
      ? decodePng(bytes)
      : await codec(orientation === 1 ? bytes : withoutOrientation(bytes), header);
  return { ...found, pixels: turnUpright(found.pixels, orientation) };
}

/**
 * Decodes a file.
 * @param name of the file, for messages
 * @throws DataError `data/image` when it is not a readable picture, `data/image-size` when it is too large
 */
export async function decodePicture(file: Blob, name: string, codec: PictureCodec): Promise<DecodedImage> {
  const header = await requirePicture(file, name);
  const notes = header.animated ? ['The picture is animated: only its first frame is used.'] : [];
  let found: CodecPicture;
  try {
    found = await decode(new Uint8Array(await file.arrayBuffer()), header, codec);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${name} cannot be decoded (${reason}): save it again as PNG or JPEG, or choose another picture.`;
    throw new DataError('data/image', message, { name }, error);
  }
  if (found.translucent) notes.push('Transparency is ignored.');
  notes.push(...(found.notes ?? []));
  const { width: sourceWidth, height: sourceHeight } = found.pixels;
  const [width, height] = reducedSize(sourceWidth, sourceHeight, REDUCE_ABOVE_PIXELS);
  if (width * height < sourceWidth * sourceHeight) {
    const sizes = `from ${sourceWidth} × ${sourceHeight} to ${width} × ${height}`;
    notes.push(`The picture was reduced ${sizes} pixels.`);
  }
  const pixels = pillowResize(found.pixels, width, height, 'bicubic');
  return { pixels, sourceWidth, sourceHeight, notes };
}
