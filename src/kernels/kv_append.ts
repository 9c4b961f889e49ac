// Copies the keys and values of prefilled tokens into the cache; cells that no token targets keep their contents.
// Decode steps append while they rotate (split_rotary.ts).

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { type CacheShape, cacheDefines, cacheOperand, cacheParams, checkCache } from './cache_shape';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall } from './shader';

/** Slot number in `targets` of a token that is not stored. */
export const SKIP_SLOT = 0xffffffff;

/**
 * Stores each token's k and v at [slot, head, index].
 * Bindings: k and v f32[tokens, kvHeads, headSize], targets u32[tokens, 2] (slot or SKIP_SLOT, index),
 * kCache and vCache as cache_shape.ts lays them out (read_write).
 * Two tokens must not share a target; an index past the slot's capacity is skipped.
 * @throws ShapeError for an empty shape, or an odd head size with f16; GpuError `gpu/limit` for one that exceeds a binding
 */
export function kvAppend(
  o: {
    readonly tokens: number;
    readonly kvHeads: number;
    readonly headSize: number;
    readonly cache: CacheShape;
  },
  traits: DeviceTraits,
): KernelCall {
  const { tokens, kvHeads, headSize, cache } = o;
  checkDimensions('kvAppend', { tokens, kvHeads, headSize });
  checkCache('kvAppend', cache);
  const perWord = cache.format === 'f16' ? 2 : 1;
  if (headSize % perWord !== 0)
    throw new ShapeError(`kvAppend: headSize is ${headSize}; a cache of f16 pairs needs an even one.`);
  const elements = tokens * kvHeads * headSize;
  return shaderCall(
    {
      stem: 'kv_append',
      variant: cache.format,
      defines: cacheDefines(cache.format),
      operands: [
        reads('k', elements),
        reads('v', elements),
        reads('targets', 2 * tokens, 'u32'),
        cacheOperand('kCache', 'read_write', cache, o),
        cacheOperand('vCache', 'read_write', cache, o),
      ],
      params: [{ u32: tokens }, { u32: kvHeads }, { u32: headSize / perWord }, ...cacheParams(cache)],
      grid: elementGrid(elements / perWord),
      flops: 0,
      bytes: (4 + 4 / perWord) * 2 * elements,
    },
    traits,
  );
}
