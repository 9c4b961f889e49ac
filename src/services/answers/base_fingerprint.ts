// Computes the fingerprint of a base model, SHA-256 of its weights, by which an adapter knows what it was made for.
// The same weight files have the same fingerprint wherever they come from: for one file it is what `sha256sum
// model.safetensors` prints, for shards the hash of their hashes in order of name.

import { bytesToHex } from '@noble/hashes/utils.js';
import { ModelError } from '../../lib/errors';
import { type ModelFiles, readModelJson } from '../../model/vision_language_model';
import type { ModelRecord } from '../../storage/model_store_folder';

const WHOLE = 'model.safetensors';
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;
/** Files of weights may be larger than memory. */
const PIECE_BYTES = 1 << 24;
const INDEX = 'model.safetensors.index.json';

const known = new WeakMap<ModelFiles, Promise<string>>();

/** Hexadecimal fingerprint, computed once per model. @throws ModelError `model/files` when a weight file is missing */
export function baseFingerprint(files: ModelFiles): Promise<string> {
  const found = known.get(files) ?? compute(files);
  known.set(files, found);
  found.catch(() => known.delete(files));
  return found;
}

async function compute(files: ModelFiles): Promise<string> {
  if ((await files.open(WHOLE)) !== null) return fileDigest(files, WHOLE);
  const index = (await readModelJson(files, INDEX)) as { readonly weight_map?: Record<string, string> };
  const shards = [...new Set(Object.values(index.weight_map ?? {}))].sort();
  const digests: string[] = [];
  for (const shard of shards) digests.push(await fileDigest(files, shard));
  return hexDigest(new TextEncoder().encode(digests.join('')));
}

/**
 * The commit whose files have a fingerprint, of the copies of a model that are kept; null for none. Only the digests that
 * were verified while they were downloaded are compared: nothing is read.
 */
export async function commitOf(
  kept: readonly Pick<ModelRecord, 'id' | 'commit' | 'files'>[],
  id: string,
  fingerprint: string,
): Promise<string | null> {
  for (const { files, commit } of kept.filter((record) => record.id === id)) {
    const whole = files.find(({ name }) => name === WHOLE);
    const shards = files.filter(({ name }) => SHARD.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
    const joined = shards.map(({ sha256 }) => sha256 ?? '').join('');
    const found = whole ? whole.sha256 : await hexDigest(new TextEncoder().encode(joined));
    if (found === fingerprint) return commit;
  }
  return null;
}

async function fileDigest(files: ModelFiles, name: string): Promise<string> {
  const source = await files.open(name);
  if (source === null) throw new ModelError('model/files', `${files.name} has no ${name}.`, { file: name });
  const known = files.digest?.(name) ?? null;
  if (known !== null) return known;
  if (source.size <= PIECE_BYTES) return hexDigest(await source.read(0, source.size));
  // The platform hashes what is in memory as a whole; the library that need not is fetched with the first large model.
  const { sha256 } = await import('@noble/hashes/sha2.js');
  const hash = sha256.create();
  for (let at = 0; at < source.size; at += PIECE_BYTES)
    hash.update(await source.read(at, Math.min(source.size, at + PIECE_BYTES)));
  return bytesToHex(hash.digest());
}

async function hexDigest(bytes: Uint8Array): Promise<string> {
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}
