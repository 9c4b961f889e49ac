// Projects groups of merge² patch rows into one text-width token each, and undoes the vision tower's run order.

import { gatherRows } from '../tensor/ops/embedding';
import { linear } from '../tensor/ops/linear';
import { rmsNorm } from '../tensor/ops/rms_norm';
import { reshape, sizeAt, type Tensor, type Trace } from '../tensor/trace';
import type { VisionConfig } from './config';
import type { WeightSource } from './weights';

/**
 * Merger of Qwen2.5-VL: RMSNorm per patch, concatenate merge² rows, Linear, GELU (exact), Linear; then raster order.
 * Declares the input `vision.merged_order`.
 * @param x        [rows, hidden] in run order
 * @param features external [≥ rows / merge², out] tensor that receives the image features in prompt order
 */
export function modalityProjector(
  trace: Trace,
  vision: VisionConfig,
  weights: WeightSource,
  x: Tensor,
  features: Tensor,
): void {
  const rows = sizeAt(x, 0);
  const unit = vision.spatialMergeSize ** 2;
  const normed = rmsNorm(trace, x, weights.vector('model.visual.merger.ln_q.weight'), vision.rmsNormEps);
  const grouped = reshape(normed, [rows / unit, vision.hiddenSize * unit]);
  const inner = linear(trace, grouped, weights.matrix('model.visual.merger.mlp.0.weight'), {
    bias: weights.vector('model.visual.merger.mlp.0.bias'),
    activation: 'gelu',
  });
  const projected = linear(trace, inner, weights.matrix('model.visual.merger.mlp.2.weight'), {
    bias: weights.vector('model.visual.merger.mlp.2.bias'),
  });
  const order = trace.input('vision.merged_order', [rows / unit], 'u32');
  gatherRows(trace, projected, order, features);
}
