// Opens a backup, which is untrusted: checks the zip and its list of contents, and reads items from their folders, each row
// checked before it is handed on. A backup of a newer page is refused whole, as is a zip with a dishonest name.

import * as v from 'valibot';
import { LineSplitter } from '../../data/dataset/row_scanner';
import { openZip, type ZipEntry, type ZipReader } from '../../data/dataset/zip_reader';
import { DataError, LookBackError, StorageError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { MIGRATIONS } from '../../storage/database';
import {
  type FileField,
  ITEM_KINDS,
  ITEM_TABLES,
  type MadeKind,
  type PartTable,
  type PlainRecord,
} from '../../storage/item_tables';
import { arrayOf, unpackValue } from '../../storage/packed_value';
import { RECORD_FILE, tableFile } from './item_entries';
import { recordFault } from './record_schemas';

/** Name of the list of contents. */
export const MANIFEST_FILE = 'library.json';
/** What the list of contents says first. */
export const BACKUP_FORMAT = 'look-back library';
/** The form of the records, which is that of the stores: a newer page's may not be understood. */
export const BACKUP_VERSION = MIGRATIONS.length;

const LIMITS = { maxFiles: 1_000_000, maxRatio: 300 };
const MIB = 2 ** 20;
/** Bounds in bytes: the list of contents, one record, one line, one table, and bytes that a line names. */
const MOST = { manifest: 16 * MIB, record: 16 * MIB, line: 128 * MIB, table: 2 ** 31, named: 256 * MIB };

const text = (most: number) => v.pipe(v.string(), v.maxLength(most));
const MANIFEST = v.object({
  createdAt: v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15)),
  items: v.array(v.object({ kind: v.picklist(ITEM_KINDS), name: text(1000), folder: text(1000) })),
  models: v.array(v.object({ id: text(400), revision: text(400), commit: text(200) })),
  settings: v.record(v.pipe(v.string(), v.regex(/^look-back\/[\w-]{1,100}$/)), text(MIB)),
});

/** What a backup says that it holds. */
export type Manifest = v.InferOutput<typeof MANIFEST>;

/** The error of a file that is no backup, or not whole. */
function noBackup(file: string, reason: string, cause?: unknown): StorageError {
  return new StorageError('storage/backup', `${file} cannot be restored: ${reason}.`, { file }, cause);
}

/** Why something could not be read, as the end of a sentence. */
function reasonOf(error: unknown): string {
  return error instanceof LookBackError ? error.message.replace(/\.$/, '') : 'it is damaged';
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new DataError('data/row', 'it is not valid JSON', {}, error);
  }
}

/** An item in its folder. */
export class ItemFolder {
  readonly kind: MadeKind;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly #reader: ZipReader;
  readonly #folder: string;

  constructor(reader: ZipReader, folder: string, kind: MadeKind, entries: ReadonlyMap<string, ZipEntry>) {
    [this.#reader, this.#folder, this.kind, this.entries] = [reader, folder, kind, entries];
  }

  /** Bytes of all its files. */
  get bytes(): number {
    return [...this.entries.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #fail(path: string, reason: string, cause?: unknown): never {
    throw noBackup(`${this.#folder}/${path}`, reason, cause);
  }

  async #read(path: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
    const entry = this.entries.get(path);
    if (entry === undefined) this.#fail(path, 'it is missing');
    return this.#reader.bytes(entry, most);
  }

  /** The record, with the number of rows and files of each table. @throws StorageError `storage/backup` */
  async record(): Promise<{
    readonly record: PlainRecord;
    readonly tables: Readonly<Record<string, { readonly rows: number; readonly files: number }>>;
  }> {
    const shape = v.object({
      kind: v.literal(this.kind),
      tables: v.record(text(100), v.object({ rows: v.number(), files: v.number() })),
      record: v.record(text(200), v.unknown()),
    });
    const found = v.safeParse(shape, parsed(await this.#read(RECORD_FILE, MOST.record)));
    if (!found.success) this.#fail(RECORD_FILE, `it is no record of a ${this.kind}`);
    const record = await unpackValue(found.output.record, async (path) =>
      this.#fail(path, 'it is not expected'),
    );
    const fault = recordFault(ITEM_TABLES[this.kind].record, record);
    if (fault !== null) this.#fail(RECORD_FILE, fault);
    return { record: record as PlainRecord, tables: found.output.tables };
  }

  /** The rows of a table, without the id of the item. @throws StorageError `storage/backup` naming the file and the line */
  async *rows(
    table: PartTable,
    said: { readonly rows: number; readonly files: number } | undefined,
  ): AsyncGenerator<PlainRecord> {
    let count = 0;
    for (let number = 1; number <= (said?.files ?? 0); number++) {
      const path = tableFile(table, number);
      let line = 0;
      for await (const bytes of this.#lines(path)) {
        line += 1;
        count += 1;
        yield await this.#row(table, bytes).catch((error: unknown) =>
          this.#fail(`${path}, line ${line}`, reasonOf(error), error),
        );
      }
    }
    if (count !== (said?.rows ?? 0)) this.#fail(table.file, `it has ${count} of ${said?.rows ?? 0} rows`);
  }

  async *#lines(path: string): AsyncGenerator<Uint8Array> {
    const entry = this.entries.get(path);
    if (entry === undefined) this.#fail(path, 'it is missing');
    let lines: Uint8Array[] = [];
    const splitter = new LineSplitter(MOST.line, (line) => {
      if (line === null) this.#fail(path, `a line has more than ${formatBytes(MOST.line)}`);
      lines.push(line);
    });
    for await (const chunk of this.#reader.chunks(entry, MOST.table)) {
      splitter.push(chunk);
      yield* lines;
      lines = [];
    }
    splitter.end();
    yield* lines;
  }

  async #row(table: PartTable, bytes: Uint8Array): Promise<PlainRecord> {
    const packed = parsed(bytes) as Record<string, unknown> | null;
    if (typeof packed !== 'object' || packed === null || Array.isArray(packed))
      throw new DataError('data/row', 'it is no object');
    const value = (await unpackValue(packed, (path) => this.#read(path, MOST.named))) as Record<
      string,
      unknown
    >;
    for (const field of table.files) {
      const path = value[field.column];
      delete value[field.column];
      value[field.field] = await this.#fileField(field, path);
    }
    const fault = recordFault(table.store, value);
    if (fault !== null) throw new DataError('data/row', fault);
    return value;
  }

  async #fileField({ column, as, most }: FileField, path: unknown): Promise<unknown> {
    if (typeof path !== 'string') throw new DataError('data/row', `${column} names no file`);
    const bytes = await this.#read(path, most);
    return as === 'ArrayBuffer' ? bytes.buffer : arrayOf(as, bytes);
  }
}

/** A backup that was opened. */
export interface OpenBackup {
  readonly manifest: Manifest;
  /** Of each item of the manifest. */
  readonly folders: readonly ItemFolder[];
}

async function openArchive(blob: Blob, file: string): Promise<ZipReader> {
  const reader = await openZip(blob, file, LIMITS).catch((error: unknown): never => {
    if (!(error instanceof DataError)) throw error;
    throw noBackup(file, 'it is no zip, or it is damaged or cut off: copy or download it again', error);
  });
  const [refused] = reader.refused;
  if (refused !== undefined) throw noBackup(file, `"${refused.path}" ${refused.reason}`);
  return reader;
}

async function readManifest(reader: ZipReader, file: string): Promise<Manifest> {
  const entry = reader.entries.find(({ path }) => path === MANIFEST_FILE);
  if (entry === undefined)
    throw noBackup(
      file,
      `it holds no ${MANIFEST_FILE}, so it was not made by exporting everything; adapters and datasets are imported on their own`,
    );
  let json: unknown;
  try {
    json = parsed(await reader.bytes(entry, MOST.manifest));
  } catch (error) {
    throw noBackup(file, `${MANIFEST_FILE}: ${reasonOf(error)}`, error);
  }
  const { format, version } = (json ?? {}) as { readonly format?: unknown; readonly version?: unknown };
  if (format !== BACKUP_FORMAT || typeof version !== 'number')
    throw noBackup(file, `its ${MANIFEST_FILE} is of another program`);
  if (version > BACKUP_VERSION)
    throw new StorageError(
      'storage/backup-newer',
      `${file} was made by a newer version of this page: reload the page, or restore it there.`,
      { file, version, known: BACKUP_VERSION },
    );
  const found = v.safeParse(MANIFEST, json);
  if (found.success) return found.output;
  const [issue] = found.issues;
  throw noBackup(file, `${MANIFEST_FILE}: ${v.getDotPath(issue) ?? ''} ${issue.message}`);
}

/** Entries by the folder of the item that they belong to. */
function byFolder(entries: readonly ZipEntry[]): Map<string, Map<string, ZipEntry>> {
  const folders = new Map<string, Map<string, ZipEntry>>();
  for (const entry of entries) {
    const end = entry.path.indexOf('/', entry.path.indexOf('/') + 1);
    if (end < 0) continue;
    const folder = entry.path.slice(0, end);
    const own = folders.get(folder) ?? new Map<string, ZipEntry>();
    own.set(entry.path.slice(end + 1), entry);
    folders.set(folder, own);
  }
  return folders;
}

/**
 * Opens a backup and reads what it says that it holds.
 * @param file its name, for messages
 * @throws StorageError `storage/backup` saying what is wrong with it, `storage/backup-newer`
 */
export async function openBackup(blob: Blob, file: string): Promise<OpenBackup> {
  const reader = await openArchive(blob, file);
  const manifest = await readManifest(reader, file);
  const folders = byFolder(reader.entries);
  const named = new Set(manifest.items.map(({ folder }) => folder));
  if (named.size < manifest.items.length) throw noBackup(file, `its ${MANIFEST_FILE} names a folder twice`);
  return {
    manifest,
    folders: manifest.items.map(
      ({ kind, folder }) => new ItemFolder(reader, folder, kind, folders.get(folder) ?? new Map()),
    ),
  };
}
