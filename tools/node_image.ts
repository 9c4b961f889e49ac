// Decodes PNG and JPEG files to 8-bit pixels in Node, for the command lines; in the page the browser does it.
// Not here: resizing, colour management, EXIF orientation (the models' processors apply none either).
// Invariant: returns plain bytes of 1 to 4 channels, or an error that names the file and says what to do.
import { decode as decodePng } from 'fast-png';
import { decode as decodeJpeg } from 'jpeg-js';
import type { PixelArray } from '../src/data/image/pillow_resize';
import { DataError } from '../src/lib/errors';

/** Larger pictures are refused before any memory is spent on them. */
const MAX_PIXELS = 100_000_000;

function fail(file: string, reason: string, cause?: unknown): never {
  throw new DataError('data/image', `${file}: ${reason}`, { file }, cause);
}

const FORMATS: readonly (readonly [name: string, magic: readonly (number | null)[]])[] = [
  ['PNG', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['JPEG', [0xff, 0xd8, 0xff]],
  ['GIF', [0x47, 0x49, 0x46, 0x38]],
  ['WebP', [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
  ['BMP', [0x42, 0x4d]],
  ['TIFF', [0x49, 0x49, 0x2a, 0x00]],
  ['TIFF', [0x4d, 0x4d, 0x00, 0x2a]],
  ['AVIF or HEIC', [null, null, null, null, 0x66, 0x74, 0x79, 0x70]],
  ['SVG', [0x3c, 0x73, 0x76, 0x67]],
];

function sniff(bytes: Uint8Array): string | null {
  const matches = (magic: readonly (number | null)[]): boolean =>
    bytes.length >= magic.length && magic.every((byte, i) => byte === null || byte === bytes[i]);
  return FORMATS.find(([, magic]) => matches(magic))?.[0] ?? null;
}

/** 16-bit samples to 8 by their high byte; 1, 2 and 4 bits spread over 0…255. */
function to8Bit(data: Uint8Array | Uint8ClampedArray | Uint16Array, depth: number): Uint8Array {
  if (depth === 8) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const out = new Uint8Array(data.length);
  const peak = 2 ** depth - 1;
  for (let i = 0; i < out.length; i++) {
    const sample = data[i] as number;
    out[i] = depth === 16 ? sample >>> 8 : Math.round((sample * 255) / peak);
  }
  return out;
}

/** One sample per pixel, from rows of packed bits that each start at a byte. */
function unpackBits(packed: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  const samples = new Uint8Array(width * height);
  const stride = Math.ceil((width * depth) / 8);
  const mask = 2 ** depth - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = packed[y * stride + (bit >> 3)] as number;
      samples[y * width + x] = (byte >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return samples;
}

function checkPngSize(file: string, bytes: Uint8Array): void {
  if (bytes.length < 33) fail(file, 'the PNG is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width * height > MAX_PIXELS)
    fail(file, `${width}×${height} pixels are too many: scale the picture down`);
  // The decoder handles these two only apart.
  if ((bytes[24] as number) < 8 && bytes[28] === 1)
    fail(file, 'save the PNG with 8 bits or without interlacing');
}

function readPng(file: string, bytes: Uint8Array): PixelArray {
  checkPngSize(file, bytes);
  const { width, height, channels, depth, data, palette } = decodePng(bytes);
  const pixels = width * height;
  const samples = depth < 8 ? unpackBits(data as Uint8Array, width, height, depth) : data;
  if (palette === undefined) return { width, height, channels, data: to8Bit(samples, depth) };
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const color = palette[samples[i] as number];
    if (color === undefined) fail(file, 'the PNG names a colour outside its palette');
    rgb.set(color.slice(0, 3), 3 * i);
  }
  return { width, height, channels: 3, data: rgb };
}

/** Decoded pixels of a PNG or JPEG file. Throws DataError `data/image` for anything else, or a broken file. */
export function decodeImage(bytes: Uint8Array, file: string): PixelArray {
  const format = sniff(bytes);
  if (format !== 'PNG' && format !== 'JPEG') {
    fail(file, `${format ?? 'this'} is not supported here: convert the picture to PNG or JPEG`);
  }
  try {
    if (format === 'PNG') return readPng(file, bytes);
    const { width, height, data } = decodeJpeg(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      maxResolutionInMP: MAX_PIXELS / 1_000_000,
      maxMemoryUsageInMB: 2048,
    });
    return { width, height, channels: 3, data };
  } catch (error) {
    if (error instanceof DataError) throw error;
    return fail(
      file,
      `the ${format} cannot be decoded (${error instanceof Error ? error.message : error})`,
      error,
    );
  }
}
