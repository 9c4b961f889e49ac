// Model files in the origin private file system, one folder per model and commit. Files are written in pieces while they
// arrive, each with a line of a journal behind it, and a record is written last: a folder without a record holds parts
// from which a download goes on, never a model. Only a dedicated Worker may write.

import { StorageError } from '../lib/errors';
import { tryLock } from './locks';
import { storageFailure } from './quota';

/** What is known of a model that is here whole. */
export interface ModelRecord {
  readonly id: string;
  /** The branch, tag or commit that was asked for. */
  readonly revision: string;
  /** The commit that it meant. */
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string | null;
  }[];
}

/** How a model was last used. */
export interface ModelUse {
  /** Milliseconds since 1970. */
  readonly usedAt: number;
  /** The precision in which its weights were put on the device. */
  readonly precision: string;
}

/** A download that is not whole. */
export interface ModelPart {
  readonly id: string;
  readonly commit: string;
  /** Bytes that are kept. */
  readonly bytes: number;
}

/** A model that is open; nobody deletes or fills it meanwhile, here or in another tab. */
export interface OpenModel {
  readonly record: ModelRecord;
  /** Blobs that read on demand, by name. */
  readonly files: ReadonlyMap<string, File>;
  /** Lets others have it. */
  close(): void;
}

/** Pieces of a file that are kept, and the state of its hash after them. */
export interface StoredPart {
  readonly bytes: number;
  /** A state of hub/resumable_sha256.ts; empty where the bytes end within a block. */
  readonly hash: string;
}

/** A file while it is written. Each write is kept when it resolves. */
export interface StoredFileWriter {
  readonly kept: StoredPart | null;
  write(at: number, piece: Uint8Array<ArrayBuffer>, state: StoredPart): Promise<void>;
  discard(): Promise<void>;
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** A model's folder while it is filled; nobody else fills it meanwhile. */
export interface StoredModelWriter {
  isFinished(name: string): boolean;
  /** Bytes of a file that are kept already. */
  keptBytes(name: string): Promise<number>;
  file(name: string, bytes: number): Promise<StoredFileWriter>;
  /** Makes the model visible. Every file of the record must be finished. */
  commit(record: ModelRecord): Promise<void>;
  /** Gives the folder back, committed or not. */
  release(): void;
}

/** Synchronous access to a file, which the platform gives dedicated Workers alone (lib.dom leaves it out). */
interface SyncAccessHandle {
  read(buffer: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(buffer: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(bytes: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}
type SyncFileHandle = FileSystemFileHandle & { createSyncAccessHandle?(): Promise<SyncAccessHandle> };

const ROOT = 'models';
const RECORD = 'record.json';
const FINISHED = 'finished';
const USE = 'use.json';
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** The folder of a model at a commit: its id with the slash spelled out, and the commit. */
export function modelKey(id: string, commit: string): string {
  return `${id.replace('/', '~')}@${commit}`;
}

/** What {@link modelKey} made a key of; null for a folder of another kind. */
function ofKey(key: string): { id: string; commit: string } | null {
  const match = /^([^~@]+)~([^~@]+)@([0-9a-f]+)$/.exec(key);
  return match === null ? null : { id: `${match[1]}/${match[2]}`, commit: match[3] ?? '' };
}

const journalOf = (name: string): string => `journal-${name}`;
const lockName = (key: string): string => `look-back model ${key}`;

/** The models of this origin. */
export class ModelStore {
  async #root(create: boolean): Promise<FileSystemDirectoryHandle | null> {
    try {
      const storage = await navigator.storage.getDirectory();
      return await storage.getDirectoryHandle(ROOT, { create });
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageFailure(error, 'the stored models');
    }
  }

  /** Everything that is here whole. A folder whose record cannot be read is left out. */
  async list(): Promise<ModelRecord[]> {
    const root = await this.#root(false);
    const records: ModelRecord[] = [];
    for await (const handle of root?.values() ?? []) {
      const record = isFolder(handle) ? await readRecord(handle) : null;
      if (record !== null) records.push(record);
    }
    return records.sort((a, b) => a.id.localeCompare(b.id) || b.storedAt - a.storedAt);
  }

  /** Downloads that are not whole, and nobody is at work on. */
  async listParts(): Promise<ModelPart[]> {
    const root = await this.#root(false);
    const parts: ModelPart[] = [];
    for await (const handle of root?.values() ?? []) {
      const of = ofKey(handle.name);
      if (of === null || !isFolder(handle) || (await readRecord(handle)) !== null) continue;
      parts.push({ ...of, bytes: await folderBytes(handle) });
    }
    return parts;
  }

  /** How a model was last used; null where it never was. */
  async lastUse(key: string): Promise<ModelUse | null> {
    const folder = await this.#folder(key);
    if (folder === null) return null;
    try {
      const use = JSON.parse((await readLines(folder, USE)).join('\n')) as ModelUse;
      return Number.isFinite(use.usedAt) && typeof use.precision === 'string' ? use : null;
    } catch {
      return null;
    }
  }

  /** Notes that a model is used; a model that has gone meanwhile stays gone. */
  async noteUse(key: string, use: ModelUse): Promise<void> {
    const folder = await this.#folder(key);
    if (folder !== null) await replaceText(folder, USE, JSON.stringify(use));
  }

  /**
   * Opens a model; null where it is not here whole.
   * @throws StorageError `storage/model-damaged` when a file is not as long as it was, `storage/model-busy` while another
   * tab fills it
   */
  async open(key: string): Promise<OpenModel | null> {
    const folder = await this.#folder(key);
    if (folder === null || (await readRecord(folder)) === null) return null;
    const lock = await tryLock(lockName(key), 'shared');
    if (lock === null) throw beingLoaded(key);
    try {
      const record = await readRecord(folder);
      if (record === null) throw beingLoaded(key);
      const files = await wholeFiles(folder, record);
      return { record, files, close: () => lock.release() };
    } catch (error) {
      lock.release();
      throw storageFailure(error, 'a stored model');
    }
  }

  /**
   * Takes a model's folder to fill it, with what an earlier download left there.
   *
   * @throws StorageError `storage/model-busy` while another tab fills it
   */
  async write(key: string): Promise<StoredModelWriter> {
    const lock = await tryLock(lockName(key));
    if (lock === null) throw beingLoaded(key);
    try {
      const root = await this.#root(true);
      const folder = await root?.getDirectoryHandle(key, { create: true });
      if (folder === undefined)
        throw new StorageError('storage/unavailable', 'There is no file system to store in.');
      // What is about to change is no longer whole.
      await remove(folder, RECORD);
      const finished = new Set((await readLines(folder, FINISHED)).filter((name) => name !== ''));
      return new FolderWriter(folder, finished, () => lock.release());
    } catch (error) {
      lock.release();
      throw storageFailure(error, 'a model');
    }
  }

  /**
   * Deletes a model or the parts of one; its record goes first, so that it is never half there.
   * @returns bytes freed
   * @throws StorageError `storage/model-in-use` while it is open or being filled, here or in another tab
   */
  async delete(key: string): Promise<number> {
    const lock = await tryLock(lockName(key));
    if (lock === null) {
      const message =
        'This model is in use, here or in another tab: load another one there, or close that tab.';
      throw new StorageError('storage/model-in-use', message, { key });
    }
    try {
      const root = await this.#root(false);
      const folder = await this.#folder(key);
      if (root === null || folder === null) return 0;
      const bytes = await folderBytes(folder);
      await remove(folder, RECORD);
      await root.removeEntry(key, { recursive: true });
      return bytes;
    } catch (error) {
      throw storageFailure(error, 'a stored model');
    } finally {
      lock.release();
    }
  }

  async #folder(key: string): Promise<FileSystemDirectoryHandle | null> {
    const root = await this.#root(false);
    try {
      return (await root?.getDirectoryHandle(key)) ?? null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageFailure(error, 'a stored model');
    }
  }
}

class FolderWriter implements StoredModelWriter {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #finished: Set<string>;
  readonly #onRelease: () => void;

  constructor(folder: FileSystemDirectoryHandle, finished: Set<string>, onRelease: () => void) {
    this.#folder = folder;
    this.#finished = finished;
    this.#onRelease = onRelease;
  }

  isFinished(name: string): boolean {
    return this.#finished.has(name);
  }

  async keptBytes(name: string): Promise<number> {
    try {
      const folder = this.#folder;
      if (this.isFinished(name)) return (await (await folder.getFileHandle(name)).getFile()).size;
      return lastPart(await readLines(folder, journalOf(name)))?.bytes ?? 0;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw storageFailure(error, 'a stored model');
    }
  }

  async file(name: string, bytes: number): Promise<StoredFileWriter> {
    if (!NAME.test(name))
      throw new StorageError('storage/failed', `${name} is not a name that can be stored.`);
    const data = await openSync(this.#folder, name);
    try {
      const journal = await openSync(this.#folder, journalOf(name));
      return new JournalledFile(data, journal, bytes, () => this.#finish(name));
    } catch (error) {
      data.close();
      throw error;
    }
  }

  async #finish(name: string): Promise<void> {
    this.#finished.add(name);
    await replaceText(this.#folder, FINISHED, [...this.#finished].map((line) => `${line}\n`).join(''));
  }

  async commit(record: ModelRecord): Promise<void> {
    const missing = record.files.find(({ name }) => !this.#finished.has(name));
    if (missing !== undefined) {
      throw new StorageError('storage/failed', `${missing.name} is not whole yet; the model was not kept.`);
    }
    for (const { name } of record.files) await remove(this.#folder, journalOf(name));
    await replaceText(this.#folder, RECORD, JSON.stringify(record));
  }

  release(): void {
    this.#onRelease();
  }
}

/** A file beside its journal: one line `bytes hash` for each piece that lies safely in the file. */
class JournalledFile implements StoredFileWriter {
  readonly kept: StoredPart | null;
  readonly #data: SyncAccessHandle;
  readonly #journal: SyncAccessHandle;
  readonly #onFinish: () => Promise<void>;

  constructor(
    data: SyncAccessHandle,
    journal: SyncAccessHandle,
    bytes: number,
    onFinish: () => Promise<void>,
  ) {
    this.#data = data;
    this.#journal = journal;
    this.#onFinish = onFinish;
    const bytesOfJournal = new Uint8Array(journal.getSize());
    journal.read(bytesOfJournal, { at: 0 });
    const part = lastPart(new TextDecoder().decode(bytesOfJournal).split('\n'));
    this.kept = part !== null && part.bytes <= Math.min(bytes, data.getSize()) ? part : null;
  }

  async write(at: number, piece: Uint8Array<ArrayBuffer>, state: StoredPart): Promise<void> {
    try {
      if (at === 0) this.#journal.truncate(0);
      writeAll(this.#data, piece, at);
      this.#data.flush();
      writeAll(this.#journal, encode(`${state.bytes} ${state.hash}\n`), this.#journal.getSize());
      this.#journal.flush();
    } catch (error) {
      throw storageFailure(error, 'a model');
    }
  }

  async discard(): Promise<void> {
    this.#journal.truncate(0);
    this.#journal.flush();
    this.#data.truncate(0);
  }

  finish(): Promise<void> {
    return this.#onFinish();
  }

  async close(): Promise<void> {
    this.#data.close();
    this.#journal.close();
  }
}

const encode = (text: string): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

function writeAll(handle: SyncAccessHandle, bytes: Uint8Array<ArrayBuffer>, at: number): void {
  const written = handle.write(bytes, { at });
  if (written !== bytes.length) throw new DOMException('the disk took only a part', 'QuotaExceededError');
}

/** The last whole line of a journal; a line that a crash cut short is passed over. */
function lastPart(lines: readonly string[]): StoredPart | null {
  for (const line of lines.slice(0, -1).reverse()) {
    const match = /^(\d{1,16}) ([0-9a-f]{64}:\d{1,16})$/.exec(line);
    if (match?.[2] !== undefined) return { bytes: Number(match[1]), hash: match[2] };
  }
  return null;
}

function beingLoaded(key: string): StorageError {
  const message = 'Another tab is loading this model. Wait until it has finished, then load it here.';
  return new StorageError('storage/model-busy', message, { key });
}

/** Bytes of all files of a folder. */
async function folderBytes(folder: FileSystemDirectoryHandle): Promise<number> {
  let bytes = 0;
  for await (const handle of folder.values()) {
    if (handle.kind === 'file') bytes += (await (handle as FileSystemFileHandle).getFile()).size;
  }
  return bytes;
}

/** The files of a record. @throws StorageError `storage/model-damaged` naming one that is not as long as it was */
async function wholeFiles(
  folder: FileSystemDirectoryHandle,
  { id, files }: ModelRecord,
): Promise<ReadonlyMap<string, File>> {
  const whole = new Map<string, File>();
  for (const { name, bytes } of files) {
    const file = await folder
      .getFileHandle(name)
      .then((handle) => handle.getFile())
      .catch(() => null);
    const found = file?.size ?? 0;
    if (file === null || found !== bytes) {
      const message = `${name} of ${id} has ${found} bytes on this device instead of ${bytes}: it has to be fetched again.`;
      throw new StorageError('storage/model-damaged', message, { file: name, id });
    }
    whole.set(name, file);
  }
  return whole;
}

function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

function isFolder(handle: FileSystemHandle): handle is FileSystemDirectoryHandle {
  return handle.kind === 'directory';
}

async function remove(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  await folder.removeEntry(name).catch((error: unknown) => {
    if (!isMissing(error)) throw storageFailure(error, 'a stored model');
  });
}

async function openSync(folder: FileSystemDirectoryHandle, name: string): Promise<SyncAccessHandle> {
  try {
    const handle: SyncFileHandle = await folder.getFileHandle(name, { create: true });
    if (handle.createSyncAccessHandle !== undefined) return await handle.createSyncAccessHandle();
    throw new StorageError('storage/unavailable', 'This browser cannot keep models: use a current one.');
  } catch (error) {
    throw storageFailure(error, 'a model');
  }
}

/** Writes a small file whole: `createWritable` puts the new content in place only when it is closed. */
async function replaceText(folder: FileSystemDirectoryHandle, name: string, text: string): Promise<void> {
  try {
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await file.write(text);
    await file.close();
  } catch (error) {
    throw storageFailure(error, 'a model');
  }
}

async function readLines(folder: FileSystemDirectoryHandle, name: string): Promise<string[]> {
  try {
    return (await (await (await folder.getFileHandle(name)).getFile()).text()).split('\n');
  } catch (error) {
    if (isMissing(error)) return [];
    throw storageFailure(error, 'a stored model');
  }
}

async function readRecord(folder: FileSystemDirectoryHandle): Promise<ModelRecord | null> {
  const text = (await readLines(folder, RECORD)).join('\n');
  try {
    const record = text === '' ? null : (JSON.parse(text) as ModelRecord);
    return record !== null && typeof record.id === 'string' && Array.isArray(record.files) ? record : null;
  } catch {
    return null;
  }
}
