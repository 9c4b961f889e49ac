// Blends rows of a table by weights, four per output row: bilinear reading of a grid that is stored row by row.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { orMore, reads, shaderCall, writes } from './shader';

/** Rows that are blended into one. */
export const BLEND_TAPS = 4;

/**
 * out[r] = Σ_j weights[r, j] · table[index[r, j]]. Indices are trusted.
 * Bindings: table f32[*, cols], index u32[rows, 4], weights f32[rows, 4], out f32[rows, cols] (read_write).
 * @throws ShapeError for an empty shape; GpuError `gpu/limit` for one that exceeds a binding
 */
export function blendRows(
  { rows, cols }: { readonly rows: number; readonly cols: number },
  traits: DeviceTraits,
): KernelCall {
  checkDimensions('blendRows', { rows, cols });
  const taps = BLEND_TAPS * rows;
  return shaderCall(
    {
      stem: 'blend_rows',
      operands: [
        orMore(reads('table', cols)),
        reads('index', taps, 'u32'),
        reads('weights', taps),
        writes('out', rows * cols),
      ],
      params: [{ u32: rows }, { u32: cols }],
      grid: elementGrid(rows * cols),
      flops: 2 * taps * cols,
      bytes: 4 * (rows * cols * (1 + BLEND_TAPS) + 2 * taps),
    },
    traits,
  );
}
