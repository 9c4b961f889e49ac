// Reads a zip that somebody supplied, entry by entry, straight from its Blob: the directory first, bytes on demand.
// Nothing is written anywhere, links are not followed, zips inside are not opened, and encrypted or exotically
// compressed entries are refused one by one. No size in the file is believed: an entry may inflate to the size it
// declares and not a byte further, that size obeys the caller's ratio and cap, and no two entries share bytes.
// Format: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 (ZIP64).

import { Inflate, inflateSync } from 'fflate';
import { DataError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { crc32 } from './crc32';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';
import { BlobWindow, damagedZip, dataView, type RawEntry, readZipDirectory } from './zip_directory';

/** A file in the zip that can be read. */
export interface ZipEntry {
  /** Relative, with `/` between segments and no `..`. */
  readonly path: string;
  /** Other readings of a path in an unknown encoding. */
  readonly aliases: readonly string[];
  /** Declared; reading it yields exactly as many bytes or throws. */
  readonly size: number;
  readonly compressedSize: number;
  readonly crc: number;
  readonly deflated: boolean;
  /** Of the local header. */
  readonly offset: number;
  /** Where the next entry, or the directory, begins. */
  readonly limit: number;
}

/** An entry that is not read, and why. */
export interface RefusedEntry {
  readonly path: string;
  readonly reason: string;
}

/** Limits of {@link openZip}. */
export type ZipLimits = Pick<ImportLimits, 'maxFiles' | 'maxRatio'>;

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** Entries of up to this size may have any ratio: deflate's own limit of 1032 then does no harm. */
const RATIO_FREE_BYTES = 2 ** 20;
/** Small pieces keep what one push can inflate to below 17 MB. */
const PUSH_BYTES = 2 ** 14;
/** A stored block of 64 KiB yields nothing until it is complete; longer silence is damage. */
const MAX_SILENT_BYTES = 2 ** 17;
const BLOCK_BYTES = 2 ** 18;

/** True when the bytes begin like a zip, an empty one included. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return a === 0x50 && b === 0x4b && ((c === 3 && d === 4) || (c === 5 && d === 6));
}

/** A relative path with `/`, or a reason against the name. */
function checkName(name: string): { path: string } | { reason: string } {
  if (name.includes('\0')) return { reason: 'its name contains a NUL character' };
  const slashed = name.replaceAll('\\', '/');
  if (slashed.startsWith('/') || /^[a-z]:/i.test(slashed)) return { reason: 'its name is an absolute path' };
  const segments = slashed.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) return { reason: 'its name leads out of the zip' };
  return segments.length === 0 ? { reason: 'it has no name' } : { path: segments.join('/') };
}

/** Why an entry is not read, or null. `limit` is where the next entry or the directory begins. */
function refuse(entry: RawEntry, limit: number, limits: ZipLimits): string | null {
  const { size, compressedSize, method, nameBytes } = entry;
  if ((entry.unixMode & 0xf000) === 0xa000) return 'is a link; links are not followed';
  if ((entry.flags & 1) !== 0) return 'is encrypted: make the zip without a password';
  if (method !== 0 && method !== 8) return `is compressed by method ${method}: use the usual one (deflate)`;
  if (entry.offset + LOCAL_BYTES + nameBytes + compressedSize > limit)
    return 'shares bytes with another entry';
  if (method === 0 && size !== compressedSize) return 'states two different sizes';
  if (size > RATIO_FREE_BYTES && size > compressedSize * limits.maxRatio) {
    return `inflates ${Math.floor(size / Math.max(1, compressedSize))}-fold; at most ${limits.maxRatio}-fold is read`;
  }
  return null;
}

/** Whether an entry may be inflated in one go at no more cost than one push of a large one. */
function isSmall({ compressedSize, size }: ZipEntry): boolean {
  return compressedSize <= PUSH_BYTES && size <= RATIO_FREE_BYTES;
}

/** A zip whose directory was read and checked. */
export class ZipReader {
  /** In the order of the directory; no path twice. */
  readonly entries: readonly ZipEntry[];
  readonly refused: readonly RefusedEntry[];
  private readonly window: BlobWindow;
  private readonly file: string;

  /** For {@link openZip}. */
  constructor(
    file: string,
    window: BlobWindow,
    entries: readonly ZipEntry[],
    refused: readonly RefusedEntry[],
  ) {
    [this.file, this.window, this.entries, this.refused] = [file, window, entries, refused];
  }

  private fail(entry: ZipEntry, what: string, cause?: unknown): never {
    throw damagedZip(this.file, `${shorten(entry.path)} ${what}`, cause);
  }

  private async dataStart(entry: ZipEntry): Promise<number> {
    const header = dataView(await this.window.read(entry.offset, LOCAL_BYTES));
    if (header.byteLength < LOCAL_BYTES || header.getUint32(0, true) !== LOCAL) {
      this.fail(entry, 'is not where the directory says');
    }
    const start = entry.offset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
    if (start + entry.compressedSize > entry.limit) this.fail(entry, 'shares bytes with another entry');
    return start;
  }

  private async *compressed(entry: ZipEntry, piece: number): AsyncGenerator<Uint8Array> {
    const start = await this.dataStart(entry);
    for (let at = 0; at < entry.compressedSize; at += piece) {
      const length = Math.min(piece, entry.compressedSize - at);
      const bytes = await this.window.read(start + at, length);
      if (bytes.length < length) this.fail(entry, 'is cut off');
      // A copy: the window's block is shared.
      yield bytes.slice();
    }
  }

  /** In one go, without the buffers of a stream: most pictures of a large set are small. */
  private async inflateSmall(entry: ZipEntry): Promise<Uint8Array> {
    const start = await this.dataStart(entry);
    const bytes = await this.window.read(start, entry.compressedSize);
    // One byte more than declared shows that there is more; what does not fit is not written.
    const out = new Uint8Array(entry.size + 1);
    try {
      return inflateSync(bytes, { out });
    } catch (error) {
      return this.fail(entry, 'is damaged', error);
    }
  }

  private async *inflated(entry: ZipEntry): AsyncGenerator<Uint8Array> {
    if (isSmall(entry)) {
      const whole = await this.inflateSmall(entry);
      if (whole.length > 0) yield whole;
      return;
    }
    let out: Uint8Array[] = [];
    let silent = 0;
    const inflate = new Inflate((bytes) => out.push(bytes));
    for await (const piece of this.compressed(entry, PUSH_BYTES)) {
      out = [];
      try {
        inflate.push(piece);
      } catch (error) {
        this.fail(entry, 'is damaged', error);
      }
      const full = out.filter((bytes) => bytes.length > 0);
      silent = full.length > 0 ? 0 : silent + piece.length;
      if (silent > MAX_SILENT_BYTES) this.fail(entry, 'is damaged: its data goes on after its end');
      yield* full;
    }
  }

  /**
   * The entry's bytes in order, with size and checksum verified before the last piece is handed out.
   * @throws DataError `data/zip` when damaged; `data/dataset-size` at once when it declares more than `maxBytes`
   */
  async *chunks(entry: ZipEntry, maxBytes: number): AsyncGenerator<Uint8Array> {
    if (entry.size > maxBytes) {
      const message = `${shorten(entry.path)} has ${formatBytes(entry.size)}; up to ${formatBytes(maxBytes)} are read: make it smaller.`;
      throw new DataError('data/dataset-size', message, { file: shorten(entry.path), bytes: entry.size });
    }
    const pieces = entry.deflated ? this.inflated(entry) : this.compressed(entry, BLOCK_BYTES);
    let [count, crc] = [0, 0];
    let last: Uint8Array | null = null;
    for await (const piece of pieces) {
      count += piece.length;
      if (count > entry.size) this.fail(entry, 'holds more than it declares');
      crc = crc32(piece, crc);
      if (last !== null) yield last;
      last = piece;
      if (count === entry.size) break;
    }
    if (count < entry.size) this.fail(entry, 'holds less than it declares');
    if (crc !== entry.crc) this.fail(entry, 'is damaged: its checksum differs');
    if (last !== null) yield last;
  }

  /** The entry whole. @throws as {@link ZipReader.chunks} */
  async bytes(entry: ZipEntry, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for await (const part of this.chunks(entry, maxBytes)) parts.push(part);
    const bytes = new Uint8Array(entry.size);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /**
   * The first bytes, at most `length`. A small entry is verified as a whole, a large one cannot be without its rest.
   * @throws as {@link ZipReader.chunks}
   */
  async head(entry: ZipEntry, length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, entry.size);
    const head = new Uint8Array(wanted);
    let at = 0;
    if (wanted === 0) return head;
    if (isSmall(entry)) {
      for await (const piece of this.chunks(entry, entry.size)) {
        head.set(piece.subarray(0, wanted - at), at);
        at = Math.min(wanted, at + piece.length);
      }
      return head;
    }
    for await (const piece of entry.deflated ? this.inflated(entry) : this.compressed(entry, wanted)) {
      head.set(piece.subarray(0, wanted - at), at);
      at = Math.min(wanted, at + piece.length);
      if (at === wanted) return head;
    }
    return this.fail(entry, 'holds less than it declares');
  }
}

/**
 * Reads the directory of a zip; `file` names it in messages.
 * @throws DataError `data/zip` when it is no zip or a damaged one, `data/dataset-size` when it has too many entries
 */
export async function openZip(blob: Blob, file: string, limits: ZipLimits): Promise<ZipReader> {
  const window = new BlobWindow(blob);
  const directory = await readZipDirectory(window, file, limits);
  const raw = directory.entries;
  const byOffset = raw.map((_, index) => index).sort((a, b) => raw[a]!.offset - raw[b]!.offset);
  const limitOf = new Float64Array(raw.length).fill(directory.offset);
  for (let i = 0; i + 1 < byOffset.length; i++) limitOf[byOffset[i]!] = raw[byOffset[i + 1]!]!.offset;
  const [entries, refused]: [ZipEntry[], RefusedEntry[]] = [[], []];
  const taken = new Set<string>();
  for (const [index, entry] of raw.entries()) {
    if (/[\\/]$/.test(entry.name) && entry.size === 0) continue;
    const name = checkName(entry.name);
    const limit = Math.min(limitOf[index]!, directory.offset);
    const path = 'path' in name ? name.path : shorten(entry.name);
    const reason = 'reason' in name ? name.reason : refuse(entry, limit, limits);
    if (reason !== null || taken.has(path)) {
      refused.push({ path, reason: reason ?? 'appears twice' });
      continue;
    }
    taken.add(path);
    const { size, compressedSize, crc, offset } = entry;
    const aliases = entry.aliases.flatMap((alias) => {
      const other = checkName(alias);
      return 'path' in other ? [other.path] : [];
    });
    entries.push({ path, aliases, size, compressedSize, crc, offset, limit, deflated: entry.method === 8 });
  }
  return new ZipReader(file, window, entries, refused);
}
