// Holds keys and values of all layers, preallocated, keys after their rotation. A sequence reads a slot of its own and
// may read a prefix slot that it shares with others; the prefix slots come behind the others and have a capacity of their
// own, so that many short completions of a long prompt pay for it once. It also holds the class of every key for capture.

import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { paddedHeadSize } from '../kernels/attention_shape';
import {
  type CacheFormat,
  type CacheShape,
  cachePositions,
  checkCache,
  slotCapacity,
  slotStart,
} from '../kernels/cache_shape';
import { KEY_CLASS } from '../kernels/sequence_words';
import { ShapeError } from '../lib/errors';
import type { CachedKeys } from '../tensor/ops/attention';
import { allocateTensor, writeTensor } from '../tensor/tensor_memory';
import { type StoredTensor, tensorBytes } from '../tensor/trace';
import type { TextSpec } from './spec';

/** Bytes that the keys and values of one token take in all layers. */
export function tokenCacheBytes(
  { numHiddenLayers, numKeyValueHeads, headDim }: TextSpec,
  format: CacheFormat,
): number {
  const bytes = format === 'f16' ? 2 : 4;
  return 2 * numHiddenLayers * numKeyValueHeads * paddedHeadSize(headDim) * bytes;
}

/** A device cache of keys and values. */
export class KvCache {
  readonly shape: CacheShape;
  readonly layers: readonly { readonly k: StoredTensor; readonly v: StoredTensor }[];
  /** u32 [positions of all slots]: low 8 bits the class, high 24 bits the image token's index in the map. */
  readonly keyClass: StoredTensor;
  readonly #scope: GpuScope;
  readonly #kvHeads: number;

  /**
   * @throws ShapeError for sizes that cannot be; GpuError `gpu/limit` when a layer does not fit one buffer
   */
  constructor(gpu: GpuContext, text: TextSpec, shape: CacheShape) {
    checkCache('KvCache', shape);
    const positions = cachePositions(shape);
    const values = [positions, text.numKeyValueHeads, paddedHeadSize(text.headDim)];
    this.shape = shape;
    this.#kvHeads = text.numKeyValueHeads;
    const made = inScope(gpu, (scope) => {
      const layers = Array.from({ length: text.numHiddenLayers }, (_, layer) => ({
        k: allocateTensor(scope, `kv.${layer}.k`, values, shape.format),
        v: allocateTensor(scope, `kv.${layer}.v`, values, shape.format),
      }));
      return { scope, layers, keyClass: allocateTensor(scope, 'kv.class', [positions], 'u32') };
    });
    this.layers = made.layers;
    this.keyClass = made.keyClass;
    this.#scope = made.scope;
  }

  /** Writes the classes of one slot's keys; positions past `classes` count as generated. */
  writeKeyClasses(slot: number, classes: Uint32Array): void {
    const row = new Uint32Array(slotCapacity(this.shape, slot)).fill(KEY_CLASS.generated);
    row.set(classes.subarray(0, row.length));
    writeTensor(this.#scope.gpu, this.keyClass, row, slotStart(this.shape, slot));
  }

  /** Keys and values of one layer. */
  layer(index: number): CachedKeys {
    const layer = this.layers[index];
    if (!layer)
      throw new ShapeError(`The cache has ${this.layers.length} layers, not one numbered ${index}.`);
    return { ...layer, shape: this.shape, kvHeads: this.#kvHeads };
  }

  /** Bytes on the device. */
  get bytes(): number {
    const tensors = [this.keyClass, ...this.layers.flatMap(({ k, v }) => [k, v])];
    return tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  }

  /** Frees the device memory. */
  destroy(): void {
    this.#scope.destroy();
  }
}

/**
 * Classes of a prompt's keys as the authors measure attention. With one run of image tokens the token behind it, which
 * ends the image, is in no class but the denominator; with several (images, or tiles of one), image means every image token
 * and query every other prompt token after the first.
 * @param inputIds prompt with expanded image tokens
 * @returns        word per key: class, and for image tokens their number over all images in the high 24 bits
 * @source Look-Back (arXiv:2507.03019), `att_trend_viz.py` of the authors
 */
export function promptKeyClasses(
  inputIds: ArrayLike<number>,
  { imageTokenId }: { readonly imageTokenId: number },
): Uint32Array {
  const classes = new Uint32Array(inputIds.length);
  let tokens = 0;
  let runs = 0;
  for (let at = 0; at < inputIds.length; at++) {
    const follows = inputIds[at - 1] === imageTokenId;
    if (inputIds[at] === imageTokenId) {
      if (!follows) runs++;
      classes[at] = KEY_CLASS.image | (tokens++ << 8);
    } else if (runs === 0) classes[at] = KEY_CLASS.beforeImage;
    else classes[at] = follows ? KEY_CLASS.remainder : KEY_CLASS.query;
  }
  if (runs < 2) return classes;
  return classes.map((word) => (word === KEY_CLASS.remainder ? KEY_CLASS.query : word));
}

/**
 * Classes by ranges, the first image only: [0, imageStart) before, then `imageTokens` image tokens, one remainder
 * (`vision_end`), the rest of the prompt query.
 */
export function rangeKeyClasses(imageStart: number, imageTokens: number, promptLength: number): Uint32Array {
  return Uint32Array.from({ length: promptLength }, (_, at) => {
    if (at < imageStart) return KEY_CLASS.beforeImage;
    if (at < imageStart + imageTokens) return KEY_CLASS.image | ((at - imageStart) << 8);
    return at === imageStart + imageTokens ? KEY_CLASS.remainder : KEY_CLASS.query;
  });
}
