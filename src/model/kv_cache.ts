// Holds keys and values of all layers, preallocated: [slot, kv head, position, padded head size] per layer, keys
// after their rotation. A sequence reads a prefix slot (optional, shared) and its own slot; callers number the slots.
// It also holds the class of every key for capture.

import type { GpuContext } from '../gpu/device';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { paddedHeadSize } from '../kernels/attention_shape';
import { KEY_CLASS } from '../kernels/sequence_words';
import { ShapeError } from '../lib/errors';
import { allocateTensor, writeTensor } from '../tensor/tensor_memory';
import { type StoredTensor, tensorBytes } from '../tensor/trace';
import type { TextSpec } from './spec';

/** A device cache for `slots` sequences of up to `capacity` tokens. */
export class KvCache {
  readonly slots: number;
  readonly capacity: number;
  readonly layers: readonly { readonly k: StoredTensor; readonly v: StoredTensor }[];
  /** u32 [slots, capacity]: low 8 bits the class, high 24 bits the image token's index in the map. */
  readonly keyClass: StoredTensor;
  readonly #scope: GpuScope;

  /**
   * @throws GpuError `gpu/limit` when a layer does not fit one buffer
   */
  constructor(gpu: GpuContext, text: TextSpec, slots: number, capacity: number) {
    if (!Number.isInteger(slots) || !Number.isInteger(capacity) || slots < 1 || capacity < 1) {
      throw new ShapeError(`A cache of ${slots} slots × ${capacity} tokens cannot be made.`);
    }
    const shape = [slots, text.numKeyValueHeads, capacity, paddedHeadSize(text.headDim)];
    this.slots = slots;
    this.capacity = capacity;
    const made = inScope(gpu, (scope) => {
      const layers = Array.from({ length: text.numHiddenLayers }, (_, layer) => ({
        k: allocateTensor(scope, `kv.${layer}.k`, shape, 'f32'),
        v: allocateTensor(scope, `kv.${layer}.v`, shape, 'f32'),
      }));
      return { scope, layers, keyClass: allocateTensor(scope, 'kv.class', [slots, capacity], 'u32') };
    });
    this.layers = made.layers;
    this.keyClass = made.keyClass;
    this.#scope = made.scope;
  }

  /** Writes the classes of one slot's keys; positions past `classes` count as generated. */
  writeKeyClasses(slot: number, classes: Uint32Array): void {
    const row = new Uint32Array(this.capacity).fill(KEY_CLASS.generated);
    row.set(classes.subarray(0, this.capacity));
    writeTensor(this.#scope.gpu, this.keyClass, row, slot * this.capacity);
  }

  /** Keys and values of one layer. */
  layer(index: number): { readonly k: StoredTensor; readonly v: StoredTensor } {
    const layer = this.layers[index];
    if (!layer)
      throw new ShapeError(`The cache has ${this.layers.length} layers, not one numbered ${index}.`);
    return layer;
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
