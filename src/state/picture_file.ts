// Reads the first bytes of a chosen file: is it a picture that a browser can decode, and how large will it be?
// Not a decoder: browsers decode. This refuses what would exhaust memory before anything is decoded.
// Invariant: never reads past the bytes given; hostile headers give null sizes or a DataError, never a crash or a hang.

import { DataError } from '../lib/errors';

/** The formats recognised by their first bytes. */
export type PictureFormat = 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp' | 'avif';

/** What a header says. Sizes are null where the format hides them deeper in the file. */
export interface PictureHeader {
  readonly format: PictureFormat;
  readonly width: number | null;
  readonly height: number | null;
}

/** Pixels above which a picture is refused before decoding: 64 Mi, 256 MiB once decoded. */
export const MAX_PIXELS = 64 * 1024 * 1024;
/** Bytes above which a file is refused. */
export const MAX_BYTES = 64 * 1024 * 1024;
/** How much of the file {@link readHeader} wants to see. */
export const HEADER_BYTES = 256 * 1024;

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** Start-of-frame markers of JPEG, without DHT, JPG and DAC, which share their range. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Walks JPEG markers to the frame header (ITU T.81, B.2.2); null when it lies beyond the bytes given. */
function jpegSize(view: DataView): [number, number] | null {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isStartOfFrame(marker)) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    const standalone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    at += standalone ? 2 : 2 + view.getUint16(at + 2);
  }
  return null;
}

/** Canvas size of a WebP file: VP8X, VP8L and VP8 chunks (RFC 9649). */
function webpSize(view: DataView, chunk: string): [number, number] | null {
  if (view.byteLength < 30) return null;
  const u24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (chunk === 'VP8X') return [u24(24) + 1, u24(27) + 1];
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
}

function header(format: PictureFormat, size: readonly [number, number] | null): PictureHeader {
  return { format, width: size?.[0] ?? null, height: size?.[1] ?? null };
}

/** Recognises a picture by its first bytes; null when it is none of the known formats. */
export function readHeader(bytes: Uint8Array): PictureHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes.length >= 26;
  if (bytes[0] === 0x89 && ascii(bytes, 1, 3) === 'PNG') {
    return header('png', long ? [view.getUint32(16), view.getUint32(20)] : null);
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return header('jpeg', jpegSize(view));
  if (ascii(bytes, 0, 4) === 'GIF8') {
    return header('gif', bytes.length >= 10 ? [view.getUint16(6, true), view.getUint16(8, true)] : null);
  }
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') {
    return header('webp', webpSize(view, ascii(bytes, 12, 4)));
  }
  if (ascii(bytes, 0, 2) === 'BM' && long) {
    return header('bmp', [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))]);
  }
  if (ascii(bytes, 4, 4) === 'ftyp' && ascii(bytes, 8, 3) === 'avi') return header('avif', null);
  return null;
}

/**
 * Checks a chosen file before it is decoded.
 * Throws DataError `data/empty-file`, `data/not-a-picture`, `data/picture-too-large` (file name and sizes in `data`).
 */
export async function checkPicture(file: Blob, name: string): Promise<PictureHeader> {
  if (file.size === 0) throw new DataError('data/empty-file', `${name} is empty.`, { name });
  if (file.size > MAX_BYTES) {
    throw new DataError('data/picture-too-large', `${name} has ${file.size} bytes.`, {
      name,
      bytes: file.size,
    });
  }
  const found = readHeader(new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer()));
  if (found === null) {
    throw new DataError('data/not-a-picture', `${name} is not a PNG, JPEG, WebP, GIF, BMP or AVIF file.`, {
      name,
    });
  }
  const { width, height } = found;
  if (width !== null && height !== null) {
    if (width * height > MAX_PIXELS) {
      throw new DataError('data/picture-too-large', `${name} is ${width} × ${height} pixels.`, {
        name,
        width,
        height,
      });
    }
    if (width * height === 0) {
      throw new DataError('data/not-a-picture', `${name} says that it has no pixels.`, { name });
    }
  }
  return found;
}
