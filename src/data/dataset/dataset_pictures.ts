// Looks at the pictures that rows name: type by magic bytes, size, completeness as far as a few bytes tell.
// Not a decoder: a picture that passes may still turn out to be broken when it is decoded.
// Invariant: a picture is never read whole to be checked, and a file that many rows name is checked once.

import { LookBackError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { type ImageHeader, readImageHeader } from '../image/image_header';
import type { SourceFile } from './dataset_files';
import type { ImportLimits } from './import_limits';

/** A checked picture's media type, or why it cannot be used; the reason completes "image "x.png" …". */
export type PictureCheck = { readonly type: string } | { readonly reason: string };

/** A header usually fits into the first; the last is for JPEG with large metadata. */
const HEAD_BYTES = [2048, 65_536, 1_048_576] as const;
const PNG_TAIL_BYTES = 4096;
/** Length, `IEND` and checksum of a PNG's last chunk. */
const PNG_END = [0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82];

function checkBytes(size: number, { maxImageBytes }: ImportLimits): string | null {
  if (size === 0) return 'is empty';
  if (size <= maxImageBytes) return null;
  return `has ${formatBytes(size)}; up to ${formatBytes(maxImageBytes)} are read`;
}

function checkHeader(header: ImageHeader | null, { maxImagePixels }: ImportLimits): PictureCheck {
  if (header === null) return { reason: 'is not a PNG, JPEG, GIF, WebP or BMP picture' };
  const { width, height, format } = header;
  if (width < 1 || height < 1) return { reason: `is ${width} × ${height} pixels` };
  if (width * height > maxImagePixels) {
    return {
      reason: `is ${width} × ${height} pixels; up to ${Math.round(maxImagePixels / 1e6)} megapixels are read`,
    };
  }
  return { type: `image/${format}` };
}

/** Length that the file states for itself, where its format has one. */
function statedLength(head: Uint8Array, { format }: ImageHeader): number | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (format === 'webp') return view.getUint32(4, true) + 8;
  return format === 'bmp' ? view.getUint32(2, true) : null;
}

function endsAsPng(tail: Uint8Array): boolean {
  // Some programs append their own data.
  for (let at = tail.length - PNG_END.length; at >= 0; at--) {
    if (PNG_END.every((byte, i) => tail[at + i] === byte)) return true;
  }
  return false;
}

/** Checks an encoded picture that is in memory. Never throws. */
export function checkPicture(bytes: Uint8Array, limits: ImportLimits): PictureCheck {
  const wrongSize = checkBytes(bytes.length, limits);
  if (wrongSize !== null) return { reason: wrongSize };
  const header = readImageHeader(bytes);
  if (header !== null && (statedLength(bytes, header) ?? 0) > bytes.length) return { reason: 'is cut off' };
  if (header?.format === 'png' && !endsAsPng(bytes.subarray(-PNG_TAIL_BYTES)))
    return { reason: 'is cut off' };
  return checkHeader(header, limits);
}

/** Checks a picture's first bytes, and its last where they are at hand. A file that cannot be read is a reason, too. */
export async function checkPictureFile(file: SourceFile, limits: ImportLimits): Promise<PictureCheck> {
  const wrongSize = checkBytes(file.size, limits);
  if (wrongSize !== null) return { reason: wrongSize };
  try {
    let head: Uint8Array = new Uint8Array(0);
    let header: ImageHeader | null = null;
    for (const length of HEAD_BYTES) {
      head = await file.head(length);
      header = readImageHeader(head);
      if (header !== null || head.length >= file.size || head[0] !== 0xff || head[1] !== 0xd8) break;
    }
    if (header !== null && (statedLength(head, header) ?? 0) > file.size) return { reason: 'is cut off' };
    if (header?.format === 'png') {
      const tail = head.length >= file.size ? head : await file.tail(PNG_TAIL_BYTES);
      if (tail !== null && !endsAsPng(tail.subarray(-PNG_TAIL_BYTES))) return { reason: 'is cut off' };
    }
    return checkHeader(header, limits);
  } catch (error) {
    if (error instanceof LookBackError) return { reason: `cannot be read: ${error.message}` };
    throw error;
  }
}

/** Bytes of base64 text; null when it is not base64, a reason when it is too large. */
export function decodeBase64(text: string, limits: ImportLimits): Uint8Array | { readonly reason: string } {
  // Line ends inside are allowed, hence a little slack.
  if (text.length > 1.5 * limits.maxImageBytes) {
    return { reason: `is larger than ${formatBytes(limits.maxImageBytes)}` };
  }
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return { reason: 'is not valid base64' };
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
