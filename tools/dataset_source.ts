// Opens a data set on disk for the command lines: a table with its pictures beside it, a folder, or a zip.
// The rows themselves are read by src/data/dataset/dataset_import.ts, as on the page. Of a folder every regular file is
// listed; of a table only the files that its rows name are looked up, so that nothing around it is scanned.

import { closeSync, type Dirent, openAsBlob, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { ImportFile, SourceFile } from '../src/data/dataset/dataset_files';
import { type ImportedDataset, readDataset } from '../src/data/dataset/dataset_import';
import type { ImportOptions } from '../src/data/dataset/import_options';
import { shorten } from '../src/data/dataset/import_problems';
import { DataError } from '../src/lib/errors';
import { formatBytes } from '../src/lib/format';

/** Files above which a folder is refused, as on the page. */
const MAX_FILES = 250_000;
const MAX_DEPTH = 64;
const CHUNK_BYTES = 2 ** 20;

/** What lies at a path. */
export interface OpenedPath {
  readonly kind: 'folder' | 'file';
  readonly files: readonly ImportFile[];
  /** What of a folder was not opened, and why. */
  readonly notes: readonly { readonly file: string; readonly reason: string }[];
  /** Finds a picture beside a table that was named alone; null for a folder. */
  readonly beside: ((path: string) => SourceFile | null) | null;
}

function unreadable(path: string, error: unknown): DataError {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const reason =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? 'there is no such file or folder'
      : code === 'EACCES' || code === 'EPERM'
        ? 'you may not read it'
        : error instanceof Error
          ? error.message
          : String(error);
  return new DataError('data/dataset-read', `${path}: ${reason}.`, { file: path }, error);
}

/** A picture beside a table; opened for each read, so that nothing needs closing. */
class DiskFile implements SourceFile {
  readonly path: string;
  readonly size: number;
  readonly position = 0;
  readonly #file: string;

  constructor(path: string, file: string, size: number) {
    [this.path, this.#file, this.size] = [path, file, size];
  }

  #read(from: number, to: number): Uint8Array<ArrayBuffer> {
    try {
      const handle = openSync(this.#file, 'r');
      try {
        const bytes = new Uint8Array(Math.max(0, Math.min(to, this.size) - from));
        let at = 0;
        while (at < bytes.length) {
          const count = readSync(handle, bytes, at, bytes.length - at, from + at);
          if (count === 0) break;
          at += count;
        }
        return bytes.subarray(0, at);
      } finally {
        closeSync(handle);
      }
    } catch (error) {
      throw unreadable(this.#file, error);
    }
  }

  async head(length: number): Promise<Uint8Array> {
    return this.#read(0, length);
  }

  async tail(length: number): Promise<Uint8Array> {
    return this.#read(Math.max(0, this.size - length), this.size);
  }

  async *chunks(maxBytes: number): AsyncGenerator<Uint8Array> {
    this.#check(maxBytes);
    for (let at = 0; at < this.size; at += CHUNK_BYTES) yield this.#read(at, at + CHUNK_BYTES);
  }

  async blob(type: string, maxBytes: number): Promise<Blob> {
    this.#check(maxBytes);
    return new Blob([this.#read(0, this.size)], { type });
  }

  #check(maxBytes: number): void {
    if (this.size <= maxBytes) return;
    const message = `${shorten(this.path)} has ${formatBytes(this.size)}; up to ${formatBytes(maxBytes)} are read: make it smaller.`;
    throw new DataError('data/dataset-size', message, { file: shorten(this.path) });
  }
}

/** Names of a folder by their folded form, as file systems without case see them; null where two share one. */
function foldedNames(folder: string): ReadonlyMap<string, string | null> {
  const names = new Map<string, string | null>();
  let list: string[] = [];
  try {
    list = readdirSync(folder);
  } catch {
    // What cannot be listed holds nothing that could be found.
  }
  for (const name of list) {
    const key = name.normalize('NFC').toLowerCase();
    names.set(key, names.has(key) ? null : name);
  }
  return names;
}

/** Looks up pictures below a folder by relative path, in other case where exactly one file can be meant. */
function lookupBelow(folder: string): (path: string) => SourceFile | null {
  const found = new Map<string, SourceFile | null>();
  const listed = new Map<string, ReadonlyMap<string, string | null>>();
  const open = (path: string, file: string): SourceFile | null => {
    const info = statSync(file, { throwIfNoEntry: false });
    return info?.isFile() ? new DiskFile(path, file, info.size) : null;
  };
  const inOtherCase = (path: string): SourceFile | null => {
    let at = folder;
    for (const segment of path.split('/')) {
      let names = listed.get(at);
      if (names === undefined) {
        names = foldedNames(at);
        listed.set(at, names);
      }
      const name = names.get(segment.normalize('NFC').toLowerCase());
      if (name === undefined || name === null) return null;
      at = join(at, name);
    }
    return open(path, at);
  };
  return (path) => {
    if (path.split('/').includes('..')) return null;
    const known = found.get(path);
    if (known !== undefined) return known;
    let file: SourceFile | null;
    try {
      file = open(path, join(folder, path)) ?? inOtherCase(path);
    } catch {
      // A path through a file, or one that is too long for the system: no such picture.
      file = null;
    }
    found.set(path, file);
    return file;
  };
}

/** Lists the regular files below a folder. Links to folders are noted and not followed; a link to a file is the file. */
class FolderListing {
  readonly paths: string[] = [];
  readonly notes: { file: string; reason: string }[] = [];
  readonly #root: string;
  readonly #folders: { readonly path: string; readonly depth: number }[];

  constructor(root: string) {
    this.#root = root;
    this.#folders = [{ path: root, depth: 0 }];
  }

  async list(signal: AbortSignal | undefined): Promise<this> {
    for (let next = this.#folders.pop(); next !== undefined; next = this.#folders.pop()) {
      signal?.throwIfAborted();
      const { path, depth } = next;
      try {
        for await (const item of await opendir(path)) await this.#take(item, path, depth);
      } catch (error) {
        if (error instanceof DataError) throw error;
        if (path === this.#root) throw unreadable(path, error);
        this.#note(path, 'could not be opened');
      }
    }
    this.paths.sort();
    return this;
  }

  #note(path: string, reason: string): void {
    this.notes.push({ file: relative(this.#root, path), reason });
  }

  async #take(item: Dirent, folder: string, depth: number): Promise<void> {
    const path = join(folder, item.name);
    if (item.isFile()) this.paths.push(path);
    else if (item.isDirectory() && depth < MAX_DEPTH) this.#folders.push({ path, depth: depth + 1 });
    else if (item.isDirectory()) this.#note(path, 'lies too deep and was not opened');
    else if (item.isSymbolicLink()) {
      const target = await stat(path).catch(() => null);
      if (target?.isFile()) this.paths.push(path);
      else if (target?.isDirectory()) this.#note(path, 'is a link to a folder, which is not followed');
    }
    if (this.paths.length + this.#folders.length > MAX_FILES) throw tooMany(this.#root);
  }
}

function tooMany(folder: string): DataError {
  const message = `${folder} holds more than ${MAX_FILES.toLocaleString('en')} files: name the folder that holds the data set alone, or pack it as a zip.`;
  return new DataError('data/dataset-size', message, { file: folder });
}

async function openFolder(root: string, signal: AbortSignal | undefined): Promise<OpenedPath> {
  const { paths, notes } = await new FolderListing(root).list(signal);
  const files: ImportFile[] = [];
  const unopened = [...notes];
  for (const path of paths) {
    const name = relative(root, path);
    try {
      files.push({ path: name, blob: await openAsBlob(path) });
    } catch {
      unopened.push({ file: name, reason: 'could not be opened' });
    }
  }
  return { kind: 'folder', files, notes: unopened, beside: null };
}

/**
 * Opens a path for {@link readDataset}.
 * @throws DataError `data/dataset-read` for a path that does not exist, cannot be read, or is neither a regular file nor
 * a folder; `data/dataset-size` for a folder of too many files
 */
export async function openDatasetPath(given: string, signal?: AbortSignal): Promise<OpenedPath> {
  const path = resolve(given);
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(given, error);
  });
  if (info.isDirectory()) return openFolder(path, signal);
  if (!info.isFile()) {
    throw new DataError('data/dataset-read', `${given} is neither a file nor a folder.`, { file: given });
  }
  try {
    // Opened once, as a blob reads later and would only then say that it may not.
    closeSync(openSync(path, 'r'));
    const files = [{ path: basename(path), blob: await openAsBlob(path) }];
    return { kind: 'file', files, notes: [], beside: lookupBelow(dirname(path)) };
  } catch (error) {
    throw unreadable(given, error);
  }
}

/** Reads a data set on disk as the page reads what is dropped on it. @throws what the two steps throw */
export async function readDatasetPath(
  path: string,
  options: ImportOptions,
): Promise<{ readonly opened: OpenedPath; readonly set: ImportedDataset }> {
  const opened = await openDatasetPath(path, options.signal);
  const beside = opened.beside ?? undefined;
  return { opened, set: await readDataset(opened.files, { ...options, beside }) };
}
