// Uploads a checkpoint's weights under their canonical names: vectors as f32 tensors, matrices as weights in shards that
// fit a binding each. Either all weights load or none. Pieces of a few megabytes pass through memory, never a whole tensor.

import { alignUp, BINDING_ALIGNMENT, type BufferRegion } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import type { CacheFormat } from '../kernels/cache_shape';
import { weightPlanes, weightRowBytes } from '../kernels/weight_format';
import { ModelError } from '../lib/errors';
import { defined, itemAt } from '../lib/invariant';
import type { LoraModule } from '../tensor/ops/lora';
import { externalTensor, type StoredTensor, tensorBytes } from '../tensor/trace';
import { ROW_UNIT, shardRows, type Weight } from '../tensor/weight';
import type { Checkpoint } from './checkpoint';
import type { Dtype } from './safetensors';
import type { ModelSpec } from './spec';
import { cacheFormatOf, type WeightGroup, type WeightPrecision, weightGroups } from './weight_layout';
import {
  checkTiedHead,
  checkWeights,
  embeddingName,
  expectedShapes,
  failTiedHead,
  LM_HEAD,
} from './weight_names';
import { readWeightRows } from './weight_reader';

/** Where traced model code gets its weights. */
export interface WeightSource {
  /** How keys and values that come of these weights are kept in a cache. */
  readonly cacheFormat: CacheFormat;
  /**
   * A norm, a bias or a table of positions, f32.
   * @throws ModelError `model/weights` for an unknown name
   */
  vector(name: string): StoredTensor;
  /**
   * The matrix of a (possibly fused) projection, or of the vocabulary.
   * @throws ModelError `model/weights` for an unknown name
   */
  matrix(name: string): Weight;
  /** Adapted modules of a (possibly fused) projection by its weight's name; none without an adapter. */
  lora?(name: string): readonly LoraModule[];
  /**
   * A number that changes whenever the same traces would compute something else of a part of the model, so that what was
   * kept of it is stale; without it nothing ever changes. `vision` is the tower with its connector, `all` everything.
   */
  revision?(part: 'vision' | 'all'): number;
}

/** Options of a load. */
export interface WeightLoadOptions {
  /** How matrices are kept; by default as stored. */
  readonly precision?: WeightPrecision;
  readonly onProgress?: ((loadedBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A run of rows of a weight on the device, as the upload fills it. */
interface PlacedRows {
  readonly firstRow: number;
  readonly rows: number;
  readonly planes: readonly StoredTensor[];
}

/** A weight with its place. */
interface PlacedGroup {
  readonly group: WeightGroup;
  readonly shards: readonly PlacedRows[];
}

/** Bytes of a piece as f32, in which it is read before it is rounded. */
const PIECE_BYTES = 1 << 24;
const BYTES_PER_FENCE = 1 << 28;
const MAX_BUFFER_BYTES = 1 << 30;

/** Device weights of one model. */
export class ModelWeights implements WeightSource {
  readonly #scope: GpuScope;
  readonly #vectors = new Map<string, StoredTensor>();
  readonly #matrices = new Map<string, Weight>();
  /** Bytes on the device. */
  readonly bytes: number;
  readonly cacheFormat: CacheFormat;

  private constructor(
    scope: GpuScope,
    placed: readonly PlacedGroup[],
    bytes: number,
    cacheFormat: CacheFormat,
  ) {
    this.#scope = scope;
    this.bytes = bytes;
    this.cacheFormat = cacheFormat;
    for (const { group, shards } of placed) {
      const { name, shape, format, role } = group;
      const [first] = shards;
      if (shape.length === 2 && role !== 'vector')
        this.#matrices.set(name, { name, shape, format, shards, requiresGrad: false });
      else this.#vectors.set(name, defined(first?.planes[0], name));
    }
  }

  /**
   * Checks names and shapes against the config, then uploads everything.
   * @throws ModelError `model/weights` naming unknown, missing, duplicate or misshapen tensors; GpuError `gpu/limit`
   */
  static async load(
    gpu: GpuContext,
    config: ModelSpec,
    checkpoint: Checkpoint,
    options: WeightLoadOptions = {},
  ): Promise<ModelWeights> {
    const { sources, redundantHead, tied } = checkWeights(config, checkpoint.tensors);
    const name = embeddingName(config.text);
    if (redundantHead !== null)
      await compareHead(checkpoint, redundantHead, defined(sources.get(name), name));
    const { precision = 'stored' } = options;
    const groups = weightGroups(config, checkpoint.tensors, sources, precision);
    return ModelWeights.#make(gpu, groups, precision, tied ? name : null, (placed) =>
      upload(gpu, placed, checkpoint, options),
    );
  }

  /**
   * Places a model's weights without a checkpoint and leaves them empty: what {@link load} would take, for a rehearsal.
   * @param stored how a checkpoint would store them
   * @throws as {@link load}
   */
  static reserve(
    gpu: GpuContext,
    config: ModelSpec,
    precision: WeightPrecision,
    stored: Dtype = 'BF16',
  ): Promise<ModelWeights> {
    const tied = config.tieWordEmbeddings;
    const expected = [...expectedShapes(config)].filter(([name]) => !(tied && name === LM_HEAD));
    const tensors = new Map(expected.map(([name, shape]) => [name, { dtype: stored, shape }]));
    const sources = new Map(expected.map(([name]) => [name, name]));
    const groups = weightGroups(config, tensors, sources, precision);
    const head = tied ? embeddingName(config.text) : null;
    return ModelWeights.#make(gpu, groups, precision, head, async () => undefined);
  }

  /** @param head the weight that is the output projection, too; null where it has its own */
  static async #make(
    gpu: GpuContext,
    groups: readonly WeightGroup[],
    precision: WeightPrecision,
    head: string | null,
    fill: (placed: readonly PlacedGroup[]) => Promise<void>,
  ): Promise<ModelWeights> {
    const weights = await inScope(gpu, async (scope) => {
      const { placed, bytes } = place(scope, groups);
      await fill(placed);
      return new ModelWeights(scope, placed, bytes, cacheFormatOf(precision, elementsOf(groups)));
    });
    const embedding = head === null ? undefined : weights.#matrices.get(head);
    if (embedding) weights.#matrices.set(LM_HEAD, embedding);
    return weights;
  }

  vector(name: string): StoredTensor {
    return this.#vectors.get(name) ?? unknown(name);
  }

  matrix(name: string): Weight {
    return this.#matrices.get(name) ?? unknown(name);
  }

  /** Number of elements over all weights. */
  get elements(): number {
    const distinct = new Set([...this.#vectors.values(), ...this.#matrices.values()]);
    return [...distinct].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  }

  /** Frees the device memory. */
  destroy(): void {
    this.#scope.destroy();
    this.#vectors.clear();
    this.#matrices.clear();
  }
}

function elementsOf(groups: readonly WeightGroup[]): number {
  return groups.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

function unknown(name: string): never {
  throw new ModelError('model/weights', `The model has no weight named ${name}.`, { tensor: name });
}

/** Compares an lm_head beside tied embeddings with the embedding, piece by piece. */
async function compareHead(checkpoint: Checkpoint, head: string, embedding: string): Promise<void> {
  const sizes = [head, embedding].map((name) => {
    const { begin, end } = defined(checkpoint.tensors.get(name), name);
    return end - begin;
  });
  const length = Math.max(...sizes);
  if (sizes.some((size) => size !== length)) failTiedHead();
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const range = [at, Math.min(length, at + PIECE_BYTES)] as const;
    checkTiedHead(await checkpoint.read(head, range), await checkpoint.read(embedding, range));
  }
}

/** Cuts weights into shards, and lays the planes of all of them out in as few buffers as the device allows. */
function place(scope: GpuScope, groups: readonly WeightGroup[]): { placed: PlacedGroup[]; bytes: number } {
  const { maxBindingBytes, maxBufferBytes } = scope.gpu.traits;
  const limit = Math.min(maxBufferBytes, MAX_BUFFER_BYTES);
  const shelf = new Shelf(limit);
  const places = groups.map((group) => {
    const { name, format, shape, role } = group;
    const [rows, width = 1] = shape;
    const shards = shardRows(name, format, [rows, width], Math.min(maxBindingBytes, limit));
    if (role === 'vector' && shards.length > 1)
      throw new ModelError('model/weights', `${name} has ${rows} rows, too many for one binding.`);
    return {
      group,
      shards: shards.map((shard) => ({
        ...shard,
        planes: weightPlanes(format, width).map(({ dtype, columns }) => {
          const planeShape = shape.length === 1 ? [rows] : [shard.rows, columns];
          return { dtype, shape: planeShape, at: shelf.take(tensorBytes({ shape: planeShape, dtype })) };
        }),
      })),
    };
  });
  const regions = shelf.allocate(scope);
  const placed = places.map(({ group, shards }) => ({
    group,
    shards: shards.map((shard) => ({
      ...shard,
      planes: shard.planes.map(({ shape, dtype, at }) =>
        externalTensor(group.name, shape, dtype, itemAt(regions, at)),
      ),
    })),
  }));
  return { placed, bytes: shelf.bytes };
}

/** Lays regions out side by side in buffers of a limited size, then makes the buffers. */
class Shelf {
  readonly #limit: number;
  /** Bytes of each buffer. */
  readonly #sizes: number[] = [];
  readonly #places: { readonly buffer: number; readonly offset: number; readonly bytes: number }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    return this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Reserves a region; returns its number. */
  take(bytes: number): number {
    const size = alignUp(bytes, BINDING_ALIGNMENT);
    if (this.#sizes.length === 0 || (this.#sizes.at(-1) ?? 0) + size > this.#limit) this.#sizes.push(0);
    const buffer = this.#sizes.length - 1;
    const offset = itemAt(this.#sizes, buffer);
    this.#sizes[buffer] = offset + size;
    return this.#places.push({ buffer, offset, bytes: alignUp(bytes, 4) }) - 1;
  }

  /** Makes the buffers; returns the regions in order of their numbers. */
  allocate(scope: GpuScope): BufferRegion[] {
    const buffers = this.#sizes.map((size, index) => scope.storage(size, `weights ${index}`).buffer);
    return this.#places.map((place) => ({ ...place, buffer: itemAt(buffers, place.buffer) }));
  }
}

/** Reads all weights in order, a piece at a time, and writes them to their places. */
async function upload(
  gpu: GpuContext,
  placed: readonly PlacedGroup[],
  checkpoint: Checkpoint,
  { onProgress, signal }: WeightLoadOptions,
): Promise<void> {
  const bytesOf = ({ format, shape: [rows, width = 1] }: WeightGroup): number =>
    rows * weightRowBytes(format, width);
  const total = placed.reduce((sum, { group }) => sum + bytesOf(group), 0);
  let loaded = 0;
  let unfenced = 0;
  for (const { group, shards } of placed) {
    const rowBytes = weightRowBytes(group.format, group.shape[1] ?? 1);
    const width = group.shape[1] ?? 1;
    const size = Math.max(1, Math.floor(PIECE_BYTES / (4 * ROW_UNIT * width))) * ROW_UNIT;
    for (const shard of shards) {
      for (let at = 0; at < shard.rows; at += size) {
        signal?.throwIfAborted();
        const rows = Math.min(size, shard.rows - at);
        const planes = await readWeightRows(checkpoint, group, shard.firstRow + at, rows);
        planes.forEach((bytes, index) => {
          const { region, shape, dtype } = itemAt(shard.planes, index);
          const start = tensorBytes({ shape: [at, ...shape.slice(1)], dtype });
          gpu.write(region.buffer, region.offset + start, bytes);
        });
        loaded += rows * rowBytes;
        unfenced += rows * rowBytes;
        onProgress?.(loaded, total);
        if (unfenced < BYTES_PER_FENCE) continue;
        await gpu.fence();
        unfenced = 0;
      }
    }
  }
  await gpu.fence();
}
