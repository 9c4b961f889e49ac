// Keeps models in the origin private file system, one folder per model and commit (model_store_folder.ts): lists, opens and
// deletes them, and lends a folder to whoever fills it. A folder without a record holds parts from which a download goes
// on, never a model. Only a dedicated Worker may write.

import { StorageError } from '../lib/errors';
import { tryLock } from './locks';
import {
  fillFolder,
  isMissing,
  type ModelRecord,
  RECORD,
  readLines,
  remove,
  replaceText,
  type StoredModelWriter,
} from './model_store_folder';
import { storageFailure } from './quota';

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

const ROOT = 'models';
const USE = 'use.json';

/** The folder of a model at a commit: its id with the slash spelled out, and the commit. */
export function modelKey(id: string, commit: string): string {
  return `${id.replace('/', '~')}@${commit}`;
}

/** What {@link modelKey} made a key of; null for a folder of another kind. */
function ofKey(key: string): { id: string; commit: string } | null {
  const match = /^([^~@]+)~([^~@]+)@([0-9a-f]+)$/.exec(key);
  return match === null ? null : { id: `${match[1]}/${match[2]}`, commit: match[3] ?? '' };
}

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
    for await (const handle of entriesOf(root)) {
      const record = isFolder(handle) ? await readRecord(handle) : null;
      if (record !== null) records.push(record);
    }
    return records.sort((a, b) => a.id.localeCompare(b.id) || b.storedAt - a.storedAt);
  }

  /** Downloads that are not whole, and nobody is at work on. */
  async listParts(): Promise<ModelPart[]> {
    const root = await this.#root(false);
    const parts: ModelPart[] = [];
    for await (const handle of entriesOf(root)) {
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
      return await fillFolder(folder, () => lock.release());
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

function beingLoaded(key: string): StorageError {
  const message = 'Another tab is loading this model. Wait until it has finished, then load it here.';
  return new StorageError('storage/model-busy', message, { key });
}

/** What a folder holds; one that another tab deletes meanwhile holds nothing more. */
async function* entriesOf(folder: FileSystemDirectoryHandle | null): AsyncGenerator<FileSystemHandle> {
  try {
    for await (const handle of folder?.values() ?? []) yield handle;
  } catch (error) {
    if (!isMissing(error)) throw storageFailure(error, 'the stored models');
  }
}

/** Bytes of all files of a folder; files that another tab deletes meanwhile have none. */
async function folderBytes(folder: FileSystemDirectoryHandle): Promise<number> {
  let bytes = 0;
  for await (const handle of entriesOf(folder)) {
    if (handle.kind !== 'file') continue;
    try {
      bytes += (await (handle as FileSystemFileHandle).getFile()).size;
    } catch (error) {
      if (!isMissing(error)) throw storageFailure(error, 'the stored models');
    }
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

function isFolder(handle: FileSystemHandle): handle is FileSystemDirectoryHandle {
  return handle.kind === 'directory';
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
