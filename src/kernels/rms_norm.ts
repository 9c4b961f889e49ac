// Computes RMSNorm forward and backward; per-head q/k norm is the same call with rows = tokens * heads. The backward
// pass reads the rstd that forward saved.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions } from './check';
import { columnSum } from './column_sum';
import { normBackward, normCall } from './norm_call';
import { reads, writes } from './shader';

/** Shape of a row-wise normalisation. */
export interface RmsNormOptions {
  readonly rows: number;
  readonly cols: number;
  /** Inside the root, added to the mean of squares. */
  readonly eps: number;
  /** Also write rstd [rows], which backward needs. */
  readonly saveRstd?: boolean;
}

/**
 * y = x * w / sqrt(mean(x²) + eps), f32.
 * Bindings: x [rows, cols], w [cols], y [rows, cols] (read_write), with `saveRstd` also rstd [rows] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function rmsNorm(o: RmsNormOptions, traits: DeviceTraits): KernelCall {
  checkDimensions('rmsNorm', { rows: o.rows, cols: o.cols });
  const { rows, cols, eps, saveRstd = false } = o;
  const stats = saveRstd ? [writes('rstd', rows)] : [];
  return normCall(
    {
      stem: 'rms_norm',
      suffix: saveRstd ? '_rstd' : '',
      defines: { SAVE_RSTD: saveRstd },
      operands: [reads('x', rows * cols), reads('w', cols), writes('y', rows * cols), ...stats],
      params: [{ u32: rows }, { u32: cols }, { f32: eps }],
      flops: 5 * rows * cols,
      bytes: 4 * (2 * rows * cols + cols),
    },
    o,
    traits,
  );
}

/**
 * dx (= or += with `accumulate`) of RMSNorm.
 * Bindings: x [rows, cols], w [cols], rstd [rows], dy [rows, cols], dx [rows, cols] (read_write).
 */
export function rmsNormBackward(
  o: { readonly rows: number; readonly cols: number; readonly accumulate?: boolean },
  traits: DeviceTraits,
): KernelCall {
  checkDimensions('rmsNormBackward', { rows: o.rows, cols: o.cols });
  return normBackward('rms_norm_backward', o, reads('rstd', o.rows), 9, traits);
}

/**
 * Partial sums of dw: out[chunk] = sum of dy * x * rstd over `chunk` rows; reduce them with `columnSum`.
 * Bindings: dy [rows, cols], x [rows, cols], rstd [rows], out [ceil(rows / chunk), cols] (read_write).
 * With `chunk >= rows` (the default) `out` is dw itself.
 */
export function rmsNormWeightGradient(
  o: { readonly rows: number; readonly cols: number; readonly chunk?: number; readonly accumulate?: boolean },
  traits: DeviceTraits,
): KernelCall {
  return columnSum({ ...o, term: 'rms' }, traits);
}
