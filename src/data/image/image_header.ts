// Format, size and animation of an encoded picture, read from its first bytes: what a guard must know before decoding.
// Not a decoder and not a validator: a picture that passes here may still turn out to be broken.
// Invariant: never reads outside the bytes it is given; anything it cannot make sense of is null, not an error.

/** What the header says. */
export interface ImageHeader {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp';
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

/** Reads the header of a PNG, JPEG, GIF, WebP or BMP; null for anything else or too few bytes (64 KiB will do). */
export function readImageHeader(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 12) return null;
  if (ascii(bytes, 0, 8) === '\x89PNG\r\n\x1a\n') return readPng(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(bytes);
  if (/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return readGif(bytes);
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') return readWebp(bytes);
  return ascii(bytes, 0, 2) === 'BM' ? readBmp(bytes) : null;
}
