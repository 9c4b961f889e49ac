// Reads the files that a command line names. Devices, pipes and folders are refused at once: reading `/dev/zero` would
// never end, and a pipe without a writer would wait for ever.

import { readFile, stat } from 'node:fs/promises';
import { DataError } from '../src/lib/errors';
import { formatBytes } from '../src/lib/format';

/**
 * Bytes of a regular file.
 * @param limit largest file in bytes
 * @throws DataError `data/file` naming the file and what it is instead
 */
export async function readRegularFile(
  file: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const size = await regularFileSize(file);
  if (size > limit)
    throw new DataError(
      'data/file',
      `${file} has ${formatBytes(size)}; up to ${formatBytes(limit)} are read.`,
      {
        file,
      },
    );
  return new Uint8Array(await readFile(file).catch((error: NodeJS.ErrnoException) => refuse(file, error)));
}

/** Bytes that a regular file has. Throws DataError `data/file` when it is none, naming what it is. */
export async function regularFileSize(file: string): Promise<number> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => refuse(file, error));
  if (found.isFile()) return found.size;
  const kind = found.isDirectory() ? 'a folder' : found.isFIFO() ? 'a pipe' : 'a device or socket';
  throw new DataError('data/file', `${file} is ${kind}: name a regular file.`, { file });
}

function refuse(file: string, error: NodeJS.ErrnoException): never {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'it may not be read',
  };
  throw new DataError(
    'data/file',
    `${file}: ${reasons[error.code ?? ''] ?? error.message}.`,
    { file },
    error,
  );
}
