// Model files in the origin private file system, one folder per model and commit. Files are written in pieces while they
// arrive, each with a line of a journal behind it, and a record is written last: a folder without a record holds parts
// from which a download goes on, never a model. Only a dedicated Worker may write.

import { StorageError } from '../lib/errors';
import { tryLock } from './locks';
import { storageFailure } from './quota';

/** What is known of a model that is here whole. */
export interface ModelRecord {
  readonly id: string;
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string | null;
  }[];
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
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** The folder of a model at a commit: its id with the slash spelled out, and the commit. */
export function modelKey(id: string, commit: string): string {
  return `${id.replace('/', '~')}@${commit}`;
}

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

  /** A model's files by name as blobs that read on demand, or null where it is not here whole. */
  async open(key: string): Promise<{ record: ModelRecord; files: ReadonlyMap<string, File> } | null> {
    const folder = await this.#folder(key);
    const record = folder === null ? null : await readRecord(folder);
    if (folder === null || record === null) return null;
    const files = new Map<string, File>();
    for (const { name, bytes } of record.files) {
      const file = await (await folder.getFileHandle(name)).getFile();
      if (file.size !== bytes) {
        const message = `${name} of ${record.id} has ${file.size} bytes on this device instead of ${bytes}: it has to be fetched again.`;
        throw new StorageError('storage/model-damaged', message, { file: name, id: record.id });
      }
      files.set(name, file);
    }
    return { record, files };
  }

  /**
   * Takes a model's folder to fill it, with what an earlier download left there.
   *
   * @throws StorageError `storage/model-busy` while another tab fills it
   */
  async write(key: string): Promise<StoredModelWriter> {
    const lock = await tryLock(`look-back model ${key}`);
    if (lock === null) {
      const message = 'Another tab is loading this model. Wait until it has finished, then load it here.';
      throw new StorageError('storage/model-busy', message, { key });
    }
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

  /** Deletes a model or the parts of one; its record goes first, so that it is never half there. */
  async delete(key: string): Promise<void> {
    const root = await this.#root(false);
    const folder = await this.#folder(key);
    if (root === null || folder === null) return;
    await remove(folder, RECORD);
    await root.removeEntry(key, { recursive: true });
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

  async file(name: string, bytes: number): Promise<StoredFileWriter> {
    if (!NAME.test(name))
      throw new StorageError('storage/failed', `${name} is not a name that can be stored.`);
    const data = await openSync(this.#folder, name);
    try {
      const journal = await openSync(this.#folder, `journal-${name}`);
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
    for (const { name } of record.files) await remove(this.#folder, `journal-${name}`);
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
    const part = lastPart(journal);
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
function lastPart(journal: SyncAccessHandle): StoredPart | null {
  const bytes = new Uint8Array(journal.getSize());
  journal.read(bytes, { at: 0 });
  const lines = new TextDecoder().decode(bytes).split('\n');
  for (const line of lines.slice(0, -1).reverse()) {
    const match = /^(\d{1,16}) ([0-9a-f]{64}:\d{1,16})$/.exec(line);
    if (match?.[2] !== undefined) return { bytes: Number(match[1]), hash: match[2] };
  }
  return null;
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
