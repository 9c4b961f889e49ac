// Checks a chosen file before the page decodes it for display: is it small enough, and does it say that it is?
// Not a decoder: the browser decodes, and the engine does so again with guards of its own.
// Invariant: a file that would exhaust memory is refused by its header; one without a known header is left to the
// decoder, which refuses what is no picture.

import { readImageHeader } from '../data/image/image_header';
import { DataError } from '../lib/errors';
import { formatBytes } from '../lib/format';

/** Pixels above which a picture is refused before decoding: 64 Mi, 256 MiB once decoded. */
export const MAX_PIXELS = 64 * 1024 * 1024;
/** Bytes above which a file is refused; the engine's own limit. */
export const MAX_BYTES = 50_000_000;
const HEADER_BYTES = 64 * 1024;

/**
 * Refuses files that are empty, too large, or of no size.
 * Throws DataError `data/image` or `data/image-size`; the message names the file and says what to do.
 */
export async function checkPicture(file: Blob, name: string): Promise<void> {
  if (file.size === 0) throw new DataError('data/image', `${name} is empty: choose a picture.`, { name });
  if (file.size > MAX_BYTES) {
    const message = `${name} has ${formatBytes(file.size)}; up to ${formatBytes(MAX_BYTES)} are read: make it smaller.`;
    throw new DataError('data/image-size', message, { name, bytes: file.size });
  }
  const header = readImageHeader(new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer()));
  if (header === null) return;
  const { width, height } = header;
  if (width * height > MAX_PIXELS) {
    const megapixels = Math.round(MAX_PIXELS / 1e6);
    const message = `${name} is ${width} × ${height} pixels; up to ${megapixels} megapixels are read: make it smaller.`;
    throw new DataError('data/image-size', message, { name, width, height });
  }
  if (width * height === 0) {
    throw new DataError('data/image', `${name} says that it has no pixels: choose another picture.`, {
      name,
    });
  }
}
