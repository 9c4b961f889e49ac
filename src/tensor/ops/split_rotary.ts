// Splits a fused query/key/value projection into heads and turns queries and keys by their rotary angles, which come
// from the host. The backward pass is the exact inverse.

import { splitRotaryBackward, splitRotary as splitRotaryKernel } from '../../kernels/split_rotary';
import { ShapeError } from '../../lib/errors';
import { sizesOf, type Tensor, type Trace } from '../trace';

/** Head layout of an attention layer. */
export interface HeadLayout {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Size of a head in q, k and v, headSize by default; what lies past headSize is zero. */
  readonly headStride?: number | undefined;
}

/** Rotary tables and the row each token uses. */
export interface RotaryRows {
  /** [P, HS/2] f32 */
  readonly cos: Tensor;
  /** [P, HS/2] f32 */
  readonly sin: Tensor;
  /** [T] u32 */
  readonly rows: Tensor;
}

/**
 * @param qkv [T, (NH + 2·NKV)·HS] f32: queries, then keys, then values, head-major inside
 * @returns   q [T, NH, HP], k [T, NKV, HP] (both turned), v [T, NKV, HP]; HP is the layout's stride
 */
export function splitRotary(
  trace: Trace,
  qkv: Tensor,
  layout: HeadLayout,
  rotary: RotaryRows,
): { q: Tensor; k: Tensor; v: Tensor } {
  const { heads, kvHeads, headSize, headStride = headSize } = layout;
  const [tokens, width] = sizesOf(qkv, 2);
  if (width !== (heads + 2 * kvHeads) * headSize) {
    throw new ShapeError(
      `${qkv.name} [${qkv.shape.join(', ')}] does not split into ${heads}+2·${kvHeads} heads of ${headSize}.`,
    );
  }
  const shape = { tokens, heads, kvHeads, headSize, headStride };
  const q = trace.activation('q', [tokens, heads, headStride], 'f32', qkv.requiresGrad);
  const k = trace.activation('k', [tokens, kvHeads, headStride], 'f32', qkv.requiresGrad);
  const v = trace.activation('v', [tokens, kvHeads, headStride], 'f32', qkv.requiresGrad);
  trace.emit(splitRotaryKernel(shape, trace.traits), [qkv, rotary.cos, rotary.sin, rotary.rows, q, k, v]);
  trace.record({
    name: 'split_rotary',
    inputs: [qkv],
    outputs: [q, k, v],
    backward: (gradients, [dq, dk, dv]) => {
      if (!dq || !dk || !dv) throw new ShapeError('split_rotary needs gradients of q, k and v together.');
      const dqkv = trace.activation(`d${qkv.name}`, qkv.shape);
      trace.emit(splitRotaryBackward(shape, trace.traits), [
        dq,
        dk,
        dv,
        rotary.cos,
        rotary.sin,
        rotary.rows,
        dqkv,
      ]);
      gradients.add(qkv, dqkv);
    },
  });
  return { q, k, v };
}
