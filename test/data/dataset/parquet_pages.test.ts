// Pages that state more than they hold are refused before they are decoded.
import { readFileSync } from 'node:fs';
import { parquetMetadata, type SchemaElement } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { checkPages } from '../../../src/data/dataset/parquet_pages';

const fixture = new URL('../../fixtures/tables/values.none.parquet', import.meta.url);
const file = Uint8Array.from(readFileSync(fixture));
const metadata = parquetMetadata(file.slice().buffer);

/** The bytes of a column of the first row group. */
function column(index: number) {
  const meta = metadata.row_groups[0]!.columns[index]!.meta_data!;
  const start = Number(meta.dictionary_page_offset ?? meta.data_page_offset);
  const bytes = file.slice(start, start + Number(meta.total_compressed_size));
  return { bytes, meta, schema: metadata.schema as SchemaElement[], compressors: {} };
}

describe('checkPages', () => {
  it('accepts what pandas wrote', async () => {
    for (const index of metadata.row_groups[0]!.columns.keys()) {
      const { bytes, ...rest } = column(index);
      await expect(checkPages({ ...rest, bytes: bytes.buffer })).resolves.toBeUndefined();
    }
  });

  it('refuses a run of a billion values in a page of two', async () => {
    const { bytes, ...rest } = column(2);
    // The levels of a page of two values: 2 bytes long, a run of two (4), the level 1.
    const levels = Buffer.from(bytes).lastIndexOf(Buffer.from([2, 0, 0, 0, 4, 1]));
    expect(levels).toBeGreaterThan(0);
    bytes.set([0xfe, 0xff, 0xff, 0xff, 0x0f], levels + 4);
    await expect(checkPages({ ...rest, bytes: bytes.buffer })).rejects.toThrow('other values than it states');
  });
});
