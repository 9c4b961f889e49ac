// Checks the pages of a Parquet column before they are decoded: hyparquet believes the lengths of runs, so that a few
// bytes could ask for billions of values. Every run is walked, without making its values, and has to fit the page.
// Format: Apache Parquet, parquet.thrift and Encodings.md (RLE/bit-packing hybrid).

import type { ColumnMetaData, Compressors, DataReader, SchemaElement } from 'hyparquet';

type Decode = typeof import('hyparquet/src/column.js') &
  typeof import('hyparquet/src/datapage.js') &
  typeof import('hyparquet/src/schema.js');

/** Values of one column in one row group, items of lists counted one by one. */
const MAX_VALUES = 2 ** 24;

function fail(): never {
  throw new Error('a page holds other values than it states');
}

function varint(reader: DataReader): number {
  let [value, shift] = [0, 0];
  for (;;) {
    const byte = reader.view.getUint8(reader.offset++);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 128) return value;
    shift += 7;
    if (shift > 35) fail();
  }
}

/** Walks a stream of runs of `width` bits, of `count` values or, where the bytes end before, of fewer. */
function checkRuns(reader: DataReader, width: number, count: number): void {
  if (width > 32) fail();
  for (let seen = 0; seen < count && reader.offset < reader.view.byteLength; ) {
    const header = varint(reader);
    const packed = header % 2 === 1;
    const run = Math.floor(header / 2) * (packed ? 8 : 1);
    // Only the padding of the last packed group may go beyond the page.
    if (run > count - seen + (packed ? 7 : 0)) fail();
    reader.offset += packed ? (run * width) / 8 : Math.ceil(width / 8);
    seen += run;
  }
}

/** Walks a stream of levels that states its length first. */
function checkLevels(reader: DataReader, max: number, count: number): void {
  if (max === 0) return;
  const end = reader.offset + 4 + reader.view.getUint32(reader.offset, true);
  reader.offset += 4;
  checkRuns(reader, 32 - Math.clz32(max), count);
  if (end > reader.view.byteLength) fail();
  reader.offset = end;
}

interface ColumnChunk {
  readonly bytes: ArrayBuffer;
  readonly meta: ColumnMetaData;
  readonly schema: SchemaElement[];
  readonly compressors: Compressors;
}

/** Walks one data page; `count` is what its header states. */
function checkDataPage(
  decode: Decode,
  chunk: ColumnChunk,
  header: PageHeader,
  compressed: Uint8Array,
): number {
  const { meta, schema, compressors } = chunk;
  const schemaPath = decode.getSchemaPath(schema, meta.path_in_schema);
  const [maxDefinition, maxRepetition] = [
    decode.getMaxDefinitionLevel(schemaPath),
    decode.getMaxRepetitionLevel(schemaPath),
  ];
  const v2 = header.data_page_header_v2;
  const stated = v2 ?? header.data_page_header ?? fail();
  const count = stated.num_values;
  if (!(count >= 0 && count <= MAX_VALUES)) fail();
  let page = compressed;
  let reader: DataReader = { view: viewOf(page), offset: 0 };
  if (v2) {
    const [repetition, definition] = [v2.repetition_levels_byte_length, v2.definition_levels_byte_length];
    if (!(repetition >= 0 && definition >= 0 && repetition + definition <= page.length)) fail();
    if (maxRepetition > 0) checkRuns(reader, 32 - Math.clz32(maxRepetition), count);
    reader = { view: viewOf(page), offset: repetition };
    if (maxDefinition > 0) checkRuns(reader, 32 - Math.clz32(maxDefinition), count);
    const size = Number(header.uncompressed_page_size) - repetition - definition;
    page = page.subarray(repetition + definition);
    if (v2.is_compressed !== false && size > 0)
      page = decode.decompressPage(page, size, meta.codec, compressors);
    reader = { view: viewOf(page), offset: 0 };
  } else {
    page = decode.decompressPage(page, Number(header.uncompressed_page_size), meta.codec, compressors);
    reader = { view: viewOf(page), offset: 0 };
    checkLevels(reader, maxRepetition, count);
    checkLevels(reader, maxDefinition, count);
  }
  if (/DICTIONARY/.test(stated.encoding) && reader.offset < page.length) {
    const width = reader.view.getUint8(reader.offset++);
    // Values that are null have no index, so that there may be fewer.
    if (width > 0) checkRuns(reader, width, count);
  } else if (stated.encoding === 'RLE' && reader.offset + 4 <= page.length) {
    reader.offset += 4;
    checkRuns(reader, 1, count);
  }
  return count;
}

type PageHeader = ReturnType<Decode['parquetHeader']>;

function viewOf(bytes: Uint8Array): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Walks the pages of a column of one row group.
 * @throws Error when a page states more values or bytes than it can hold
 */
export async function checkPages(chunk: ColumnChunk): Promise<void> {
  const decode: Decode = {
    ...(await import('hyparquet/src/column.js')),
    ...(await import('hyparquet/src/datapage.js')),
    ...(await import('hyparquet/src/schema.js')),
  };
  const reader: DataReader = { view: new DataView(chunk.bytes), offset: 0 };
  let values = 0;
  while (reader.offset < reader.view.byteLength - 1) {
    const header = decode.parquetHeader(reader);
    const size = header.compressed_page_size;
    if (!(size >= 0 && reader.offset + size <= reader.view.byteLength)) fail();
    const compressed = new Uint8Array(chunk.bytes, reader.offset, size);
    reader.offset += size;
    const dictionary = header.dictionary_page_header;
    if (dictionary) {
      // A value takes at least a bit.
      if (!(dictionary.num_values >= 0 && dictionary.num_values <= 8 * Number(header.uncompressed_page_size)))
        fail();
    } else values += checkDataPage(decode, chunk, header, compressed);
    if (values > MAX_VALUES) fail();
  }
}
