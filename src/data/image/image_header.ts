// Reads format, size, animation and orientation of an encoded picture from its first bytes: what a guard must know before
// decoding. It never reads outside the bytes that it is given, and answers null where it can make no sense of them; a
// picture that passes may still turn out to be broken.

/** What the header says. */
export interface ImageHeader {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp' | 'avif';
  readonly width: number;
  readonly height: number;
  /** More than one frame, as far as the bytes at hand tell. */
  readonly animated: boolean;
}

function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readPng(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 33 || ascii(bytes, 12, 4) !== 'IHDR') return null;
  const data = view(bytes);
  let animated = false;
  // acTL, if any, comes before the first IDAT.
  for (let at = 8; at + 12 <= bytes.length; at += 12 + data.getUint32(at)) {
    const name = ascii(bytes, at + 4, 4);
    if (name === 'acTL') animated = true;
    if (name === 'IDAT') break;
  }
  return { format: 'png', width: data.getUint32(16), height: data.getUint32(20), animated };
}

/** SOF markers carry the size; C4, C8 and CC lie in their range but are tables. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readJpeg(bytes: Uint8Array): ImageHeader | null {
  const data = view(bytes);
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1] ?? 0;
    // Fill bytes and markers without a length.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (isStartOfFrame(marker)) {
      return {
        format: 'jpeg',
        width: data.getUint16(at + 7),
        height: data.getUint16(at + 5),
        animated: false,
      };
    }
    const length = data.getUint16(at + 2);
    if (length < 2) return null;
    at += 2 + length;
  }
  return null;
}

/** Skips the sub-blocks at `at`; returns where they end, past the bytes' end when they are cut off. */
function skipBlocks(bytes: Uint8Array, at: number): number {
  let next = at;
  while (next < bytes.length) {
    const size = bytes[next] ?? 0;
    next += 1 + size;
    if (size === 0) break;
  }
  return next;
}

function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

function readGif(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 13) return null;
  const data = view(bytes);
  let frames = 0;
  let at = 13 + colourTableBytes(bytes[10] ?? 0);
  while (at < bytes.length && frames < 2) {
    const kind = bytes[at];
    if (kind === 0x21) at = skipBlocks(bytes, at + 2);
    else if (kind === 0x2c) {
      frames++;
      at = skipBlocks(bytes, at + 11 + colourTableBytes(bytes[at + 9] ?? 0));
    } else break;
  }
  return {
    format: 'gif',
    width: data.getUint16(6, true),
    height: data.getUint16(8, true),
    animated: frames > 1,
  };
}

function readWebp(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 30) return null;
  const data = view(bytes);
  const chunk = ascii(bytes, 12, 4);
  if (chunk === 'VP8X') {
    // 24-bit sizes minus one.
    const size = (at: number): number => 1 + data.getUint16(at, true) + 65536 * data.getUint8(at + 2);
    return { format: 'webp', width: size(24), height: size(27), animated: ((bytes[20] ?? 0) & 2) !== 0 };
  }
  if (chunk === 'VP8L') {
    const bits = data.getUint32(21, true);
    return {
      format: 'webp',
      width: 1 + (bits & 0x3fff),
      height: 1 + ((bits >>> 14) & 0x3fff),
      animated: false,
    };
  }
  if (chunk !== 'VP8 ') return null;
  const edge = (at: number): number => data.getUint16(at, true) & 0x3fff;
  return { format: 'webp', width: edge(26), height: edge(28), animated: false };
}

function readBmp(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 26) return null;
  const data = view(bytes);
  // Rows run top-down when the height is negative.
  const [width, height] = [data.getInt32(18, true), Math.abs(data.getInt32(22, true))];
  return { format: 'bmp', width, height, animated: false };
}

/** Brands of the ISO base media file at `bytes`, the major one first; none where it is another file. */
export function mediaBrands(bytes: Uint8Array): string[] {
  if (bytes.length < 16 || ascii(bytes, 4, 4) !== 'ftyp') return [];
  const end = Math.min(bytes.length, view(bytes).getUint32(0));
  const brands = [ascii(bytes, 8, 4)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(bytes, at, 4));
  return brands;
}

function readAvif(bytes: Uint8Array, brands: readonly string[]): ImageHeader | null {
  const data = view(bytes);
  let [width, height] = [0, 0];
  // Sizes of the picture's items lie in `ispe` properties; tiles of a grid are smaller than the whole.
  for (let at = 4; at + 16 <= bytes.length; at++) {
    if (bytes[at] !== 0x69 || ascii(bytes, at, 4) !== 'ispe') continue;
    const size = [data.getUint32(at + 8), data.getUint32(at + 12)] as const;
    if (size[0] * size[1] > width * height) [width, height] = size;
  }
  if (width === 0) return null;
  return { format: 'avif', width, height, animated: brands.includes('avis') };
}

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;

/**
 * Whether a JPEG has its end. Inside the data 0xFF is followed by 0 or by a marker, so that the end's marker after the
 * first scan is the end; previews lie before it, and whatever a camera appends may follow it.
 */
export function isWholeJpeg(bytes: Uint8Array): boolean {
  const data = view(bytes);
  let at = 2;
  const before = (marker: number | undefined): boolean => marker !== START_OF_SCAN && marker !== END_OF_IMAGE;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && before(bytes[at + 1]))
    at += bytes[at + 1] === 0xff ? 1 : 2 + Math.max(2, data.getUint16(at + 2));
  for (at = bytes.indexOf(0xff, at); at >= 0; at = bytes.indexOf(0xff, at + 1))
    if (bytes[at + 1] === END_OF_IMAGE) return true;
  return false;
}

/** Reads the header of a PNG, JPEG, GIF, WebP, BMP or AVIF; null for anything else or too few bytes. */
export function readImageHeader(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 12) return null;
  if (ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return readPng(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(bytes);
  if (/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return readGif(bytes);
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') return readWebp(bytes);
  const brands = mediaBrands(bytes);
  if (brands.includes('avif') || brands.includes('avis')) return readAvif(bytes, brands);
  return ascii(bytes, 0, 2) === 'BM' ? readBmp(bytes) : null;
}
