// Copies the keys and values of prefilled tokens into the cache. Not the decode step, which appends while it rotates.
// Invariant: cells that no token targets keep their contents.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { checkBinding, checkDimensions, elementGrid } from './check';
import { shaderKernel } from './shader';

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
  checkDimensions('kvAppend', { ...o });
  const elements = o.tokens * o.kvHeads * o.headSize;
  checkBinding('kvAppend', 'k', elements, traits);
  checkBinding('kvAppend', 'one cache slot', o.kvHeads * o.capacity * o.headSize, traits);
  return {
    kernel: shaderKernel('kv_append', '', {}, ['read', 'read', 'read', 'read_write', 'read_write']),
    params: packParams([{ u32: o.tokens }, { u32: o.kvHeads }, { u32: o.headSize }, { u32: o.capacity }]),
    grid: elementGrid(elements),
    flops: 0,
    bytes: 4 * 4 * elements,
  };
}
