// Sums, products, scaled accumulation, scaling, copying and filling of whole f32 buffers. Not broadcasting: shapes are equal.
// Invariant: one element of the output depends on the same element of the inputs only.

import type { DeviceTraits } from '../gpu/device';
import { type BindingAccess, type KernelCall, packParams } from '../gpu/kernel';
import { checkBinding, checkDimensions, elementGrid } from './check';
import { shaderKernel } from './shader';

/** What is computed; `axpy` adds `scale * a` to y, `fill` sets y to `scale`. */
export type ElementwiseKind = 'add' | 'multiply' | 'axpy' | 'scale' | 'copy' | 'fill';

const BINDINGS: Record<ElementwiseKind, readonly BindingAccess[]> = {
  add: ['read', 'read', 'read_write'],
  multiply: ['read', 'read', 'read_write'],
  axpy: ['read', 'read_write'],
  scale: ['read', 'read_write'],
  copy: ['read', 'read_write'],
  fill: ['read_write'],
};

/**
 * add: y = a + b; multiply: y = a * b; axpy: y += scale * a; scale: y = scale * a; copy: y = a; fill: y = scale.
 * Bindings, each f32[count]: a and b for `add` and `multiply`, a for `axpy`, `scale` and `copy`, then y (read_write).
 * `scale` is 1 unless given.
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function elementwise(
  o: { readonly kind: ElementwiseKind; readonly count: number; readonly scale?: number },
  traits: DeviceTraits,
): KernelCall {
  const { kind, count, scale = 1 } = o;
  checkDimensions(`elementwise ${kind}`, { count });
  checkBinding(`elementwise ${kind}`, 'y', count, traits);
  const wide = count % 4 === 0;
  const elements = wide ? count / 4 : count;
  return {
    kernel: shaderKernel(
      'elementwise',
      `${kind}${wide ? '_vec4' : ''}`,
      { KIND: kind, BINARY: kind === 'add' || kind === 'multiply', T: wide ? 'vec4f' : 'f32' },
      BINDINGS[kind],
    ),
    params: packParams([{ u32: elements }, { f32: scale }]),
    grid: elementGrid(elements),
    flops: 2 * count,
    bytes: 4 * count * (kind === 'axpy' ? 3 : BINDINGS[kind].length),
  };
}
