// Reads from a picture file's EXIF data how the picture is to be turned to stand upright: of a JPEG, a PNG and a WebP.

const APPLICATION_1 = 0xe1;
const START_OF_SCAN = 0xda;
const ORIENTATION = 0x112;
const EXIF = 'Exif\0\0';

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where the orientation tag's value lies in a TIFF block, from the block's start; null where there is none. */
function findOrientation(tiff: Uint8Array): { readonly at: number; readonly little: boolean } | null {
  if (tiff.length < 8) return null;
  const data = view(tiff);
  const little = ascii(tiff, 0, 2) === 'II';
  const entries = data.getUint32(4, little);
  if (entries + 2 > tiff.length) return null;
  const count = data.getUint16(entries, little);
  for (let i = 0; i < count; i++) {
    const at = entries + 2 + 12 * i;
    if (at + 12 > tiff.length) break;
    if (data.getUint16(at, little) === ORIENTATION) return { at: at + 8, little };
  }
  return null;
}

function jpegExif(bytes: Uint8Array): Uint8Array | null {
  const data = view(bytes);
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === START_OF_SCAN) break;
    const length = data.getUint16(at + 2);
    if (marker === APPLICATION_1 && ascii(bytes, at + 4, 6) === EXIF)
      return bytes.subarray(at + 10, at + 2 + length);
    at += 2 + Math.max(2, length);
  }
  return null;
}

/** The chunk `eXIf`, which may lie before or behind the picture's data. */
function pngExif(bytes: Uint8Array): Uint8Array | null {
  const data = view(bytes);
  for (let at = 8; at + 8 <= bytes.length; at += 12 + data.getUint32(at)) {
    const name = ascii(bytes, at + 4, 4);
    if (name === 'eXIf') return bytes.subarray(at + 8, at + 8 + data.getUint32(at));
    if (name === 'IEND') return null;
  }
  return null;
}

/** The chunk `EXIF`; some writers put the heading of a JPEG's before it. */
function webpExif(bytes: Uint8Array): Uint8Array | null {
  const data = view(bytes);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = data.getUint32(at + 4, true);
    if (ascii(bytes, at, 4) === 'EXIF') {
      const heading = ascii(bytes, at + 8, 6) === EXIF ? 6 : 0;
      return bytes.subarray(at + 8 + heading, at + 8 + length);
    }
    // Chunks are filled up to an even length.
    at += 8 + length + (length & 1);
  }
  return null;
}

/** The TIFF block of a file's EXIF data, as a view of its bytes; null where there is none. */
function exifOf(bytes: Uint8Array): Uint8Array | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegExif(bytes);
  if (bytes[0] === 0x89 && ascii(bytes, 1, 3) === 'PNG') return pngExif(bytes);
  return ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP' ? webpExif(bytes) : null;
}

/**
 * How a picture is to be turned to stand upright, 1 to 8 as EXIF counts; 1 for upright ones and for other formats.
 * Linear in the file; never throws.
 * @source EXIF 2.3, tag 0x0112; PNG 3rd edition, eXIf; WebP container specification, EXIF
 */
export function exifOrientation(bytes: Uint8Array): number {
  const exif = exifOf(bytes);
  const found = exif && findOrientation(exif);
  if (!exif || !found) return 1;
  const value = view(exif).getUint16(found.at, found.little);
  return value >= 1 && value <= 8 ? value : 1;
}

/** A copy of a JPEG or WebP that says it is upright, so that no decoder turns it. */
export function withoutOrientation(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  const exif = exifOf(copy);
  const found = exif && findOrientation(exif);
  if (exif && found) view(exif).setUint16(found.at, 1, found.little);
  return copy;
}
