// RMSNorm forward and backward.
// Not here: the per-head q/k norm is the same call with rows = tokens * heads. Invariant: rstd is what forward saved.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { checkBinding, checkDimensions, rowGrid, rowLayout } from './check';
import { columnSum } from './column_sum';
import { shaderKernel } from './shader';

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
  checkBinding('rmsNorm', 'x', o.rows * o.cols, traits);
  const layout = rowLayout(o.cols, traits);
  const save = o.saveRstd ?? false;
  return {
    kernel: shaderKernel(
      'rms_norm',
      `${layout.WG}${save ? '_rstd' : ''}`,
      { ...layout, SAVE_RSTD: save },
      save ? ['read', 'read', 'read_write', 'read_write'] : ['read', 'read', 'read_write'],
    ),
    params: packParams([{ u32: o.rows }, { u32: o.cols }, { f32: o.eps }]),
    grid: rowGrid(o.rows, layout),
    flops: 5 * o.rows * o.cols,
    bytes: 4 * (2 * o.rows * o.cols + o.cols),
  };
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
  checkBinding('rmsNormBackward', 'x', o.rows * o.cols, traits);
  const layout = rowLayout(o.cols, traits);
  const accumulate = o.accumulate ?? false;
  return {
    kernel: shaderKernel(
      'rms_norm_backward',
      `${layout.WG}${accumulate ? '_add' : ''}`,
      { ...layout, ACCUMULATE: accumulate },
      ['read', 'read', 'read', 'read', 'read_write'],
    ),
    params: packParams([{ u32: o.rows }, { u32: o.cols }]),
    grid: rowGrid(o.rows, layout),
    flops: 9 * o.rows * o.cols,
    bytes: 4 * ((accumulate ? 4 : 3) * o.rows * o.cols + o.cols),
  };
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
