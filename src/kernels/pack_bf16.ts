// Rounds f32 tensors to bf16, which takes half the memory, and widens them again.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** How many values. */
export interface PackBf16Options {
  readonly count: number;
}

/**
 * y = x rounded to bf16, to nearest with ties to even.
 * Bindings: x f32[count], y bf16[count] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function packBf16(o: PackBf16Options, traits: DeviceTraits): KernelCall {
  return call(o, false, traits);
}

/**
 * y = x, exactly.
 * Bindings: x bf16[count], y f32[count] (read_write).
 * @throws as {@link packBf16}
 */
export function unpackBf16(o: PackBf16Options, traits: DeviceTraits): KernelCall {
  return call(o, true, traits);
}

function call({ count }: PackBf16Options, unpack: boolean, traits: DeviceTraits): KernelCall {
  checkDimensions('packBf16', { count });
  return shaderCall(
    {
      stem: 'pack_bf16',
      variant: unpack ? 'unpack' : '',
      defines: { UNPACK: unpack },
      operands: unpack
        ? [reads('x', count, 'bf16'), writes('y', count)]
        : [reads('x', count), writes('y', count, 'bf16')],
      params: [{ u32: count }],
      grid: elementGrid(Math.ceil(count / 2)),
      flops: count,
      bytes: 6 * count,
    },
    traits,
  );
}
