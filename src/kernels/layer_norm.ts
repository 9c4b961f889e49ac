// Computes LayerNorm forward and backward, as the vision towers of SmolVLM and Qwen2-VL use it. The backward pass
// reads the statistics that forward saved.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions } from './check';
import { columnSum } from './column_sum';
import { normBackward, normCall } from './norm_call';
import { reads, writes } from './shader';

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
  const { rows, cols, eps, saveStats = false } = o;
  const stats = saveStats ? [writes('stats', 2 * rows)] : [];
  const operands = [reads('x', rows * cols), reads('w', cols), reads('b', cols), writes('y', rows * cols)];
  return normCall(
    {
      stem: 'layer_norm',
      suffix: saveStats ? '_stats' : '',
      defines: { SAVE_STATS: saveStats },
      operands: [...operands, ...stats],
      params: [{ u32: rows }, { u32: cols }, { f32: eps }],
      flops: 8 * rows * cols,
      bytes: 4 * (2 * rows * cols + 2 * cols),
    },
    o,
    traits,
  );
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
  return normBackward('layer_norm_backward', o, reads('stats', 2 * o.rows), 12, traits);
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
