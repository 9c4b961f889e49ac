// Projects groups of merge² patch rows into one text-width token each, and undoes the vision tower's run order.

import { itemAt } from '../lib/invariant';
import { placeRows } from '../tensor/ops/embedding';
import { reshape, sizeAt, type Tensor, type Trace } from '../tensor/trace';
import { adaptedLinear } from './adapted_linear';
import type { ModelSpec, ProjectorSpec } from './spec';
import { normalise, type Tap } from './vision_transformer';
import type { WeightSource } from './weights';

/** Norm, joining of merge² rows to one, linear layers; [rows, hidden] → [rows / merge², out]. */
function project(
  trace: Trace,
  { vision }: ModelSpec,
  { norm, normOver, layers }: ProjectorSpec,
  weights: WeightSource,
  x: Tensor,
  tap?: Tap,
): Tensor {
  const unit = vision.spatialMergeSize ** 2;
  const joined = [sizeAt(x, 0) / unit, vision.hiddenSize * unit];
  const before = normOver === 'token' ? reshape(x, joined) : x;
  const normed = reshape(normalise(trace, vision.norm, weights, before, norm), joined);
  tap?.('connector.joined', normed);
  return layers.reduce(
    (input, { name, bias, activation }) =>
      adaptedLinear(trace, weights, input, `${name}.weight`, {
        bias: bias ? weights.vector(`${name}.bias`) : undefined,
        activation,
      }),
    normed,
  );
}

/**
 * Projects the tower's output to image features, and the outputs of tapped blocks to those of DeepStack. Declares the
 * inputs `vision.feature_rows.k`, u32 [rows / merge²]: where each merged row of the run belongs in `features`.
 * @param blocks   outputs of all blocks, each [rows, hidden] in run order
 * @param features external [≥ rows / merge² · featureRows, out]: of each image token in prompt order its own features, then
 *   those of each tap
 * @param tap      names intermediate tensors
 */
export function modalityProjector(
  trace: Trace,
  spec: ModelSpec,
  weights: WeightSource,
  blocks: readonly Tensor[],
  features: Tensor,
  tap?: Tap,
): void {
  const { main, taps } = spec.connector;
  const parts = [{ block: blocks.length - 1, projector: main }, ...taps];
  parts.forEach(({ block, projector }, part) => {
    const projected = project(
      trace,
      spec,
      projector,
      weights,
      itemAt(blocks, block),
      part === 0 ? tap : undefined,
    );
    const rows = trace.input(`vision.feature_rows.${part}`, [sizeAt(projected, 0)], 'u32');
    placeRows(trace, projected, rows, features);
  });
}
