// Computes softmax over rows, for heads that need whole probabilities. Rows sum to 1 within f32 rounding, for any
// finite or infinite logits.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, rowGrid, rowLayout } from './check';
import { reads, shaderCall, writes } from './shader';

/**
 * y = softmax(x) per row.
 * Bindings: x f32[rows, cols], y f32[rows, cols] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function softmax(
  o: { readonly rows: number; readonly cols: number },
  traits: DeviceTraits,
): KernelCall {
  const { rows, cols } = o;
  checkDimensions('softmax', { rows, cols });
  const layout = rowLayout(cols, traits);
  return shaderCall(
    {
      stem: 'softmax',
      variant: `${layout.WG}`,
      defines: { ...layout },
      operands: [reads('x', rows * cols), writes('y', rows * cols)],
      params: [{ u32: rows }, { u32: cols }],
      grid: rowGrid(rows, layout),
      flops: 10 * rows * cols,
      bytes: 4 * 2 * rows * cols,
    },
    traits,
  );
}
