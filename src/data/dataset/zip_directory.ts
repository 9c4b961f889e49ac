// Reads the directory of a zip: finds it as Info-ZIP's unzip does, also where other bytes stand before or after the zip
// or where its counts have wrapped, and lists its entries as they describe themselves. Nothing is believed here: whoever
// reads an entry checks it. Format: PKWARE APPNOTE.TXT 6.3.10, sections 4.3, 4.4 and 4.5.3 (ZIP64); macOS's Archive
// Utility writes counts modulo 2^16 and offsets modulo 2^32 without ZIP64.

import { DataError } from '../../lib/errors';
import { crc32 } from './crc32';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';
import { type RawName, readZipNames } from './zip_names';

const EOCD = 0x06054b50;
const EOCD_BYTES = 22;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_EOCD = 0x06064b50;
const ZIP64_EOCD_BYTES = 56;
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const SIGNATURE = 0x05054b50;
/** Where the end record is looked for: a comment, and what a download or a mail program may have appended. */
const TAIL_BYTES = 2 ** 20;
/** End records that are tried; a file may be full of what looks like one. */
const MAX_TRIES = 64;
const MAX_DIRECTORY_BYTES = 2 ** 27;
const BLOCK_BYTES = 2 ** 18;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What the directory says of an entry. */
export interface RawEntry {
  readonly name: string;
  /** Other readings of a name in an unknown encoding. */
  readonly aliases: readonly string[];
  readonly nameBytes: number;
  readonly flags: number;
  readonly method: number;
  readonly unixMode: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Of the local header, in the file. */
  readonly offset: number;
}

/** A directory: its entries in their order, and where it begins. */
export interface ZipDirectory {
  readonly entries: readonly RawEntry[];
  readonly offset: number;
}

/** The error of a zip that cannot be read. */
export function damagedZip(file: string, what: string, cause?: unknown): DataError {
  const message = `${shorten(file)}: ${what}. Make the zip again, or unpack it and choose the folder.`;
  return new DataError('data/zip', message, { file: shorten(file) }, cause);
}

/** Reads ranges of a Blob; small ones come from the block that was read last, as neighbours are asked for in turn. */
export class BlobWindow {
  readonly size: number;
  private readonly blob: Blob;
  private start = 0;
  private block: Uint8Array = new Uint8Array(0);

  constructor(blob: Blob) {
    [this.blob, this.size] = [blob, blob.size];
  }

  /** Bytes [from, from + length), fewer at the end. */
  async read(from: number, length: number): Promise<Uint8Array> {
    const end = Math.min(from + length, this.size);
    if (end <= from) return new Uint8Array(0);
    if (from < this.start || end > this.start + this.block.length) {
      const bytes = await this.blob.slice(from, Math.max(end, from + BLOCK_BYTES)).arrayBuffer();
      this.block = new Uint8Array(bytes);
      this.start = from;
    }
    return this.block.subarray(from - this.start, end - this.start);
  }
}

/** A view of the bytes. */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/** Where the directory lies in the file, and by how much its offsets are off. */
interface Place {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
  /** Bytes before the zip. */
  readonly shift: number;
  /** Whether offsets are modulo 2^32. */
  readonly wrapped: boolean;
}

async function signatureAt(window: BlobWindow, at: number): Promise<number> {
  const bytes = at < 0 ? new Uint8Array(0) : await window.read(at, 4);
  return bytes.length < 4 ? 0 : dataView(bytes).getUint32(0, true);
}

/** The ZIP64 record before an end record at `end`; null when there is none. */
async function zip64Record(window: BlobWindow, end: number): Promise<{ at: number; view: DataView } | null> {
  if (end < 20 + ZIP64_EOCD_BYTES) return null;
  const locator = dataView((await window.read(end - 20, 20)).slice());
  if (locator.getUint32(0, true) !== ZIP64_LOCATOR) return null;
  for (const at of [uint64(locator, 8), end - 20 - ZIP64_EOCD_BYTES]) {
    if ((await signatureAt(window, at)) !== ZIP64_EOCD) continue;
    const bytes = (await window.read(at, ZIP64_EOCD_BYTES)).slice();
    if (bytes.length === ZIP64_EOCD_BYTES) return { at, view: dataView(bytes) };
  }
  return null;
}

/** Whether the entry that a directory at `start` lists first lies where it says, after `shift` other bytes. */
async function isFirstEntryAt(window: BlobWindow, start: number, shift: number): Promise<boolean> {
  const first = await window.read(start, CENTRAL_BYTES);
  if (first.length < CENTRAL_BYTES) return false;
  const offset = dataView(first).getUint32(42, true);
  return offset === 0xffffffff || (await signatureAt(window, offset + shift)) === LOCAL;
}

/** The directory that an end record at `end` means; null when there is none where it says. */
async function placeOf(window: BlobWindow, end: number, record: DataView): Promise<Place | null> {
  let [count, size, offset] = [
    record.getUint16(10, true),
    record.getUint32(12, true),
    record.getUint32(16, true),
  ];
  let directoryEnd = end;
  if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    const wide = await zip64Record(window, end);
    if (wide !== null) {
      [count, size, offset] = [uint64(wide.view, 32), uint64(wide.view, 40), uint64(wide.view, 48)];
      directoryEnd = wide.at;
    }
  }
  const start = directoryEnd - size;
  const shift = start - offset;
  if (size === 0 && count === 0) return { offset: directoryEnd, size, count, shift: 0, wrapped: false };
  if (shift >= 0 && (await signatureAt(window, start)) === CENTRAL) {
    const wrapped = shift > 0 && shift % 2 ** 32 === 0;
    const isShifted = shift > 0 && !wrapped && (await isFirstEntryAt(window, start, shift));
    return { offset: start, size, count, shift: isShifted ? shift : 0, wrapped };
  }
  const isThere = offset + size <= directoryEnd && (await signatureAt(window, offset)) === CENTRAL;
  return isThere ? { offset, size, count, shift: 0, wrapped: false } : null;
}

async function findDirectory(window: BlobWindow, file: string): Promise<Place> {
  const tailStart = Math.max(0, window.size - EOCD_BYTES - TAIL_BYTES);
  const tail = dataView((await window.read(tailStart, window.size - tailStart)).slice());
  let tries = 0;
  for (let at = tail.byteLength - EOCD_BYTES; at >= 0 && tries < MAX_TRIES; at--) {
    if (tail.getUint32(at, true) !== EOCD) continue;
    const after = tail.byteLength - at - EOCD_BYTES;
    if (tail.getUint16(at + 20, true) > after) continue;
    tries += 1;
    const record = new DataView(tail.buffer, tail.byteOffset + at, EOCD_BYTES);
    const part = Math.max(record.getUint16(4, true), record.getUint16(6, true));
    if (part > 0 && part < 0xffff) throw damagedZip(file, 'this zip is one part of several');
    const place = await placeOf(window, tailStart + at, record);
    if (place !== null) return place;
  }
  if (tries > 0) throw damagedZip(file, 'the directory of this zip is damaged');
  throw damagedZip(file, 'this zip is cut off: its directory, which comes last, is missing');
}

/** The fields of an extra block: identifier and the bytes. */
function* extraFields(extra: Uint8Array): Generator<{ readonly id: number; readonly data: Uint8Array }> {
  const view = dataView(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + view.getUint16(at + 2, true);
    if (end > extra.length) return;
    yield { id: view.getUint16(at, true), data: extra.subarray(at + 4, end) };
    at = end;
  }
}

/** Sizes and offset of a ZIP64 extra field replace those that do not fit into 32 bits, in this order. */
function readZip64(extra: Uint8Array, values: [number, number, number]): void {
  for (const { id, data } of extraFields(extra)) {
    if (id !== 1) continue;
    let from = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== 0xffffffff || from + 8 > data.length) continue;
      values[i] = uint64(dataView(data), from);
      from += 8;
    }
  }
}

/** The name in UTF-8 beside the one in another encoding, while it belongs to that one. */
function unicodePath(extra: Uint8Array, name: Uint8Array): string | null {
  for (const { id, data } of extraFields(extra)) {
    if (id !== 0x7075 || data.length < 5 || data[0] !== 1) continue;
    if (dataView(data).getUint32(1, true) !== crc32(name)) continue;
    try {
      return UTF8.decode(data.subarray(5));
    } catch {
      return null;
    }
  }
  return null;
}

interface CentralEntry {
  readonly raw: RawName;
  readonly entry: Omit<RawEntry, 'name' | 'aliases'>;
  readonly next: number;
}

function readEntry(bytes: Uint8Array, at: number): CentralEntry | null {
  const view = dataView(bytes);
  if (at + CENTRAL_BYTES > bytes.length || view.getUint32(at, true) !== CENTRAL) return null;
  const nameEnd = at + CENTRAL_BYTES + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > bytes.length) return null;
  const sizes: [number, number, number] = [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ];
  const extra = bytes.subarray(nameEnd, extraEnd);
  readZip64(extra, sizes);
  const name = bytes.subarray(at + CENTRAL_BYTES, nameEnd);
  const flags = view.getUint16(at + 8, true);
  const entry = {
    nameBytes: name.length,
    flags,
    method: view.getUint16(at + 10, true),
    // Only Unix (3) and macOS (19) keep a file mode here.
    unixMode: bytes[at + 5] === 3 || bytes[at + 5] === 19 ? view.getUint16(at + 40, true) : 0,
    crc: view.getUint32(at + 16, true),
    size: sizes[0],
    compressedSize: sizes[1],
    offset: sizes[2],
  };
  const raw = { bytes: name, isUtf8: (flags & 0x800) !== 0, unicode: unicodePath(extra, name) };
  return { raw, entry, next };
}

function parseDirectory(bytes: Uint8Array, place: Place, maxFiles: number, file: string): RawEntry[] {
  const found: CentralEntry[] = [];
  let before = 0;
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 <= bytes.length && dataView(bytes).getUint32(at, true) === SIGNATURE) break;
    const read = readEntry(bytes, at);
    if (read === null) {
      throw damagedZip(file, `the directory of this zip is damaged at entry ${found.length + 1}`);
    }
    if (found.length >= maxFiles) {
      const message = `${shorten(file)}: this zip has more than ${maxFiles} files: split it.`;
      throw new DataError('data/dataset-size', message, { file: shorten(file) });
    }
    let offset = read.entry.offset + place.shift;
    // Entries follow each other, so that one which lies before the last has wrapped.
    if (place.wrapped) while (offset < before) offset += 2 ** 32;
    before = offset;
    found.push({ ...read, entry: { ...read.entry, offset } });
    at = read.next;
  }
  if ((found.length - place.count) % 2 ** 16 !== 0 || found.length < place.count) {
    throw damagedZip(file, `this zip announces ${place.count} files and lists ${found.length}`);
  }
  const names = readZipNames(found.map(({ raw }) => raw));
  return found.map(({ entry }, index) => ({ ...names[index]!, ...entry }));
}

/**
 * Finds and parses the directory; `file` names the zip in messages.
 * @throws DataError `data/zip` when it is no zip or a damaged one, `data/dataset-size` when it has too many entries
 */
export async function readZipDirectory(
  window: BlobWindow,
  file: string,
  { maxFiles }: Pick<ImportLimits, 'maxFiles'>,
): Promise<ZipDirectory> {
  const place = await findDirectory(window, file);
  if (place.size > MAX_DIRECTORY_BYTES) throw damagedZip(file, 'the directory of this zip is too large');
  const bytes = (await window.read(place.offset, place.size)).slice();
  return { entries: parseDirectory(bytes, place, maxFiles, file), offset: place.offset };
}
