// Adds, multiplies, scales, copies and fills whole f32 buffers of equal shapes.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { reads, shaderCall, writes } from './shader';

/** What is computed; `axpy` adds `scale * a` to y, `fill` sets y to `scale`. */
export type ElementwiseKind = 'add' | 'multiply' | 'axpy' | 'scale' | 'copy' | 'fill';

/** Operands before y, each of the same size. */
const INPUTS: Record<ElementwiseKind, readonly string[]> = {
  add: ['a', 'b'],
  multiply: ['a', 'b'],
  axpy: ['a'],
  scale: ['a'],
  copy: ['a'],
  fill: [],
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
  const wide = count % 4 === 0;
  const elements = wide ? count / 4 : count;
  const operands = [...INPUTS[kind].map((name) => reads(name, count)), writes('y', count)];
  return shaderCall(
    {
      stem: 'elementwise',
      variant: `${kind}${wide ? '_vec4' : ''}`,
      defines: { KIND: kind, BINARY: operands.length === 3, T: wide ? 'vec4f' : 'f32' },
      operands,
      params: [{ u32: elements }, { f32: scale }],
      grid: elementGrid(elements),
      flops: 2 * count,
      bytes: 4 * count * (kind === 'axpy' ? 3 : operands.length),
    },
    traits,
  );
}
