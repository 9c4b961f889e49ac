// Fills the folder of one model in the origin private file system. Files are written in pieces while they arrive, each with
// a line of a journal behind it, and a record is written last: without it the folder holds parts of a download.

import { StorageError } from '../lib/errors';
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

/** File of the record. */
export const RECORD = 'record.json';
const FINISHED = 'finished';
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** A small file is replaced once in a download or a use. */
const MOST_READS = 5;

const journalOf = (name: string): string => `journal-${name}`;

/** Takes a folder to fill it, with what an earlier download left there. @param onRelease gives the folder back */
export async function fillFolder(
  folder: FileSystemDirectoryHandle,
  onRelease: () => void,
): Promise<StoredModelWriter> {
  // What is about to change is no longer whole.
  await remove(folder, RECORD);
  const finished = new Set((await readLines(folder, FINISHED)).filter((name) => name !== ''));
  return new FolderWriter(folder, finished, onRelease);
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

/** Whether a file or folder is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

/** Removes a file, which may be missing. */
export async function remove(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
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
export async function replaceText(
  folder: FileSystemDirectoryHandle,
  name: string,
  text: string,
): Promise<void> {
  try {
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await file.write(text);
    await file.close();
  } catch (error) {
    throw storageFailure(error, 'a model');
  }
}

/** Lines of a small text file; none where it is missing. One that another tab replaces meanwhile is read again. */
export async function readLines(folder: FileSystemDirectoryHandle, name: string): Promise<string[]> {
  for (let tries = 1; ; tries++) {
    try {
      return (await (await (await folder.getFileHandle(name)).getFile()).text()).split('\n');
    } catch (error) {
      if (isMissing(error)) return [];
      const replaced = error instanceof DOMException && error.name === 'NotReadableError';
      if (!replaced || tries === MOST_READS) throw storageFailure(error, 'a stored model');
    }
  }
}
