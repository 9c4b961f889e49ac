// Parquet as pandas and the `datasets` library write it (test/fixtures/tables/make_tables.py), and damaged.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openFiles, type SourceFile } from '../../../src/data/dataset/dataset_files';
import { IMPORT_LIMITS } from '../../../src/data/dataset/import_limits';
import { ProblemList } from '../../../src/data/dataset/import_problems';
import { countParquet, readParquet } from '../../../src/data/dataset/parquet_rows';
import type { RawRow } from '../../../src/data/dataset/row_scanner';
import { sampleFile } from './dataset_samples';

const bytesOf = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(new URL(`../../fixtures/tables/${name}`, import.meta.url)));

async function open(bytes: Uint8Array): Promise<SourceFile> {
  const { files } = await openFiles([sampleFile('t.parquet', bytes)], IMPORT_LIMITS, new ProblemList(1));
  return files[0]!;
}

async function read(bytes: Uint8Array, limits = {}): Promise<Record<string, unknown>[]> {
  const rows: RawRow[] = [];
  await readParquet(await open(bytes), { ...IMPORT_LIMITS, ...limits }, (row) => rows.push(row), {});
  expect(rows.map(({ row }) => row)).toEqual(rows.map((_, index) => index + 1));
  return rows.map((row) => ('values' in row ? Object.fromEntries(row.values) : row));
}

describe('readParquet', () => {
  it('reads pictures, class labels by name, and lists', async () => {
    const rows = await read(bytesOf('embedded.parquet'));
    expect(rows.map(({ answer }) => answer)).toEqual(['red', 'green', 'blue', 'red', 'green']);
    expect(rows[0]).toMatchObject({ question: 'which colour is number 0?', answers: ['a', 'b'] });
    const { bytes, path } = rows[0]!.image as { bytes: Uint8Array; path: string };
    expect(path).toBe('red.png');
    expect([...bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  });

  it.each(['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])(
    'keeps values, compressed by %s',
    async (codec) => {
      const rows = await read(bytesOf(`values.${codec}.parquet`));
      expect(rows.map(({ answer }) => answer)).toEqual([
        '9007199254740993',
        '-4611686018427387904',
        0,
        7,
        42,
      ]);
      expect(rows.map(({ score }) => score)).toEqual([0.1, 2.5, null, 1e10, -0.25]);
      expect(rows[0]?.when).toBe('2024-01-02T00:00:00.000Z');
      expect(await countParquet(await open(bytesOf(`values.${codec}.parquet`)), IMPORT_LIMITS)).toBe(5);
    },
  );

  it('refuses what is too large or no Parquet, with what to do', async () => {
    const bytes = bytesOf('values.none.parquet');
    await expect(read(bytes, { maxRows: 4 })).rejects.toMatchObject({ code: 'data/dataset-size' });
    await expect(read(bytes, { maxTableBytes: 100 })).rejects.toMatchObject({ code: 'data/dataset-size' });
    await expect(read(bytes.subarray(0, -3))).rejects.toThrow('write it again, or as JSON lines');
    await expect(read(new Uint8Array(0))).rejects.toMatchObject({ code: 'data/dataset-table' });
  });
});
