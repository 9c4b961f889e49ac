// LayerNorm forward and backward; used by vision towers of the SmolVLM and Qwen2-VL kind.
// Not RMSNorm with a bias: the mean is removed. Invariant: stats is what forward saved.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { checkBinding, checkDimensions, rowGrid, rowLayout } from './check';
import { columnSum } from './column_sum';
import { shaderKernel } from './shader';

/** Shape of a LayerNorm. */
export interface LayerNormOptions {
  readonly rows: number;
  readonly cols: number;
  /** Inside the root, added to the variance. */
  readonly eps: number;
  /** Also write stats [rows, 2] = mean, rstd, which backward needs. */
  readonly saveStats?: boolean;
}

/**
 * y = (x - mean) / sqrt(var + eps) * w + b, f32, biased variance.
 * Bindings: x [rows, cols], w [cols], b [cols], y [rows, cols] (read_write), with `saveStats` also stats [rows, 2].
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function layerNorm(o: LayerNormOptions, traits: DeviceTraits): KernelCall {
  checkDimensions('layerNorm', { rows: o.rows, cols: o.cols });
  checkBinding('layerNorm', 'x', o.rows * o.cols, traits);
  const layout = rowLayout(o.cols, traits);
  const save = o.saveStats ?? false;
  return {
    kernel: shaderKernel(
      'layer_norm',
      `${layout.WG}${save ? '_stats' : ''}`,
      { ...layout, SAVE_STATS: save },
      save ? ['read', 'read', 'read', 'read_write', 'read_write'] : ['read', 'read', 'read', 'read_write'],
    ),
    params: packParams([{ u32: o.rows }, { u32: o.cols }, { f32: o.eps }]),
    grid: rowGrid(o.rows, layout),
    flops: 8 * o.rows * o.cols,
    bytes: 4 * (2 * o.rows * o.cols + 2 * o.cols),
  };
}

/**
 * dx (= or += with `accumulate`) of LayerNorm.
 * Bindings: x [rows, cols], w [cols], stats [rows, 2], dy [rows, cols], dx [rows, cols] (read_write).
 */
export function layerNormBackward(
  o: { readonly rows: number; readonly cols: number; readonly accumulate?: boolean },
  traits: DeviceTraits,
): KernelCall {
  checkDimensions('layerNormBackward', { rows: o.rows, cols: o.cols });
  checkBinding('layerNormBackward', 'x', o.rows * o.cols, traits);
  const layout = rowLayout(o.cols, traits);
  const accumulate = o.accumulate ?? false;
  return {
    kernel: shaderKernel(
      'layer_norm_backward',
      `${layout.WG}${accumulate ? '_add' : ''}`,
      { ...layout, ACCUMULATE: accumulate },
      ['read', 'read', 'read', 'read', 'read_write'],
    ),
    params: packParams([{ u32: o.rows }, { u32: o.cols }]),
    grid: rowGrid(o.rows, layout),
    flops: 12 * o.rows * o.cols,
    bytes: 4 * ((accumulate ? 4 : 3) * o.rows * o.cols + o.cols),
  };
}

/**
 * Partial sums of dw: out[chunk] = sum of dy * (x - mean) * rstd over `chunk` rows; reduce them with `columnSum`.
 * db is `columnSum` of dy. Bindings: dy [rows, cols], x [rows, cols], stats [rows, 2], out [chunks, cols] (read_write).
 */
export function layerNormWeightGradient(
  o: { readonly rows: number; readonly cols: number; readonly chunk?: number; readonly accumulate?: boolean },
  traits: DeviceTraits,
): KernelCall {
  return columnSum({ ...o, term: 'layer' }, traits);
}
