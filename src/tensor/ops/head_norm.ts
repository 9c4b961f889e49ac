// RMSNorm of the query and key heads of a fused projection, forward and reverse side by side. The weights are frozen;
// gradients reach the projection.

import { headNormBackward, headNorm as headNormKernel } from '../../kernels/head_norm';
import { ShapeError } from '../../lib/errors';
import { anyRequiresGrad, elementCount, sizesOf, type Tensor, type Trace } from '../trace';

/** Heads of the projection, and eps inside the root. */
export interface HeadNormLayout {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly eps: number;
}

/**
 * Queries and keys normalised per head, values unchanged.
 * @param qkv     [T, (NH + 2·NKV)·HS] f32: queries, then keys, then values, head-major inside
 * @param qWeight [HS] f32
 * @param kWeight [HS] f32
 * @returns       as qkv
 * @throws ShapeError when widths differ, or a weight requires a gradient
 * @source Qwen3 technical report (arXiv:2505.09388), section 2; transformers Qwen3Attention q_norm, k_norm
 */
export function headNorm(
  trace: Trace,
  qkv: Tensor,
  qWeight: Tensor,
  kWeight: Tensor,
  layout: HeadNormLayout,
): Tensor {
  const [tokens, width] = sizesOf(qkv, 2);
  const { heads, kvHeads, headSize } = layout;
  if (width !== (heads + 2 * kvHeads) * headSize)
    throw new ShapeError(
      `${qkv.name} [${qkv.shape.join(', ')}] does not split into ${heads}+2·${kvHeads} heads of ${headSize}.`,
    );
  for (const weight of [qWeight, kWeight]) {
    if (elementCount(weight.shape) !== headSize)
      throw new ShapeError(
        `${weight.name} has ${elementCount(weight.shape)} entries; heads have ${headSize}.`,
      );
  }
  if (anyRequiresGrad(qWeight, kWeight))
    throw new ShapeError(`${qWeight.name} is frozen: gradients of head norms are not implemented.`);
  const out = trace.activation(`${qkv.name} normed`, qkv.shape, 'f32', qkv.requiresGrad);
  trace.emit(headNormKernel({ tokens, ...layout }, trace.traits), [qkv, qWeight, kWeight, out]);
  trace.record({
    name: 'head_norm',
    inputs: [qkv],
    outputs: [out],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dqkv = trace.activation(`d${qkv.name}`, qkv.shape);
      const call = headNormBackward({ tokens, ...layout }, trace.traits);
      trace.emit(call, [qkv, qWeight, kWeight, dy, dqkv]);
      gradients.add(qkv, dqkv);
    },
  });
  return out;
}
