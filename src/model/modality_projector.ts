// Projects groups of merge² patch rows into one text-width token each, and undoes the vision tower's run order.

import { defined } from '../lib/invariant';
import { gatherRows } from '../tensor/ops/embedding';
import { linear } from '../tensor/ops/linear';
import { reshape, sizeAt, type Tensor, type Trace } from '../tensor/trace';
import type { ModelSpec, ProjectorSpec } from './spec';
import { normalise } from './vision_transformer';
import type { WeightSource } from './weights';

/** Norm, joining of merge² rows to one, linear layers; [rows, hidden] → [rows / merge², out]. */
function project(
  trace: Trace,
  { vision }: ModelSpec,
  { norm, normOver, layers }: ProjectorSpec,
  weights: WeightSource,
  x: Tensor,
): Tensor {
  const unit = vision.spatialMergeSize ** 2;
  const joined = [sizeAt(x, 0) / unit, vision.hiddenSize * unit];
  const before = normOver === 'token' ? reshape(x, joined) : x;
  const normed = reshape(normalise(trace, vision.norm, weights, before, norm), joined);
  return layers.reduce(
    (input, { name, bias, activation }) =>
      linear(trace, input, weights.matrix(`${name}.weight`), {
        bias: bias ? weights.vector(`${name}.bias`) : undefined,
        activation,
      }),
    normed,
  );
}

/**
 * Projects the tower's last output to image features. Declares the input `vision.merged_order`.
 * @param blocks   outputs of all blocks, each [rows, hidden] in run order
 * @param features external [≥ rows / merge², out] tensor that receives the image features in prompt order
 */
export function modalityProjector(
  trace: Trace,
  spec: ModelSpec,
  weights: WeightSource,
  blocks: readonly Tensor[],
  features: Tensor,
): void {
  const last = defined(blocks.at(-1), 'a block of the vision tower');
  const projected = project(trace, spec, spec.connector.main, weights, last);
  const order = trace.input('vision.merged_order', [sizeAt(projected, 0)], 'u32');
  gatherRows(trace, projected, order, features);
}
