// Opens a model folder's weights as one set of tensors, whether they lie in one file or in shards with an index.
// Every tensor has exactly one place, and index and shards must agree tensor by tensor.
import { ModelError } from '../lib/errors';
import { formatList } from '../lib/format';
import { JsonSyntaxError, parseStrictJson } from '../lib/strict_json';
import {
  type ByteRange,
  type ByteSource,
  openSafetensors,
  type SafetensorsFile,
  type TensorEntry,
} from './safetensors';

/** The files of a model folder by plain name; `open` resolves to null where a file does not exist. */
export interface CheckpointFiles {
  open(name: string): Promise<ByteSource | null>;
}

/** All tensors of a checkpoint under their names on disk. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** File that holds a tensor, for messages and range requests. */
  fileOf(name: string): string;
  /** Bytes of a tensor, or of a range within it, in an aligned buffer of their own. */
  read(name: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>>;
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 100_000_000;
/** One path segment: no separators, no leading dot, nothing to resolve. */
const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/;

function fail(file: string, reason: string, data: Record<string, unknown> = {}): never {
  throw new ModelError('model/checkpoint', `${file}: ${reason}`, { file, ...data });
}

function fromFiles(files: readonly SafetensorsFile[]): Checkpoint {
  const tensors = new Map<string, TensorEntry>();
  const home = new Map<string, SafetensorsFile>();
  for (const file of files) {
    for (const [name, entry] of file.tensors) {
      const other = home.get(name);
      if (other !== undefined)
        fail(file.name, `tensor "${name}" is in ${other.name} as well`, { tensor: name });
      tensors.set(name, entry);
      home.set(name, file);
    }
  }
  const find = (name: string): SafetensorsFile =>
    home.get(name) ?? fail(SINGLE, `tensor "${name}" is missing`, { tensor: name });
  return {
    tensors,
    fileOf: (name) => find(name).name,
    read: async (name, range) => find(name).read(name, range),
  };
}

/** Tensor → shard of an index file's text. Throws ModelError `model/checkpoint`, also for unsafe shard names. */
export function parseShardIndex(text: string, file = INDEX): Map<string, string> {
  let json: ReturnType<typeof parseStrictJson>;
  try {
    json = parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return fail(file, `is not valid JSON: ${error.message}`);
  }
  const map = json instanceof Map ? json.get('weight_map') : undefined;
  if (!(map instanceof Map) || map.size === 0) return fail(file, 'weight_map is missing or empty');
  const shards = new Map<string, string>();
  for (const [tensor, shard] of map) {
    if (typeof shard !== 'string' || !SHARD_NAME.test(shard) || shard.includes('..')) {
      fail(
        file,
        `tensor "${tensor}" names the shard ${JSON.stringify(shard)}, not a plain .safetensors file`,
        { tensor },
      );
    }
    shards.set(tensor, shard);
  }
  return shards;
}

function compareWithIndex(
  shards: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, SafetensorsFile>,
): void {
  for (const [tensor, shard] of shards) {
    if (files.get(shard)?.tensors.has(tensor)) continue;
    const actual = [...files.values()].find((file) => file.tensors.has(tensor));
    fail(
      shard,
      `tensor "${tensor}" is missing${actual ? `: the index is wrong, it is in ${actual.name}` : ''}`,
      { tensor },
    );
  }
  for (const [name, file] of files) {
    const extra = [...file.tensors.keys()].filter((tensor) => shards.get(tensor) !== name);
    if (extra.length > 0)
      fail(name, `holds tensors that the index does not place there: ${formatList(extra)}`);
  }
}

/**
 * Opens the weights of a model folder: `model.safetensors`, or the shards of `model.safetensors.index.json`.
 * Rejects with ModelError `model/checkpoint` when files are missing or index and shards disagree, and with
 * `model/safetensors` for a malformed file.
 */
export async function openCheckpoint(files: CheckpointFiles): Promise<Checkpoint> {
  const single = await files.open(SINGLE);
  const index = await files.open(INDEX);
  if (single !== null && index !== null) fail(INDEX, `lies beside ${SINGLE}: remove one of them`);
  if (single !== null) return fromFiles([await openSafetensors(single)]);
  if (index === null) return fail(SINGLE, `is missing, and so is ${INDEX}`);
  if (index.size > MAX_INDEX_BYTES) fail(INDEX, `has ${index.size} bytes, too many for an index`);
  const bytes = await index.read(0, index.size);
  const shards = parseShardIndex(new TextDecoder().decode(bytes));
  const open = new Map<string, SafetensorsFile>();
  for (const shard of new Set(shards.values())) {
    const source = await files.open(shard);
    if (source === null) fail(shard, `is missing, but ${INDEX} names it`);
    open.set(shard, await openSafetensors(source));
  }
  compareWithIndex(shards, open);
  return fromFiles([...open.values()]);
}
