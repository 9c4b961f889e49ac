// Computes SwiGLU on a fused gate-and-up projection, forward and backward. The gate is the left half of each row, up
// the right half.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** Shape of the product: `rows` tokens of `cols` intermediate channels. */
export interface SwigluOptions {
  readonly rows: number;
  readonly cols: number;
}

/**
 * y = silu(gate) * up.
 * Bindings: gu f32[rows, 2 * cols] (gate, then up), y f32[rows, cols] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function swiglu(o: SwigluOptions, traits: DeviceTraits): KernelCall {
  const { rows, cols } = o;
  checkDimensions('swiglu', { rows, cols });
  const elements = rows * cols;
  return shaderCall(
    {
      stem: 'swiglu',
      operands: [reads('gu', 2 * elements), writes('y', elements)],
      params: [{ u32: rows }, { u32: cols }],
      grid: elementGrid(elements),
      flops: 6 * elements,
      bytes: 4 * 3 * elements,
    },
    traits,
  );
}

/**
 * dgu from gu and dy.
 * Bindings: gu f32[rows, 2 * cols], dy f32[rows, cols], dgu f32[rows, 2 * cols] (read_write).
 */
export function swigluBackward(o: SwigluOptions, traits: DeviceTraits): KernelCall {
  const { rows, cols } = o;
  checkDimensions('swigluBackward', { rows, cols });
  const elements = rows * cols;
  return shaderCall(
    {
      stem: 'swiglu_backward',
      operands: [reads('gu', 2 * elements), reads('dy', elements), writes('dgu', 2 * elements)],
      params: [{ u32: rows }, { u32: cols }],
      grid: elementGrid(elements),
      flops: 14 * elements,
      bytes: 4 * 5 * elements,
    },
    traits,
  );
}
