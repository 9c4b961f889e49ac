// Adds rows of one matrix to those rows of another that name one: how features of an image reach the tokens that stand
// for it.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { orMore, reads, shaderCall, writes } from './shader';

/** Shape of the target, and how far behind the named row the one lies that is added. */
export interface AddRowsOptions {
  readonly count: number;
  readonly cols: number;
  readonly offset: number;
}

/**
 * out[t] = x[t] + source[rows[t] + offset]; x[t] where rows[t] < 0. Indices are trusted.
 * Bindings: x f32[count, cols], source f32[*, cols], rows i32[count], out f32[count, cols] (read_write).
 * @throws ShapeError for an empty shape; GpuError `gpu/limit` for one that exceeds a binding
 */
export function addRows({ count, cols, offset }: AddRowsOptions, traits: DeviceTraits): KernelCall {
  checkDimensions('addRows', { count, cols });
  const elements = count * cols;
  return shaderCall(
    {
      stem: 'add_rows',
      operands: [
        reads('x', elements),
        orMore(reads('source', cols)),
        reads('rows', count, 'i32'),
        writes('out', elements),
      ],
      params: [{ u32: count }, { u32: cols }, { u32: offset }],
      grid: elementGrid(elements),
      flops: elements,
      bytes: 4 * (3 * elements + count),
    },
    traits,
  );
}
