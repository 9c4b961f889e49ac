// Finds the tables among the files of an import: files, shards of one table, splits, what LLaMA-Factory's
// `dataset_info.json` lists, or folders of pictures that are named by class. The first one found is the one to read.
// Names of splits and shards are those of the Hugging Face `datasets` library (data_files.py, `-00000-of-00002`);
// a folder of each class is its `imagefolder`.

import { DataError, LookBackError } from '../../lib/errors';
import { formatList } from '../../lib/format';
import type { ImportColumns } from './dataset_columns';
import { extensionOf, type FileSet, isSystemFile, type SourceFile } from './dataset_files';
import { readTable, type TableReading } from './dataset_table';
import { unpackGzip } from './gzip_file';
import type { ImportLimits } from './import_limits';
import { type ProblemList, shorten } from './import_problems';
import { parseJson } from './json_text';
import { countParquet, readParquet } from './parquet_rows';
import { folderOf } from './path_index';
import type { EmitRow } from './row_scanner';
import { splitOfName, splitOfPath } from './split_names';

/** A file, or a folder of pictures, whose rows belong to a table. */
export interface TablePart {
  /** What rows are relative to, and what problems name. */
  readonly path: string;
  /** Bytes, for progress. */
  readonly size: number;
  /** Reads all rows, numbered from 1. See {@link readTable}. */
  read(limits: ImportLimits, onRow: EmitRow, reading: TableReading): Promise<void>;
  /** Rows where they are known without reading them all; else null. */
  count(limits: ImportLimits): Promise<number | null>;
}

/** A table that may be read. */
export interface DatasetTable {
  /** Unique among the tables of an import. */
  readonly name: string;
  readonly parts: readonly TablePart[];
  /** What the files say about the columns, beside their names. */
  readonly columns: Partial<ImportColumns>;
}

const LINES = ['.jsonl', '.ndjson', '.csv', '.tsv', '.parquet'];
const LISTS = ['.json'];
const UNREADABLE = [
  ...['.arrow', '.feather', '.xlsx', '.xls', '.ods', '.tar', '.tgz', '.gz', '.7z', '.rar', '.bz2'],
  ...['.xz', '.zst', '.pkl', '.npz', '.sqlite', '.db'],
];
const PICTURES = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp', '.avif'];
/** What programs keep beside tables: no rows. */
const NO_TABLES = [
  'dataset_infos.json',
  'dataset_dict.json',
  'state.json',
  'croissant.json',
  'dataset_info.json',
];
const SHARD = /-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$/i;
/** Tables that are not read are counted up to this size. */
const MAX_COUNTED_BYTES = 2 ** 25;
const MAX_INFO_BYTES = 2 ** 20;
/** More classes are not listed in the question. */
const MAX_LISTED_CLASSES = 50;

/** Extension of a table's form: that inside a `.gz`. */
function formOf(path: string): string {
  const form = extensionOf(path.replace(/\.gz$/i, ''));
  // Parquet compresses itself; what is packed once more is not read.
  return /\.gz$/i.test(path) && ![...LINES, ...LISTS].includes(form) ? '.gz' : form;
}

/** Whether a file may hold a table, by its name. */
export function isTableFile(path: string): boolean {
  return [...LINES, ...LISTS].includes(formOf(path));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function filePart(packed: SourceFile): TablePart {
  const file = unpackGzip(packed);
  const isParquet = extensionOf(file.path) === '.parquet';
  return {
    path: packed.path,
    size: packed.size,
    read: (limits, onRow, reading) => (isParquet ? readParquet : readTable)(file, limits, onRow, reading),
    count: async (limits) => (isParquet ? countParquet(file, limits) : null),
  };
}

/** Files that hold one table each, shards joined, in the order of their names. */
function fileTables(files: readonly SourceFile[]): DatasetTable[] {
  const byName = new Map<string, SourceFile[]>();
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const file of sorted) {
    const stem = file.path.replace(/\.gz$/i, '').replace(/\.[^./]*$/, '');
    const name = SHARD.test(stem) ? stem.replace(SHARD, '') : file.path;
    byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  return [...byName].map(([name, parts]) => ({ name, parts: parts.map(filePart), columns: {} }));
}

function own(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}

/** LLaMA-Factory's names of columns, its defaults among them. */
function factoryColumns(entry: object): Partial<ImportColumns> {
  const given = own(entry, 'columns');
  const columns = typeof given === 'object' && given !== null ? given : {};
  const name = (key: string, standard: string | null): string | null => {
    const value = own(columns, key);
    return typeof value === 'string' ? value : standard;
  };
  const isChat = own(entry, 'formatting') === 'sharegpt';
  const chat = isChat ? name('messages', 'conversations') : null;
  return {
    image: name('images', 'images'),
    question: chat ?? name('prompt', 'instruction'),
    response: chat ?? name('response', 'output'),
    system: name('system', null),
  };
}

/** Tables that a `dataset_info.json` of LLaMA-Factory lists, as far as their files are there. */
async function factoryTables(files: readonly SourceFile[]): Promise<DatasetTable[]> {
  const tables: DatasetTable[] = [];
  for (const info of files.filter(({ path }) => baseName(path) === 'dataset_info.json')) {
    if (info.size > MAX_INFO_BYTES) continue;
    let json: unknown;
    try {
      json = parseJson(await (await info.blob('', MAX_INFO_BYTES)).text());
    } catch {
      continue;
    }
    const folder = folderOf(info.path);
    for (const [name, entry] of Object.entries(json ?? {})) {
      const fileName: unknown =
        typeof entry === 'object' && entry !== null ? own(entry, 'file_name') : undefined;
      if (typeof fileName !== 'string') continue;
      const path = folder === '' ? fileName : `${folder}/${fileName}`;
      const file = files.find((one) => one.path === path && isTableFile(one.path));
      if (file !== undefined)
        tables.push({ name, parts: [filePart(file)], columns: factoryColumns(entry as object) });
    }
  }
  return tables;
}

/** One table for each split of folders that are named by class; none when there are fewer than two classes. */
function folderTables(files: readonly SourceFile[]): DatasetTable[] {
  const splits = new Map<string, { path: string; label: string; size: number }[]>();
  const classes = new Set<string>();
  for (const { path, size } of files) {
    const label = baseName(folderOf(path));
    if (label === '' || !PICTURES.includes(extensionOf(path)) || splitOfName(label) !== null) continue;
    const split = splitOfPath(folderOf(folderOf(path))) ?? 'train';
    classes.add(label);
    splits.set(split, [...(splits.get(split) ?? []), { path, label, size }]);
  }
  if (classes.size < 2) return [];
  const names = [...classes].sort();
  const choice = names.length > MAX_LISTED_CLASSES ? '' : ` Answer with one of: ${names.join(', ')}.`;
  const question = `What is in the picture?${choice}`;
  return [...splits].map(([name, pictures]) => {
    pictures.sort((a, b) => (a.path < b.path ? -1 : 1));
    const read: TablePart['read'] = async (_, onRow) => {
      for (const [index, { path, label }] of pictures.entries()) {
        onRow({
          row: index + 1,
          values: new Map<string, unknown>([
            ['image', path],
            ['question', question],
            ['label', label],
          ]),
        });
      }
    };
    const part: TablePart = { path: name, size: pictures.length, read, count: async () => pictures.length };
    return { name, parts: [part], columns: {} };
  });
}

function noTable(others: readonly SourceFile[]): DataError {
  const wanted =
    'a .jsonl, .json, .csv, .tsv or .parquet file whose rows name a picture, a question and an answer, or one folder of pictures for each answer';
  const unreadable = others.map(({ path }) => shorten(path));
  const isArrow = others.some(({ path }) => ['.arrow', '.feather'].includes(extensionOf(path)));
  const how = isArrow
    ? 'write it with to_parquet, or export it as JSON lines'
    : 'export it as JSON lines, or unpack it';
  const also = unreadable.length > 0 ? ` Not read: ${formatList(unreadable)}; ${how}.` : '';
  return new DataError('data/dataset-table', `There is no table: add ${wanted}.${also}`);
}

/** Several files of one form without the name of a split are one table, as for `load_dataset` of a folder. */
function joined(tables: readonly DatasetTable[]): DatasetTable | null {
  const [first] = tables;
  if (first === undefined || tables.length < 2) return null;
  const form = (table: DatasetTable): string => `${folderOf(table.name)}/${formOf(table.parts[0]!.path)}`;
  if (!tables.every((table) => form(table) === form(first))) return null;
  const folder = folderOf(first.name);
  const name = `${folder === '' ? '' : `${folder}/`}*${formOf(first.parts[0]!.path)}`;
  return { name, parts: tables.flatMap(({ parts }) => parts), columns: {} };
}

/** Training splits first, then tables of no split, then the others; lines before lists. */
function inOrder(tables: readonly DatasetTable[]): DatasetTable[] {
  const rank = ({ name, parts }: DatasetTable): number => {
    const split = splitOfPath(name);
    const kind = split === 'train' ? 0 : split === null ? 1 : 2;
    return 2 * kind + (LISTS.includes(formOf(parts[0]!.path)) ? 1 : 0);
  };
  return [...tables].sort((a, b) => rank(a) - rank(b));
}

/**
 * The tables of an import, at least one; the first is the one to read unless another is chosen.
 * @throws DataError `data/dataset-table` when there is none
 */
export async function findTables(set: FileSet): Promise<readonly DatasetTable[]> {
  const shown = set.files.filter(({ path }) => !isSystemFile(path));
  const listed = await factoryTables(shown);
  const taken = new Set(listed.flatMap(({ parts }) => parts.map(({ path }) => path)));
  const candidates = shown.filter(
    ({ path }) => isTableFile(path) && !taken.has(path) && !NO_TABLES.includes(baseName(path).toLowerCase()),
  );
  const tables = inOrder([...listed, ...fileTables(candidates)]);
  const plain = tables.filter(
    ({ name }) => splitOfPath(name) === null && !listed.some((table) => table.name === name),
  );
  const lines = plain.filter(({ parts }) => !LISTS.includes(formOf(parts[0]!.path)));
  const together = plain.length === tables.length ? joined(lines.length > 0 ? lines : plain) : null;
  const all = together === null ? tables : [together, ...tables];
  if (all.length === 0) {
    const folders = inOrder(folderTables(shown));
    if (folders.length > 0) return folders;
    throw noTable(shown.filter(({ path }) => UNREADABLE.includes(formOf(path))));
  }
  return all;
}

/** Lists the tables that are not read and are no other split, so that none is left out silently. */
export function listUnread(tables: readonly DatasetTable[], read: DatasetTable, problems: ProblemList): void {
  const paths = new Set(read.parts.map(({ path }) => path));
  for (const { name, parts } of tables) {
    if (parts.some(({ path }) => paths.has(path)) || splitOfPath(name) !== null) continue;
    problems.add(name, null, `was not read: the rows come from ${shorten(read.name)}`);
  }
}

/** Rows of a table: as its files state them, or by reading as far as that is quick; else null. */
export async function countRows(table: DatasetTable, limits: ImportLimits): Promise<number | null> {
  const bytes = table.parts.reduce((sum, { size }) => sum + size, 0);
  let count = 0;
  try {
    for (const part of table.parts) {
      const stated = await part.count(limits);
      if (stated === null && bytes > MAX_COUNTED_BYTES) return null;
      count += stated ?? 0;
      const add = (): void => {
        count += 1;
      };
      if (stated === null) await part.read(limits, add, {});
    }
  } catch (error) {
    // A table that is not read may be damaged: that matters once it is chosen.
    if (error instanceof LookBackError) return null;
    throw error;
  }
  return count;
}
