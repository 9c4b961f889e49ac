// Reads the rows of a Parquet file, one row group after the other, through hyparquet, which loads when first needed.
// No size in the file is believed before it was compared with the limits and with the bytes that are there. Texts, numbers
// and embedded pictures come out as the `datasets` library wrote them; class labels come out by their names.

import { DataError, LookBackError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import type { SourceFile } from './dataset_files';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';
import { checkPages } from './parquet_pages';
import type { EmitRow } from './row_scanner';

type Hyparquet = typeof import('hyparquet');
type Compressors = import('hyparquet').Compressors;
type Metadata = Awaited<ReturnType<Hyparquet['parquetMetadataAsync']>>;
type Decompress = (input: Uint8Array, length: number) => Uint8Array;

/** A Parquet file whose footer was read and checked. */
interface OpenParquet {
  readonly hyparquet: Hyparquet;
  readonly buffer: { readonly byteLength: number; slice(start: number, end?: number): Promise<ArrayBuffer> };
  readonly metadata: Metadata;
}

/** Pages of up to this size may have any ratio. */
const RATIO_FREE_BYTES = 2 ** 20;

function damaged(file: SourceFile, cause: unknown): DataError {
  const why = cause instanceof Error ? shorten(cause.message, 120) : 'it cannot be parsed';
  const message = `${shorten(file.path)}: this Parquet file cannot be read (${why}): write it again, or as JSON lines.`;
  return new DataError('data/dataset-table', message, { file: shorten(file.path) }, cause);
}

function tooLarge(file: SourceFile, what: string): DataError {
  const message = `${shorten(file.path)} ${what}: split it.`;
  return new DataError('data/dataset-size', message, { file: shorten(file.path) });
}

function checkMetadata(file: SourceFile, metadata: Metadata, limits: ImportLimits): void {
  let rows = 0;
  for (const group of metadata.row_groups) {
    rows += Number(group.num_rows);
    let bytes = 0;
    for (const { meta_data: column } of group.columns) {
      if (column === undefined) throw new Error('a column has no metadata');
      bytes += Number(column.total_uncompressed_size);
      const start = Number(column.dictionary_page_offset ?? column.data_page_offset);
      const end = start + Number(column.total_compressed_size);
      if (!(start >= 0 && end >= start && end <= file.size))
        throw new Error('a column lies outside the file');
      if (!(Number(column.num_values) <= file.size * limits.maxRatio)) throw new Error('too many values');
    }
    if (!(Number(group.num_rows) >= 0 && bytes >= 0)) throw new Error('a row group states a negative size');
    if (bytes > limits.maxTableBytes) {
      throw tooLarge(
        file,
        `has a row group of ${formatBytes(bytes)}; up to ${formatBytes(limits.maxTableBytes)} are read`,
      );
    }
  }
  if (rows > limits.maxRows) throw tooLarge(file, `has more than ${limits.maxRows} rows`);
}

async function openParquet(file: SourceFile, limits: ImportLimits): Promise<OpenParquet> {
  const [hyparquet, blob] = [await import('hyparquet'), await file.blob('', limits.maxTableBytes)];
  const buffer = {
    byteLength: blob.size,
    slice: (start: number, end = blob.size): Promise<ArrayBuffer> => blob.slice(start, end).arrayBuffer(),
  };
  const metadata = await hyparquet.parquetMetadataAsync(buffer, { geoparquet: false });
  checkMetadata(file, metadata, limits);
  return { hyparquet, buffer, metadata };
}

/** Decompressors that never make more than the limits allow. */
async function decompressors({ snappyUncompress }: Hyparquet, limits: ImportLimits) {
  const codecs = await import('hyparquet-compressors');
  const snappy: Decompress = (input, length) => {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  };
  const all = {
    SNAPPY: snappy,
    GZIP: codecs.decompressGzip,
    BROTLI: codecs.decompressBrotli,
    LZ4: codecs.decompressLz4,
    LZ4_RAW: codecs.decompressLz4Raw,
    ZSTD: ((input, length) => codecs.decompressZstd(input, new Uint8Array(length))) satisfies Decompress,
  };
  const bounded = Object.entries(all).map(([name, decompress]) => {
    const checked: Decompress = (input, length) => {
      if (length > limits.maxTableBytes || length > RATIO_FREE_BYTES + input.length * limits.maxRatio) {
        throw new Error('a page states an impossible size');
      }
      return (decompress as Decompress)(input, length);
    };
    return [name, checked];
  });
  return Object.fromEntries(bounded) as Record<keyof typeof all, Decompress>;
}

async function checkGroup(
  { buffer, metadata }: OpenParquet,
  group: Metadata['row_groups'][number],
  compressors: Compressors,
): Promise<void> {
  for (const { meta_data: meta } of group.columns) {
    if (meta === undefined) continue;
    const start = Number(meta.dictionary_page_offset ?? meta.data_page_offset);
    const bytes = await buffer.slice(start, start + Number(meta.total_compressed_size));
    await checkPages({ bytes, meta, schema: metadata.schema, compressors });
  }
}

/** The shortest decimal that is the same float32, so that 0.1 does not become 0.10000000149011612. */
function float32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** A cell as plain data: exact integers, texts for dates, null for what is missing. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plainValue);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plainValue(inner)]));
}

/** Names of class labels by column, which the `datasets` library keeps in the file's metadata. */
function classLabels({ key_value_metadata: pairs }: Metadata): Map<string, readonly string[]> {
  const labels = new Map<string, readonly string[]>();
  const json = pairs?.find(({ key }) => key === 'huggingface')?.value;
  try {
    const { info } = JSON.parse(json ?? '{}') as { info?: { features?: Record<string, unknown> } };
    for (const [column, feature] of Object.entries(info?.features ?? {})) {
      const { _type: type, names } = feature as { _type?: unknown; names?: unknown };
      if (type === 'ClassLabel' && Array.isArray(names)) labels.set(column, names.map(String));
    }
  } catch {
    // Metadata of other programs: labels stay numbers.
  }
  return labels;
}

function cellReader(metadata: Metadata): (column: string, value: unknown) => unknown {
  const labels = classLabels(metadata);
  const floats = new Set(metadata.schema.filter(({ type }) => type === 'FLOAT').map(({ name }) => name));
  return (column, value) => {
    const plain = plainValue(value);
    const names = labels.get(column);
    if (names !== undefined && typeof plain === 'number') return names[plain] ?? plain;
    return typeof plain === 'number' && floats.has(column) ? float32(plain) : plain;
  };
}

/**
 * Reads all rows, numbered from 1. `onRow` may throw to end it.
 * @throws DataError `data/dataset-table` when the file is damaged, `data/dataset-size` when it is too large
 */
export async function readParquet(
  file: SourceFile,
  limits: ImportLimits,
  onRow: EmitRow,
  hooks: {
    readonly signal?: AbortSignal | undefined;
    readonly onBytes?: ((done: number) => void) | undefined;
  },
): Promise<void> {
  const opened = await guard(file, () => openParquet(file, limits));
  const { hyparquet, buffer, metadata } = opened;
  const compressors = await decompressors(hyparquet, limits);
  const readCell = cellReader(metadata);
  let [row, groups] = [0, 0];
  for (const group of metadata.row_groups) {
    hooks.signal?.throwIfAborted();
    const [rowStart, rowEnd] = [row, row + Number(group.num_rows)];
    const options = { file: buffer, metadata, rowStart, rowEnd, compressors, utf8: false, geoparquet: false };
    const rows = await guard(file, async () => {
      await checkGroup(opened, group, compressors);
      return hyparquet.parquetReadObjects(options);
    });
    if (rows.length !== rowEnd - rowStart) throw damaged(file, new Error('rows are missing'));
    for (const cells of rows) {
      row += 1;
      const values = Object.entries(cells).map(([name, value]) => [name, readCell(name, value)] as const);
      onRow({ row, values: new Map(values) });
    }
    groups += 1;
    hooks.onBytes?.(Math.floor((file.size * groups) / metadata.row_groups.length));
  }
}

async function guard<T>(file: SourceFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LookBackError) throw error;
    throw damaged(file, error);
  }
}

/** How many rows a file states. @throws as {@link readParquet} */
export async function countParquet(file: SourceFile, limits: ImportLimits): Promise<number> {
  const { metadata } = await guard(file, () => openParquet(file, limits));
  return metadata.row_groups.reduce((sum, { num_rows: count }) => sum + Number(count), 0);
}
