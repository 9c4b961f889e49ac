// Decodes PNG files to RGB bytes as Pillow's convert("RGB") gives them: every colour type, depth and interlacing;
// transparency is dropped, never multiplied in. The page and the command lines read PNG with this one decoder: a canvas
// would return black for what is fully transparent, and in some browsers noise.
// Only the header, the palette and the data are read. Memory stays bounded by the size that the header states: what the
// data holds beyond it is never inflated, and bytes after the picture's end are ignored.
// Format: PNG specification, third edition (W3C), sections 5 to 11.

import { Unzlib } from 'fflate';
import { DataError } from '../../lib/errors';
import type { PixelArray } from './pillow_resize';

/** A decoded PNG. */
export interface DecodedPng {
  readonly pixels: PixelArray;
  /** Some pixel is not opaque. */
  readonly translucent: boolean;
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits per sample. */
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** A rectangle of pixels that the data holds one after another: the picture, or one of the seven of Adam7. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
}

const SIGNATURE_BYTES = 8;
/** Samples per pixel by colour type, and the depths that each allows. */
const COLOURS: Readonly<Record<number, readonly [samples: number, depths: readonly number[]]>> = {
  0: [1, [1, 2, 4, 8, 16]],
  2: [3, [8, 16]],
  3: [1, [1, 2, 4, 8]],
  4: [2, [8, 16]],
  6: [4, [8, 16]],
};
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
/** Deflate makes at most about a thousand bytes of one: the most that is inflated before the size is looked at. */
const PIECE_BYTES = 8192;

function bad(reason: string): DataError {
  return new DataError('data/image', `the PNG ${reason}`);
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
  if (bytes.length < 33 || view.getUint32(12) !== 0x49484452) throw bad('is cut off');
  const [depth = 0, colour = 0, compression, filter, interlace = 0] = bytes.subarray(24, 29);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width === 0 || height === 0) throw bad('says that it has no pixels');
  const known = COLOURS[colour]?.[1].includes(depth) === true;
  if (!known || compression !== 0 || filter !== 0 || interlace > 1) throw bad('is of an unknown kind');
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

function passesOf({ width, height, interlaced }: Header): Pass[] {
  if (!interlaced) return [{ x: 0, y: 0, dx: 1, dy: 1, width, height }];
  return ADAM7.map(([x, y, dx, dy]) => ({
    ...{ x, y, dx, dy },
    width: Math.ceil((width - x) / dx),
    height: Math.ceil((height - y) / dy),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
}

function undoPaeth(row: Uint8Array, above: Uint8Array, step: number): void {
  for (let i = 0; i < row.length; i++) {
    const left = i < step ? 0 : row[i - step]!;
    const up = above[i]!;
    const corner = i < step ? 0 : above[i - step]!;
    const a = Math.abs(up - corner);
    const b = Math.abs(left - corner);
    const c = Math.abs(left + up - 2 * corner);
    row[i]! += a <= b && a <= c ? left : b <= c ? up : corner;
  }
}

/** Undoes the filter of a row in place. `step` is the distance to the byte that stands for the pixel before. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, step: number): void {
  const length = row.length;
  if (filter === 0) return;
  if (filter === 1) {
    for (let i = step; i < length; i++) row[i]! += row[i - step]!;
  } else if (filter === 2) {
    for (let i = 0; i < length; i++) row[i]! += above[i]!;
  } else if (filter === 3) {
    for (let i = 0; i < length; i++) row[i]! += ((i < step ? 0 : row[i - step]!) + above[i]!) >> 1;
  } else if (filter === 4) undoPaeth(row, above, step);
  else throw bad('is damaged');
}

/** Turns the rows of one picture into RGB. */
class Rows {
  readonly data: Uint8Array;
  translucent = false;
  readonly #header: Header;
  readonly #samples: number;
  readonly #palette: Uint8Array;
  readonly #alphas: Uint8Array;

  constructor(header: Header, palette: Uint8Array, transparency: Uint8Array) {
    this.#header = header;
    this.#samples = COLOURS[header.colour]![0];
    this.#palette = palette;
    this.#alphas = header.colour === 3 ? transparency : new Uint8Array(0);
    this.data = new Uint8Array(header.width * header.height * 3);
    this.translucent = header.colour !== 3 && transparency.length > 0;
  }

  /** Bytes of a row of `width` pixels, without its filter. */
  rowBytes(width: number): number {
    return Math.ceil((width * this.#samples * this.#header.depth) / 8);
  }

  /** Distance between bytes of neighbouring pixels, at least 1. */
  get step(): number {
    return Math.max(1, (this.#samples * this.#header.depth) >> 3);
  }

  /** Writes row `index` of a pass. */
  write(row: Uint8Array, { x, y, dx, dy, width }: Pass, index: number): void {
    let to = ((y + index * dy) * this.#header.width + x) * 3;
    if (this.#header.colour === 2 && this.#header.depth === 8 && dx === 1) {
      this.data.set(row, to);
      return;
    }
    for (let i = 0; i < width; i++, to += 3 * dx) {
      if (this.#header.colour === 3) this.#writeIndexed(this.#sample(row, i), to);
      else if (this.#samples < 3) this.#writeGrey(row, i, to);
      else this.#writeColour(row, i, to);
    }
  }

  #sample(row: Uint8Array, index: number): number {
    const { depth } = this.#header;
    if (depth === 8) return row[index]!;
    const bit = index * depth;
    return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  }

  #writeIndexed(index: number, to: number): void {
    // Pillow's palette has 256 entries, black where the file gives none.
    for (let c = 0; c < 3; c++) this.data[to + c] = this.#palette[3 * index + c] ?? 0;
    if ((this.#alphas[index] ?? 255) < 255) this.translucent = true;
  }

  #writeGrey(row: Uint8Array, index: number, to: number): void {
    const { depth } = this.#header;
    const stride = this.#samples * (depth >> 3);
    const grey = depth < 8 ? (this.#sample(row, index) * 255) / ((1 << depth) - 1) : row[index * stride]!;
    this.data.fill(grey, to, to + 3);
    if (this.#samples === 2 && row[index * stride + stride / 2] !== 255) this.translucent = true;
  }

  #writeColour(row: Uint8Array, index: number, to: number): void {
    // Of 16 bits the high byte counts.
    const bytes = this.#header.depth >> 3;
    const at = index * this.#samples * bytes;
    this.data[to] = row[at]!;
    this.data[to + 1] = row[at + bytes]!;
    this.data[to + 2] = row[at + 2 * bytes]!;
    if (this.#samples === 4 && row[at + 3 * bytes] !== 255) this.translucent = true;
  }
}

/** Cuts inflated bytes into rows as they come, undoes their filters and hands them on. */
class RowCutter {
  readonly #rows: Rows;
  readonly #passes: readonly Pass[];
  #pass = 0;
  #row = 0;
  #line: Uint8Array;
  #above: Uint8Array;
  #filled = 0;

  constructor(rows: Rows, passes: readonly Pass[]) {
    this.#rows = rows;
    this.#passes = passes;
    [this.#line, this.#above] = this.#lines();
  }

  get done(): boolean {
    return this.#pass === this.#passes.length;
  }

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.done; ) {
      const count = Math.min(chunk.length - at, this.#line.length - this.#filled);
      this.#line.set(chunk.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#line.length) this.#finishRow();
    }
  }

  /** A row with its filter byte, and the one before the first, which counts as zero. */
  #lines(): [Uint8Array, Uint8Array] {
    const length = 1 + this.#rows.rowBytes(this.#passes[this.#pass]?.width ?? 0);
    return [new Uint8Array(length), new Uint8Array(length)];
  }

  #finishRow(): void {
    const pass = this.#passes[this.#pass] as Pass;
    const row = this.#line.subarray(1);
    unfilter(this.#line[0]!, row, this.#above.subarray(1), this.#rows.step);
    this.#rows.write(row, pass, this.#row);
    [this.#line, this.#above] = [this.#above, this.#line];
    this.#filled = 0;
    if (++this.#row < pass.height) return;
    this.#row = 0;
    this.#pass++;
    [this.#line, this.#above] = this.#lines();
  }
}

interface Chunks {
  readonly palette: Uint8Array;
  readonly transparency: Uint8Array;
  readonly data: readonly Uint8Array[];
}

function readChunks(bytes: Uint8Array, view: DataView): Chunks {
  let palette: Uint8Array = new Uint8Array(0);
  let transparency: Uint8Array = new Uint8Array(0);
  const data: Uint8Array[] = [];
  for (let at = SIGNATURE_BYTES; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = view.getUint32(at + 4);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (name === 0x49454e44) break;
    if (name === 0x504c5445) palette = body;
    if (name === 0x74524e53) transparency = body;
    if (name === 0x49444154) data.push(body);
    at += 12 + length;
  }
  return { palette, transparency, data };
}

/**
 * Decodes a PNG to RGB [height, width, 3]; of an animated one its first picture. The caller checks the size beforehand.
 * 16 bits become 8 by their high byte, in grey too, where Pillow would make everything above 255 white.
 * @throws DataError `data/image` for a file that is cut off, damaged or of an unknown kind
 */
export function decodePng(bytes: Uint8Array): DecodedPng {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(bytes, view);
  const { palette, transparency, data } = readChunks(bytes, view);
  if (header.colour === 3 && palette.length === 0) throw bad('has no palette');
  const rows = new Rows(header, palette, transparency);
  const cutter = new RowCutter(rows, passesOf(header));
  const inflate = new Unzlib((chunk) => cutter.take(chunk));
  for (const part of data) {
    for (let at = 0; at < part.length && !cutter.done; at += PIECE_BYTES) {
      try {
        inflate.push(part.subarray(at, at + PIECE_BYTES), false);
      } catch (error) {
        if (error instanceof DataError) throw error;
        throw new DataError('data/image', 'the PNG is damaged', {}, error);
      }
    }
  }
  if (!cutter.done) throw bad('is cut off');
  const { width, height } = header;
  return { pixels: { width, height, channels: 3, data: rows.data }, translucent: rows.translucent };
}
