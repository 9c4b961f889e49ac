// Packs a PEFT pair into one zip and reads it back: adapter_config.json and adapter_model.safetensors, in the root or
// in one folder. Nothing but these two files is ever inflated, each up to a size that is checked before and while it
// is; a zip with a dishonest name is refused whole.

import { zipSync } from 'fflate';
import { openZip, type ZipEntry, type ZipReader } from '../data/dataset/zip_reader';
import { StorageError } from '../lib/errors';
import { formatList } from '../lib/format';

/** The two files of an adapter. */
export interface AdapterPair {
  /** adapter_config.json */
  readonly config: Uint8Array<ArrayBuffer>;
  /** adapter_model.safetensors */
  readonly weights: Uint8Array<ArrayBuffer>;
}

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';

/** Bounds of an archive; the defaults hold rank 64 on every projection of a 7B model. */
export interface ArchiveLimits {
  readonly maxConfigBytes: number;
  readonly maxWeightsBytes: number;
  /** Entries of the zip, ignored ones included. */
  readonly maxFiles: number;
  /** Uncompressed over compressed bytes. */
  readonly maxRatio: number;
}

const LIMITS: ArchiveLimits = {
  maxConfigBytes: 2 ** 20,
  maxWeightsBytes: 2 ** 30,
  maxFiles: 1000,
  maxRatio: 300,
};

/** Zip's oldest date: the same adapter gives the same bytes. */
const EPOCH = new Date(1980, 0, 1);

/** Packs a pair into a zip, the two files in its root. */
export function packAdapter({ config, weights }: AdapterPair): Uint8Array<ArrayBuffer> {
  // Trained floats do not compress.
  const options = { level: 0, mtime: EPOCH } as const;
  return zipSync({ [CONFIG]: [config, options], [WEIGHTS]: [weights, options] }) as Uint8Array<ArrayBuffer>;
}

/**
 * Reads a pair from a zip; a README and other files beside it are passed over.
 * @param name of the zip, for messages
 * @throws StorageError `storage/archive` naming what is missing, twice there, or dishonest; DataError `data/zip` for a
 *   damaged zip, `data/dataset-size` for one that holds too much
 */
export async function unpackAdapter(
  zip: Blob,
  name: string,
  limits: ArchiveLimits = LIMITS,
): Promise<AdapterPair> {
  const reader = await openZip(zip, name, limits);
  const [refused] = reader.refused;
  if (refused) throw bad(name, `"${refused.path}" ${refused.reason}`, { path: refused.path });
  const configEntry = findEntry(reader, name, CONFIG);
  const weightsEntry = findEntry(reader, name, WEIGHTS);
  if (folderOf(configEntry.path) !== folderOf(weightsEntry.path))
    throw bad(name, `${CONFIG} and ${WEIGHTS} lie in different folders`);
  return {
    config: await readEntry(reader, configEntry, limits.maxConfigBytes),
    weights: await readEntry(reader, weightsEntry, limits.maxWeightsBytes),
  };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function findEntry(reader: ZipReader, archive: string, file: string): ZipEntry {
  // Archives made on a Mac carry a shadow of each file.
  const paths = reader.entries.filter(({ path }) => !path.startsWith('__MACOSX/'));
  const found = paths.filter(({ path }) => path.slice(path.lastIndexOf('/') + 1) === file);
  const [entry, other] = found;
  if (other) throw bad(archive, `it holds ${found.length} files named ${file}: make a zip of one adapter`);
  if (entry && entry.path.split('/').length > 2) throw bad(archive, `${entry.path} lies too deep`);
  if (entry) return entry;
  if (paths.some(({ path }) => path.endsWith('adapter_model.bin')))
    throw bad(archive, 'adapter_model.bin is a pickle, which is never read: save it as safetensors');
  const names = paths.map(({ path }) => path);
  throw bad(archive, `${file} is missing; it holds ${formatList(names, 5) || 'nothing'}`);
}

async function readEntry(
  reader: ZipReader,
  entry: ZipEntry,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of reader.chunks(entry, maxBytes)) parts.push(part);
  const bytes = new Uint8Array(entry.size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function bad(archive: string, reason: string, data: Record<string, unknown> = {}): StorageError {
  return new StorageError('storage/archive', `${archive} is no adapter: ${reason}.`, { archive, ...data });
}
