// Applies an activation function element by element, and computes the gradient through it. Names are Hugging Face's;
// fused forms in other kernels include the same WGSL.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** `gelu` is the exact one (erf within 2e-7), `gelu_tanh` is Hugging Face's `gelu_pytorch_tanh`. */
export type ActivationKind = 'silu' | 'sigmoid' | 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'erf';

/**
 * y = f(x), or with `derivative` y = f'(x).
 * Bindings: x f32[count], y f32[count] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function activation(
  o: { readonly count: number; readonly kind: ActivationKind; readonly derivative?: boolean },
  traits: DeviceTraits,
): KernelCall {
  const { count, kind, derivative = false } = o;
  const name = derivative ? `${kind}_derivative` : kind === 'erf' ? 'erf_approx' : kind;
  return build(name, count, false, traits);
}

/**
 * dx = dy * f'(x).
 * Bindings: x f32[count], dy f32[count], dx f32[count] (read_write).
 */
export function activationBackward(
  o: { readonly count: number; readonly kind: ActivationKind },
  traits: DeviceTraits,
): KernelCall {
  return build(`${o.kind}_derivative`, o.count, true, traits);
}

function build(name: string, count: number, backward: boolean, traits: DeviceTraits): KernelCall {
  checkDimensions('activation', { count });
  return shaderCall(
    {
      stem: 'activation',
      variant: backward ? `${name}_backward` : name,
      defines: { FUNCTION: name, BACKWARD: backward },
      operands: backward
        ? [reads('x', count), reads('dy', count), writes('dx', count)]
        : [reads('x', count), writes('y', count)],
      params: [{ u32: count }],
      grid: elementGrid(count),
      flops: 20 * count,
      bytes: 4 * (backward ? 3 : 2) * count,
    },
    traits,
  );
}
