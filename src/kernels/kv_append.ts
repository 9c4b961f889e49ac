// Copies the keys and values of prefilled tokens into the cache; cells that no token targets keep their contents.
// Decode steps append while they rotate (split_rotary.ts).

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { orMore, reads, shaderCall, writes } from './shader';

/** Slot number in `targets` of a token that is not stored. */
export const SKIP_SLOT = 0xffffffff;

/**
 * Stores each token's k and v at [slot, head, index].
 * Bindings: k and v f32[tokens, kvHeads, headSize], targets u32[tokens, 2] (slot or SKIP_SLOT, index),
 * kCache and vCache f32[slots, kvHeads, capacity, headSize] (read_write).
 * Two tokens must not share a target; an index past the capacity is skipped.
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function kvAppend(
  o: {
    readonly tokens: number;
    readonly kvHeads: number;
    readonly headSize: number;
    readonly capacity: number;
  },
  traits: DeviceTraits,
): KernelCall {
  const { tokens, kvHeads, headSize, capacity } = o;
  checkDimensions('kvAppend', { tokens, kvHeads, headSize, capacity });
  const elements = tokens * kvHeads * headSize;
  const slot = kvHeads * capacity * headSize;
  return shaderCall(
    {
      stem: 'kv_append',
      operands: [
        reads('k', elements),
        reads('v', elements),
        reads('targets', 2 * tokens, 'u32'),
        orMore(writes('kCache', slot)),
        orMore(writes('vCache', slot)),
      ],
      params: [{ u32: tokens }, { u32: kvHeads }, { u32: headSize }, { u32: capacity }],
      grid: elementGrid(elements),
      flops: 0,
      bytes: 4 * 4 * elements,
    },
    traits,
  );
}
