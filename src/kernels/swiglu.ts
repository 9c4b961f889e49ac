// SwiGLU on a fused gate-and-up projection, forward and backward. Not the projections.
// Invariant: gate is the left half of each row, up the right half.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { checkBinding, checkDimensions, elementGrid } from './check';
import { shaderKernel } from './shader';

/** Shape of the product: `rows` tokens of `cols` intermediate channels. */
export interface SwigluOptions {
  readonly rows: number;
  readonly cols: number;
}

function check(name: string, o: SwigluOptions, traits: DeviceTraits): number {
  checkDimensions(name, { rows: o.rows, cols: o.cols });
  checkBinding(name, 'gu', 2 * o.rows * o.cols, traits);
  return o.rows * o.cols;
}

/**
 * y = silu(gate) * up.
 * Bindings: gu f32[rows, 2 * cols] (gate, then up), y f32[rows, cols] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function swiglu(o: SwigluOptions, traits: DeviceTraits): KernelCall {
  const elements = check('swiglu', o, traits);
  return {
    kernel: shaderKernel('swiglu', '', {}, ['read', 'read_write']),
    params: packParams([{ u32: o.rows }, { u32: o.cols }]),
    grid: elementGrid(elements),
    flops: 6 * elements,
    bytes: 4 * 3 * elements,
  };
}

/**
 * dgu from gu and dy.
 * Bindings: gu f32[rows, 2 * cols], dy f32[rows, cols], dgu f32[rows, 2 * cols] (read_write).
 */
export function swigluBackward(o: SwigluOptions, traits: DeviceTraits): KernelCall {
  const elements = check('swigluBackward', o, traits);
  return {
    kernel: shaderKernel('swiglu_backward', '', {}, ['read', 'read', 'read_write']),
    params: packParams([{ u32: o.rows }, { u32: o.cols }]),
    grid: elementGrid(elements),
    flops: 14 * elements,
    bytes: 4 * 5 * elements,
  };
}
