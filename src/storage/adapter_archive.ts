// Packs a PEFT pair into one zip, and reads a pair from a zip, from the files of a folder or from its two files, for the
// page and the command line alike. Nothing but adapter_config.json and adapter_model.safetensors is ever read, each up to
// a size that is checked before and while it is; a zip with a dishonest name is refused whole.

import { type Zippable, zipSync } from 'fflate';
import { openZip, type ZipEntry, type ZipReader } from '../data/dataset/zip_reader';
import { DataError, StorageError } from '../lib/errors';
import { formatBytes, formatList } from '../lib/format';

/** The two files of an adapter. */
export interface AdapterPair {
  /** adapter_config.json */
  readonly config: Uint8Array<ArrayBuffer>;
  /** adapter_model.safetensors */
  readonly weights: Uint8Array<ArrayBuffer>;
}

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';

/** A file as it was handed over: `path` begins at what was dropped, picked or named. */
export interface AdapterFile {
  readonly path: string;
  readonly blob: Blob;
}

/** Bounds of an archive; the defaults hold rank 64 on every projection of a 7B model. */
export interface ArchiveLimits {
  readonly maxConfigBytes: number;
  readonly maxWeightsBytes: number;
  /** Entries of the zip, ignored ones included. */
  readonly maxFiles: number;
  /** Uncompressed over compressed bytes. */
  readonly maxRatio: number;
}

/** Bounds of every adapter that is read. */
export const ADAPTER_LIMITS: ArchiveLimits = {
  maxConfigBytes: 2 ** 20,
  maxWeightsBytes: 2 ** 30,
  maxFiles: 1000,
  maxRatio: 300,
};

/** Zip's oldest date: the same adapter gives the same bytes. */
const EPOCH = new Date(1980, 0, 1);

/**
 * Packs a pair into a zip, the files in its root.
 * @param card text of README.md; left out without it
 */
export function packAdapter({ config, weights }: AdapterPair, card?: string): Uint8Array<ArrayBuffer> {
  // Trained floats do not compress.
  const options = { level: 0, mtime: EPOCH } as const;
  const readme =
    card === undefined ? {} : { 'README.md': [new TextEncoder().encode(card), options] as const };
  return zipSync({
    ...readme,
    [CONFIG]: [config, options],
    [WEIGHTS]: [weights, options],
  } as Zippable) as Uint8Array<ArrayBuffer>;
}

/**
 * Reads a pair from what was handed over: a zip of it, the files of its folder, or the two files by themselves. What lies
 * beside the pair, or deeper than it, is passed over: a folder of training holds checkpoints of its adapter.
 * @param name of the adapter, for messages
 * @throws StorageError `storage/archive` naming what is missing, twice there, too large, or dishonest; DataError
 *   `data/zip` for a damaged zip
 */
export async function readAdapterFiles(
  files: readonly AdapterFile[],
  name: string,
  limits: ArchiveLimits = ADAPTER_LIMITS,
): Promise<AdapterPair> {
  const [only] = files;
  const isPart = /\/|\.(json|safetensors|bin)$/i;
  if (only !== undefined && files.length === 1 && !isPart.test(only.path))
    return unpackAdapter(only.blob, name, limits);
  const { config, weights } = findPair(files, name);
  return {
    config: await readBlob(config, limits.maxConfigBytes),
    weights: await readBlob(weights, limits.maxWeightsBytes),
  };
}

/** Throws StorageError `storage/archive` for a file of an adapter that is larger than what is read. */
export function checkAdapterSize(path: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  const message = `${path} has ${formatBytes(bytes)}; up to ${formatBytes(maxBytes)} are read.`;
  throw new StorageError('storage/archive', message, { path });
}

async function readBlob({ path, blob }: AdapterFile, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  checkAdapterSize(path, blob.size, maxBytes);
  return new Uint8Array(await blob.arrayBuffer());
}

/**
 * Reads a pair from a zip; a README and other files beside it are passed over.
 * @param name of the zip, for messages
 * @throws as {@link readAdapterFiles}
 */
export async function unpackAdapter(
  zip: Blob,
  name: string,
  limits: ArchiveLimits = ADAPTER_LIMITS,
): Promise<AdapterPair> {
  const reader = await openZip(zip, name, limits).catch((error: unknown): never => {
    if (!(error instanceof DataError) || error.code !== 'data/dataset-size') throw error;
    throw new StorageError('storage/archive', error.message, error.data, error);
  });
  const [refused] = reader.refused;
  if (refused) throw bad(name, `"${refused.path}" ${refused.reason}`, { path: refused.path });
  const { config, weights } = findPair(reader.entries, name);
  return {
    config: await readEntry(reader, config, limits.maxConfigBytes),
    weights: await readEntry(reader, weights, limits.maxWeightsBytes),
  };
}

/** The two files of one adapter among others. */
function findPair<F extends { readonly path: string }>(files: readonly F[], name: string) {
  // Archives made on a Mac carry a shadow of each file.
  const own = files.filter(({ path }) => !path.startsWith('__MACOSX/'));
  const [config, weights] = [findFile(own, name, CONFIG), findFile(own, name, WEIGHTS)];
  if (folderOf(config.path) !== folderOf(weights.path))
    throw bad(name, `${CONFIG} and ${WEIGHTS} lie in different folders`);
  return { config, weights };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function depthOf({ path }: { readonly path: string }): number {
  return path.split('/').length;
}

/** The file of that name that lies highest. */
function findFile<F extends { readonly path: string }>(
  files: readonly F[],
  adapter: string,
  file: string,
): F {
  const named = files.filter(({ path }) => path.slice(path.lastIndexOf('/') + 1) === file);
  const top = named.reduce((least, one) => Math.min(least, depthOf(one)), Number.POSITIVE_INFINITY);
  const found = named.filter((one) => depthOf(one) === top);
  const [entry, other] = found;
  if (other) throw bad(adapter, `it holds ${found.length} files named ${file}: choose one adapter`);
  if (entry && top > 2) throw bad(adapter, `${entry.path} lies too deep`);
  if (entry) return entry;
  if (files.some(({ path }) => path.endsWith('adapter_model.bin')))
    throw bad(adapter, 'adapter_model.bin is a pickle, which is never read: save it as safetensors');
  const names = files.map(({ path }) => path);
  throw bad(adapter, `${file} is missing; it holds ${formatList(names, 5) || 'nothing'}`);
}

async function readEntry(
  reader: ZipReader,
  entry: ZipEntry,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  checkAdapterSize(entry.path, entry.size, maxBytes);
  return reader.bytes(entry, maxBytes);
}

function bad(archive: string, reason: string, data: Record<string, unknown> = {}): StorageError {
  return new StorageError('storage/archive', `${archive} is no adapter: ${reason}.`, { archive, ...data });
}
