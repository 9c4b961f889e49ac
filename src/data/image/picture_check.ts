// Decides from the first bytes of a file whether it is a picture that will be decoded, and says in words why not. The Look
// page, the import of data sets, the engine and the command lines all ask here, so that limits and words are the same.

import { DataError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { type ImageHeader, mediaBrands, readImageHeader } from './image_header';

/** Largest file. */
export const MAX_IMAGE_BYTES = 50_000_000;
/** Largest picture that is decoded at all: 300 MB of RGB. */
export const MAX_IMAGE_PIXELS = 100_000_000;

/** First bytes that a check reads. The last is for a JPEG whose size stands behind large profiles and previews. */
export const HEAD_BYTES = [2048, 65_536, 1_048_576, 16_777_216] as const;

/** Bounds of {@link checkPicture}. */
export interface PictureLimits {
  readonly maxImageBytes: number;
  readonly maxImagePixels: number;
}

const LIMITS: PictureLimits = { maxImageBytes: MAX_IMAGE_BYTES, maxImagePixels: MAX_IMAGE_PIXELS };

/** What a picture's head says, or why it cannot be used; the reason completes `"x.png" …`. */
export type PictureCheck =
  | { readonly header: ImageHeader }
  | { readonly reason: string; readonly code: 'data/image' | 'data/image-size' };

const SAVE_AS = 'save it as PNG or JPEG';

/** Formats that are not decoded: first bytes, `null` for any, and what to call the file. */
const OTHERS: readonly (readonly [magic: readonly (number | null)[], words: string])[] = [
  [[0x49, 0x49, 0x2a, 0x00], `is a TIFF picture: ${SAVE_AS}`],
  [[0x4d, 0x4d, 0x00, 0x2a], `is a TIFF picture: ${SAVE_AS}`],
  [[0x49, 0x49, 0x2b, 0x00], `is a TIFF picture: ${SAVE_AS}`],
  [[0x4d, 0x4d, 0x00, 0x2b], `is a TIFF picture: ${SAVE_AS}`],
  [[0x00, 0x00, 0x01, 0x00], `is an ICO icon: ${SAVE_AS}`],
  [[0x00, 0x00, 0x02, 0x00], `is a CUR cursor: ${SAVE_AS}`],
  [[0xff, 0x0a], `is a JPEG XL picture: ${SAVE_AS}`],
  [[0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20], `is a JPEG XL picture: ${SAVE_AS}`],
  [[0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20], `is a JPEG 2000 picture: ${SAVE_AS}`],
  [[0xff, 0x4f, 0xff, 0x51], `is a JPEG 2000 picture: ${SAVE_AS}`],
  [[0x38, 0x42, 0x50, 0x53], `is a Photoshop file: ${SAVE_AS}`],
  [[0x25, 0x50, 0x44, 0x46], `is a PDF: save its pages as PNG or JPEG`],
  [[0x50, 0x4b, 0x03, 0x04], 'is a zip: unpack it first'],
  [[0x1f, 0x8b], 'is compressed with gzip: unpack it first'],
  [
    [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x41, 0x56, 0x49],
    'is a video: save a frame as PNG or JPEG',
  ],
];

/** Names a file that is not decoded, by its first bytes; completes `"x.png" …`. */
export function nameOther(head: Uint8Array): string {
  const brands = mediaBrands(head);
  if (brands.some((brand) => /^(?:hei[cxms]|hev[cx]|mif1|msf1)$/.test(brand)))
    return `is a HEIC picture: ${SAVE_AS}`;
  if (brands.length > 0) return 'is a video: save a frame as PNG or JPEG';
  const found = OTHERS.find(([magic]) => magic.every((byte, i) => byte === null || byte === head[i]));
  if (found) return found[1];
  const text = new TextDecoder()
    .decode(head.subarray(0, 2048))
    .replace(/^\ufeff/, '')
    .trimStart();
  if (text.startsWith('version https://git-lfs.github.com/'))
    return 'is a Git LFS pointer, not the picture itself: run "git lfs pull" and take the file again';
  if (/^(?:<\?xml[^>]*>\s*|<!--[\s\S]*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s>]/i.test(text))
    return `is an SVG drawing: ${SAVE_AS}`;
  if (/^<(?:!doctype html|html|head|body)/i.test(text))
    return 'is a web page, not a picture: download the picture itself';
  return 'is not a PNG, JPEG, GIF, WebP, BMP or AVIF picture';
}

function refuse(reason: string, code: 'data/image' | 'data/image-size' = 'data/image'): PictureCheck {
  return { reason, code };
}

function startsLike(head: Uint8Array): string | null {
  if (head[0] === 0x89 && head[1] === 0x50) return 'PNG';
  if (head[0] === 0xff && head[1] === 0xd8) return 'JPEG';
  if (head[0] === 0x47 && head[1] === 0x49 && head[2] === 0x46 && head[3] === 0x38) return 'GIF';
  const brands = mediaBrands(head);
  if (brands.includes('avif') || brands.includes('avis')) return 'AVIF';
  return new TextDecoder().decode(head.subarray(8, 12)) === 'WEBP' ? 'WebP' : null;
}

/** Checks the first bytes of a file of `size` bytes. Never throws. */
export function checkPictureHead(
  head: Uint8Array,
  size: number,
  limits: PictureLimits = LIMITS,
): PictureCheck {
  const { maxImageBytes, maxImagePixels } = limits;
  if (size === 0) return refuse('is empty: choose a picture');
  if (size > maxImageBytes) {
    const reason = `has ${formatBytes(size)}; up to ${formatBytes(maxImageBytes)} are read: make it smaller`;
    return refuse(reason, 'data/image-size');
  }
  const header = readImageHeader(head);
  if (header === null) {
    const format = startsLike(head);
    return refuse(format === null ? nameOther(head) : `is a damaged ${format}, or one that is cut off`);
  }
  const { width, height } = header;
  if (!(width >= 1 && height >= 1)) return refuse(`is ${width} × ${height} pixels: choose another picture`);
  if (width * height > maxImagePixels) {
    const megapixels = Math.round(maxImagePixels / 1e6);
    const reason = `is ${width} × ${height} pixels; up to ${megapixels} megapixels are read: make it smaller`;
    return refuse(reason, 'data/image-size');
  }
  return { header };
}

/** Whether more of a file might tell its size: a JPEG or AVIF whose size stands behind large profiles. */
export function needsMore(head: Uint8Array, size: number): boolean {
  return (
    head.length < size &&
    ['JPEG', 'AVIF', 'PNG'].includes(startsLike(head) ?? '') &&
    readImageHeader(head) === null
  );
}

/**
 * Checks a file, reading no more of it than its size needs.
 * @param read the first `length` bytes, or all where there are fewer
 */
export async function checkPicture(
  size: number,
  read: (length: number) => Promise<Uint8Array>,
  limits: PictureLimits = LIMITS,
): Promise<PictureCheck> {
  if (size === 0 || size > limits.maxImageBytes) return checkPictureHead(new Uint8Array(0), size, limits);
  let head: Uint8Array = new Uint8Array(0);
  for (const length of HEAD_BYTES) {
    head = await read(length);
    if (!needsMore(head, size)) break;
  }
  return checkPictureHead(head, size, limits);
}

/**
 * The header of a file that will be decoded.
 * @param name of the file, for messages
 * @throws DataError `data/image`, or `data/image-size` for one that is too large
 */
export async function requirePicture(file: Blob, name: string): Promise<ImageHeader> {
  const read = async (length: number) => new Uint8Array(await file.slice(0, length).arrayBuffer());
  const check = await checkPicture(file.size, read);
  if ('header' in check) return check.header;
  throw new DataError(check.code, `${name} ${check.reason}.`, { name });
}
