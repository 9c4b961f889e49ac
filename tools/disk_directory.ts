// Gives a folder on disk the part of the File System API with which src/storage/model_store_folder.ts fills the folder of a
// model, so that the command lines keep downloads in the same way as the page: in pieces, with a journal, a record last.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openAsBlob,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The DOMException that the platform of a page would throw for an error of Node's. */
function asPlatform(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const names: Readonly<Record<string, string>> = {
    ...{ ENOENT: 'NotFoundError', ENOSPC: 'QuotaExceededError', EDQUOT: 'QuotaExceededError' },
    ...{ EACCES: 'NotAllowedError', EROFS: 'NotAllowedError' },
  };
  const name = code === undefined ? undefined : names[code];
  return name === undefined ? error : new DOMException(message, name);
}

function platform<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asPlatform(error);
  }
}

/** An open file, as `createSyncAccessHandle` gives one. */
class SyncFile {
  readonly #file: number;

  constructor(path: string) {
    // Read and write, made where it is missing, its contents left.
    this.#file = platform(() => openSync(path, 'a+'));
    closeSync(this.#file);
    this.#file = platform(() => openSync(path, 'r+'));
  }

  read(buffer: Uint8Array, { at }: { readonly at: number }): number {
    return platform(() => readSync(this.#file, buffer, 0, buffer.length, at));
  }

  write(buffer: Uint8Array, { at }: { readonly at: number }): number {
    return platform(() => writeSync(this.#file, buffer, 0, buffer.length, at));
  }

  truncate(bytes: number): void {
    platform(() => ftruncateSync(this.#file, bytes));
  }

  getSize(): number {
    return fstatSync(this.#file).size;
  }

  flush(): void {
    platform(() => fsyncSync(this.#file));
  }

  close(): void {
    closeSync(this.#file);
  }
}

function fileHandle(path: string) {
  return {
    kind: 'file' as const,
    getFile: () => openAsBlob(path).catch((error) => Promise.reject(asPlatform(error))),
    createSyncAccessHandle: async () => new SyncFile(path),
    /** The new content takes the place of the old when it is closed, not before. */
    createWritable: async () => {
      let text = '';
      return {
        write: async (more: string) => {
          text += more;
        },
        close: async () => {
          try {
            await writeFile(`${path}.part`, text, { flush: true });
            await rename(`${path}.part`, path);
          } catch (error) {
            throw asPlatform(error);
          }
        },
      };
    },
  };
}

/** A folder on disk, made where it is missing. Names come from those who check them, as model_store_folder.ts does. */
export function diskDirectory(folder: string): FileSystemDirectoryHandle {
  platform(() => mkdirSync(folder, { recursive: true }));
  const handle = {
    kind: 'directory' as const,
    getFileHandle: async (name: string, options: { readonly create?: boolean } = {}) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found === null && options.create !== true)
        throw new DOMException(`${path} is not there.`, 'NotFoundError');
      return fileHandle(path);
    },
    removeEntry: async (name: string) => {
      await rm(join(folder, name)).catch((error) => Promise.reject(asPlatform(error)));
    },
  };
  return handle as unknown as FileSystemDirectoryHandle;
}
