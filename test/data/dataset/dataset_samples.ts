// Small data sets and zips made in code, good and hostile, for the tests of the import and for end-to-end journeys.
// They need no browser and no files of the repository.

import { encode } from 'fast-png';
import { deflateSync } from 'fflate';
import { crc32 } from '../../../src/data/dataset/crc32';
import type { ImportFile } from '../../../src/data/dataset/dataset_files';

const ENCODER = new TextEncoder();

/** A PNG of one colour, which depends on `seed`. */
export function samplePng(seed = 0, side = 8): Uint8Array<ArrayBuffer> {
  const pixel = [(seed * 37) % 256, (seed * 91) % 256, 128];
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => pixel[i % 3]!);
  return Uint8Array.from(encode({ width: side, height: side, channels: 3, depth: 8, data }));
}

/** A file of an import. */
export function sampleFile(path: string, content: string | Uint8Array): ImportFile {
  return { path, blob: new Blob([content as BlobPart]) };
}

/** JSON lines. */
export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** A set of `rows` good rows, and two bad ones in lines 2 and 4: a picture that is missing, and no answer. */
export function setWithTwoBadRows(rows = 6): ImportFile[] {
  const good = Array.from({ length: rows }, (_, i) => ({
    image: `images/${i}.png`,
    question: 'how many red squares are there?',
    answer: String(i),
    response: `<think> i see ${i} red squares . </think> \\boxed{ ${i} }`,
  }));
  const table: unknown[] = [...good];
  table.splice(1, 0, { ...good[0], image: 'images/missing.png' });
  table.splice(3, 0, { image: 'images/0.png', question: 'what is missing?' });
  return [
    sampleFile('set/train.jsonl', jsonLines(table)),
    ...good.map(({ image }, i) => sampleFile(`set/${image}`, samplePng(i, 16))),
  ];
}

/** An entry of {@link buildZip}; what is given replaces the truth. */
export interface ZipPart {
  readonly name: string;
  readonly data: Uint8Array | string;
  readonly store?: boolean;
  /** The compressed bytes as they are to stand in the file. */
  readonly raw?: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly unixMode?: number;
  readonly crc?: number;
  readonly size?: number;
  readonly compressedSize?: number;
  readonly offset?: number;
  readonly localExtra?: number;
  /** The name as it is to stand in the file. */
  readonly nameBytes?: Uint8Array;
  /** Extra fields in the directory. */
  readonly extra?: Uint8Array;
}

/** Overrides of a zip's end record. */
export interface ZipEnd {
  readonly count?: number;
  readonly offset?: number;
  readonly comment?: string;
  /** Write ZIP64 records and put nothing but marks into the old fields. */
  readonly zip64?: boolean;
}

function record(
  bytes: number,
  fields: readonly (readonly [at: number, size: 2 | 4 | 8, value: number])[],
): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  for (const [at, size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
  return new Uint8Array(view.buffer);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Writes a zip field by field, so that any of them can lie. */
export function buildZip(parts: readonly ZipPart[], end: ZipEnd = {}): Uint8Array<ArrayBuffer> {
  const [files, directory]: [Uint8Array[], Uint8Array[]] = [[], []];
  let position = 0;
  for (const part of parts) {
    const data = typeof part.data === 'string' ? ENCODER.encode(part.data) : part.data;
    const raw = part.raw ?? (part.store ? data : deflateSync(data));
    const name = part.nameBytes ?? ENCODER.encode(part.name);
    const fields = part.extra ?? new Uint8Array(0);
    const method = part.method ?? (part.store ? 0 : 8);
    const [flags, crc] = [part.flags ?? 0x800, part.crc ?? crc32(data)];
    const [size, compressed] = [part.size ?? data.length, part.compressedSize ?? raw.length];
    const extra = part.localExtra ?? 0;
    const local = record(30 + extra, [
      [0, 4, 0x04034b50],
      [4, 2, 20],
      [6, 2, flags],
      [8, 2, method],
      [14, 4, crc],
    ]);
    new DataView(local.buffer).setUint16(26, name.length, true);
    new DataView(local.buffer).setUint16(28, extra, true);
    files.push(local.subarray(0, 30), name, local.subarray(30), raw);
    const zip64 = end.zip64 ? 28 : 0;
    const mark = (value: number): number => (zip64 ? 0xffffffff : value);
    const offset = part.offset ?? position;
    const central = record(46, [
      ...([
        [0, 4, 0x02014b50],
        [4, 2, 0x0314],
        [8, 2, flags],
        [10, 2, method],
        [16, 4, crc],
      ] as const),
      ...([
        [20, 4, mark(compressed)],
        [24, 4, mark(size)],
        [28, 2, name.length],
        [30, 2, zip64 + fields.length],
      ] as const),
      ...([
        [38, 4, ((part.unixMode ?? 0o100644) << 16) >>> 0],
        [42, 4, mark(offset)],
      ] as const),
    ]);
    const wide = record(
      zip64,
      zip64
        ? [
            [0, 2, 1],
            [2, 2, 24],
            [4, 8, size],
            [12, 8, compressed],
            [20, 8, offset],
          ]
        : [],
    );
    directory.push(central, name, wide, fields);
    position += 30 + name.length + extra + raw.length;
  }
  return concat([
    ...files,
    ...directory,
    ...endRecords(parts.length, position, concat(directory).length, end),
  ]);
}

function endRecords(parts: number, position: number, size: number, end: ZipEnd): Uint8Array[] {
  const comment = ENCODER.encode(end.comment ?? '');
  const [count, offset] = [end.count ?? parts, end.offset ?? position];
  const wide = end.zip64
    ? [
        record(56, [
          [0, 4, 0x06064b50],
          [4, 8, 44],
          [24, 8, count],
          [32, 8, count],
          [40, 8, size],
          [48, 8, offset],
        ]),
        record(20, [
          [0, 4, 0x07064b50],
          [8, 8, position + size],
          [16, 4, 1],
        ]),
      ]
    : [];
  const mark = (value: number, bits: 16 | 32): number => (end.zip64 ? 2 ** bits - 1 : value);
  const last = record(22, [
    ...([
      [0, 4, 0x06054b50],
      [8, 2, mark(count, 16)],
      [10, 2, mark(count, 16)],
    ] as const),
    ...([
      [12, 4, mark(size, 32)],
      [16, 4, mark(offset, 32)],
      [20, 2, comment.length],
    ] as const),
  ]);
  return [...wide, last, comment];
}

/** The same files in one zip. */
export async function zipOf(files: readonly ImportFile[], name = 'set.zip'): Promise<ImportFile> {
  const parts = await Promise.all(
    files.map(async ({ path, blob }) => ({ name: path, data: new Uint8Array(await blob.arrayBuffer()) })),
  );
  return sampleFile(name, buildZip(parts));
}
