// Lends files of the browser's own, in the origin private file system, for what is made here to be saved elsewhere. They are
// removed when the next one is made, or when they are an hour old: a download reads from them meanwhile.

import { storageFailure } from './quota';

const FOLDER = 'scratch';
const MOST_AGE_MS = 3_600_000;

async function folder(create: boolean): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create });
}

/** A new file; those before it are removed. @throws StorageError as what is stored fails */
export async function scratchFile(name: string): Promise<FileSystemFileHandle> {
  try {
    const scratch = await folder(true);
    await removeScratch(0);
    return await scratch.getFileHandle(name, { create: true });
  } catch (error) {
    throw storageFailure(error, 'a file for the download');
  }
}

/**
 * Removes files that are older than `age`. One that somebody still writes stays. Rejects where there never was one.
 * @param age in milliseconds; an hour by default
 * @param date milliseconds since 1970
 */
export async function removeScratch(age = MOST_AGE_MS, date = Date.now()): Promise<void> {
  const scratch = await folder(false);
  const names: string[] = [];
  for await (const [name, handle] of scratch.entries()) {
    if (handle.kind !== 'file') continue;
    const { lastModified } = await (handle as FileSystemFileHandle).getFile();
    if (date - lastModified >= age) names.push(name);
  }
  for (const name of names) await scratch.removeEntry(name).catch(() => undefined);
}
