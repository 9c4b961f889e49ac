// Applies rotary embedding to one tensor, where q and k are not one fused projection. Channel j pairs with j + HS/2
// (rotate_half), as in Hugging Face.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { checkDimensions, elementGrid } from './check';
import { orMore, reads, shaderCall, writes } from './shader';

/**
 * y = x rotated by the angles of its table row; with `inverse` by their negatives, which is also the gradient.
 * Bindings: x f32[tokens, heads, headSize], cos f32[P, headSize/2], sin f32[P, headSize/2], rows u32[tokens],
 * y f32[tokens, heads, headSize] (read_write).
 * @throws ShapeError for an odd headSize, an empty shape, or one that exceeds a binding
 */
export function rotary(
  o: {
    readonly tokens: number;
    readonly heads: number;
    readonly headSize: number;
    readonly inverse?: boolean;
  },
  traits: DeviceTraits,
): KernelCall {
  const { tokens, heads, headSize, inverse = false } = o;
  checkDimensions('rotary', { tokens, heads, headSize });
  if (headSize % 2)
    throw new ShapeError(`rotary: headSize is ${headSize}; rotary embedding needs an even one.`);
  const elements = tokens * heads * headSize;
  return shaderCall(
    {
      stem: 'rotary',
      variant: inverse ? 'inverse' : '',
      defines: { INVERSE: inverse },
      operands: [
        reads('x', elements),
        orMore(reads('cos', headSize / 2)),
        orMore(reads('sin', headSize / 2)),
        reads('rows', tokens, 'u32'),
        writes('y', elements),
      ],
      params: [{ u32: tokens }, { u32: heads }, { u32: headSize / 2 }],
      grid: elementGrid(elements / 2),
      flops: 3 * elements,
      bytes: 4 * 2 * elements,
    },
    traits,
  );
}
