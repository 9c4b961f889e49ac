// Does nothing but fused multiply-adds: the yardstick by which a check of the device says how far other kernels are from
// what it can do. No model uses it.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { shaderCall, writes } from './shader';

/** Multiply-adds of one invocation in one round: eight chains of vec4f. */
const CHAINS = 32;

/**
 * y[i] = the sum over chains c of 0 … 7, four parts each, of x after `rounds` times x ← a·x + b from x = c.
 * Binding: y f32[count] (written).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function fmaPeak(
  o: { readonly count: number; readonly rounds: number; readonly a: number; readonly b: number },
  traits: DeviceTraits,
): KernelCall {
  const { count, rounds, a, b } = o;
  checkDimensions('fma_peak', { count, rounds });
  return shaderCall(
    {
      stem: 'fma_peak',
      operands: [writes('y', count)],
      params: [{ u32: count }, { u32: rounds }, { f32: a }, { f32: b }],
      grid: elementGrid(count),
      flops: 2 * CHAINS * count * rounds,
      bytes: 4 * count,
    },
    traits,
  );
}
