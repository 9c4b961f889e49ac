// Writes one stored item as the files of a folder: lines of JSON for its parts, their bytes as files beside them, and last
// the record, without which the folder is none. Equal items give equal files. No more than a file is held at a time.

import { guessColumns } from '../../data/dataset/dataset_columns';
import { InvariantError } from '../../lib/errors';
import type { Items } from '../../storage/item_store';
import { ITEM_TABLES, type MadeKind, type PartTable, type PlainRecord } from '../../storage/item_tables';
import { packValue, viewBytes } from '../../storage/packed_value';
import type { AdapterRecord, RowRecord } from '../../storage/records';
import { storedAdapterConfig } from '../library/adapter_library';
import { ITEM_RULES } from './made_items';

/** A file of an item; `path` begins at the item's folder. */
export interface ItemEntry {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Name of the file that holds the record. */
export const RECORD_FILE = 'record.json';
/** Lines beyond this many bytes go into a further file. */
const FILE_BYTES = 2 ** 25;

/** Files that are made while a row is packed. */
class SideFiles {
  readonly #folder: string;
  #made: ItemEntry[] = [];
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  readonly add = (bytes: Uint8Array<ArrayBuffer>, extension: string): string => {
    this.#count += 1;
    return this.named(`${this.#folder}/${this.#count}.${extension}`, bytes);
  };

  named(path: string, bytes: Uint8Array<ArrayBuffer>): string {
    this.#made.push({ path, bytes });
    return path;
  }

  take(): ItemEntry[] {
    const made = this.#made;
    this.#made = [];
    return made;
  }
}

/** Name of a table's file: `rows.jsonl`, `rows-2.jsonl` and so on. @param number from 1 */
export function tableFile({ file }: PartTable, number: number): string {
  return `${file}${number === 1 ? '' : `-${number}`}.jsonl`;
}

async function packRow(
  row: PlainRecord,
  table: PartTable,
  side: SideFiles,
  shown: (row: PlainRecord) => PlainRecord,
): Promise<string> {
  // What holds for every row of the item, or follows from the others.
  const own: Record<string, unknown> = { ...shown(row) };
  delete own[table.owner];
  if (table.sized) delete own.bytes;
  for (const { field, column, name } of table.files) {
    const value = row[field];
    delete own[field];
    const bytes =
      value instanceof ArrayBuffer ? new Uint8Array(value) : viewBytes(value as Uint8Array<ArrayBuffer>);
    own[column] = side.named(name(row), bytes);
  }
  return `${JSON.stringify(await packValue(own, side.add))}\n`;
}

async function* tableEntries(
  items: Items,
  table: PartTable,
  id: string,
  fileBytes = FILE_BYTES,
  shown = (row: PlainRecord): PlainRecord => row,
): AsyncGenerator<ItemEntry, { readonly rows: number; readonly files: number }> {
  const side = new SideFiles(table.file);
  const encoder = new TextEncoder();
  let [rows, files, bytes]: [number, number, number] = [0, 0, 0];
  let lines: Uint8Array<ArrayBuffer>[] = [];
  const file = (): ItemEntry => {
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const line of lines) {
      whole.set(line, at);
      at += line.length;
    }
    [lines, bytes, files] = [[], 0, files + 1];
    return { path: tableFile(table, files), bytes: whole };
  };
  for await (const row of items.parts(table.store, id)) {
    const line = encoder.encode(await packRow(row, table, side, shown));
    yield* side.take();
    if (bytes > 0 && bytes + line.length > fileBytes) yield file();
    lines.push(line);
    bytes += line.length;
    rows += 1;
  }
  if (rows > 0) yield file();
  return { rows, files };
}

/** What a row has of its own; the id of its set is left out. */
const FOLDER_COLUMNS = ['file_name', 'question', 'answer', 'response', 'system', 'datasetId'];

/** The name of a column beside {@link FOLDER_COLUMNS}: another one where it would be taken for one of these. */
function besideName(name: string): string {
  const { image, system } = guessColumns(['file_name', name]);
  const isTaken = FOLDER_COLUMNS.includes(name) || image !== FOLDER_COLUMNS[0] || system !== null;
  return isTaken ? `${name} (2)` : name;
}

/** A row with its columns side by side, as other programs have them. */
function folderRow(record: PlainRecord): PlainRecord {
  const { index: _, mimeType: __, columns = {}, imageName, ...own } = record as unknown as RowRecord;
  const beside = Object.entries(columns).map(([name, value]) => [besideName(name), value] as const);
  return { imageName, ...Object.fromEntries(beside), ...own };
}

/**
 * A dataset as an image folder: its pictures, and last one `metadata.jsonl` that names them, as the import of files and
 * Hugging Face datasets read it. The table is held until all pictures were handed on.
 */
export async function* imageFolder(items: Items, id: string): AsyncGenerator<ItemEntry> {
  for (const table of ITEM_TABLES.dataset.parts)
    yield* tableEntries(items, table, id, Number.POSITIVE_INFINITY, folderRow);
}

async function textOf(record: PlainRecord, without: readonly string[]): Promise<string> {
  const own = { ...record };
  for (const field of without) delete own[field];
  const packed = await packValue(own, () => {
    throw new InvariantError('A record holds no large bytes.');
  });
  return JSON.stringify(packed);
}

/** The record as it is written: without what follows from the parts. */
function recordText(kind: MadeKind, record: PlainRecord): Promise<string> {
  const { derived, settled } = ITEM_RULES[kind];
  return textOf(settled(record), derived);
}

/** What of a record makes it this one: not what it refers to, which may be called otherwise elsewhere, nor its last use. */
export function identityOf(kind: MadeKind, record: PlainRecord): Promise<string> {
  const { derived, passing = [], settled, withReferences } = ITEM_RULES[kind];
  return textOf(
    withReferences(settled(record), () => ''),
    [...derived, ...passing],
  );
}

/**
 * The files of an item, the record last; without it when the item was deleted meanwhile. What goes on meanwhile is written
 * as of a moment between beginning and end.
 */
export async function* itemEntries(items: Items, kind: MadeKind, id: string): AsyncGenerator<ItemEntry> {
  const tables: Record<string, { readonly rows: number; readonly files: number }> = {};
  for (const table of ITEM_TABLES[kind].parts) tables[table.file] = yield* tableEntries(items, table, id);
  const record = await items.record(kind, id);
  if (record === null) return;
  if (kind === 'adapter') {
    const bytes = storedAdapterConfig(record as unknown as AdapterRecord);
    yield { path: 'adapter_config.json', bytes };
  }
  const text = `{"kind":${JSON.stringify(kind)},"tables":${JSON.stringify(tables)},"record":${await recordText(kind, record)}}\n`;
  yield { path: RECORD_FILE, bytes: new TextEncoder().encode(text) };
}
