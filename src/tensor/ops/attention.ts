// Traces attention over packed segments, in which every query row sees the keys of its two ranges (a prefix and its
// own segment), and its reverse in three deterministic kernels. The forward kernel can capture attention mass, which
// carries no gradient; no T×T matrix exists.

import type { CacheShape } from '../../kernels/cache_shape';
import { copyColumns } from '../../kernels/copy_columns';
import { elementwise } from '../../kernels/elementwise';
import { segmentAttention } from '../../kernels/segment_attention';
import {
  attentionBackwardKeyValue,
  attentionBackwardQuery,
  attentionDelta,
} from '../../kernels/segment_attention_backward';
import { anyRequiresGrad, elementCount, sizesOf, type Tensor, type Trace } from '../trace';

/** Who sees whom. */
export interface AttentionRanges {
  /** u32 [T, 4]: prefixBegin, prefixEnd, ownBegin, ownEnd per query row; both empty on padding rows. */
  readonly ranges: Tensor;
}

/** What to record beside the output. */
export interface AttentionCapture {
  /** u32 [T], see segment_attention.ts. */
  readonly keyClass: Tensor;
  readonly mapSize: number;
}

/** Queries, keys and values of a layer. */
export interface AttentionHeads {
  /** [T, NH, HP] f32 */
  readonly q: Tensor;
  /** [T, NKV, HP] f32 */
  readonly k: Tensor;
  /** [T, NKV, HP] f32 */
  readonly v: Tensor;
  /** HS, where heads are padded with zeros to HP; default HP. */
  readonly headSize?: number | undefined;
}

/** Results of an attention layer. */
export interface AttentionResult {
  /** [T, NH, HS] */
  readonly out: Tensor;
  /** [T, NH], natural logarithm of the softmax denominator. */
  readonly lse: Tensor;
  /** [T, NH, 5] when captured. */
  readonly masses?: Tensor;
  /** [T, NH, mapSize] when captured with a map. */
  readonly map?: Tensor;
}

/** out = softmax(HS^-½ · q kᵀ) v over the visible keys. */
export function attention(
  trace: Trace,
  { q, k, v, headSize: scaleSize }: AttentionHeads,
  visibility: AttentionRanges,
  capture?: AttentionCapture,
): AttentionResult {
  const [tokens, heads, headSize] = sizesOf(q, 3);
  const [keys, kvHeads] = sizesOf(k, 3);
  const scale = (scaleSize ?? headSize) ** -0.5;
  const shape = { tokens, keys, heads, kvHeads, headSize, scale };
  const needsGrad = anyRequiresGrad(q, k, v);
  const out = trace.activation('attention', q.shape, 'f32', needsGrad);
  const lse = trace.activation('lse', [tokens, heads]);
  const operands = [q, k, v, visibility.ranges];
  if (!capture) {
    trace.emit(segmentAttention(shape, trace.traits), [...operands, out, lse]);
  }
  const recorded = capture ? emitCaptured(trace, shape, operands, out, lse, capture) : {};
  trace.record({
    name: 'attention',
    inputs: [q, k, v],
    outputs: [out],
    backward: (gradients, [dOut]) => {
      if (!dOut) return;
      const { ranges } = visibility;
      const stats = trace.activation('attention stats', [tokens, heads, 2]);
      trace.emit(attentionDelta(shape, trace.traits), [dOut, out, lse, stats]);
      const dq = trace.activation('dq', q.shape);
      trace.emit(attentionBackwardQuery(shape, trace.traits), [q, k, v, ranges, stats, dOut, dq]);
      const dk = trace.activation('dk', k.shape);
      const dv = trace.activation('dv', v.shape);
      trace.emit(attentionBackwardKeyValue(shape, trace.traits), [q, k, v, ranges, stats, dOut, dk, dv]);
      gradients.add(q, dq);
      gradients.add(k, dk);
      gradients.add(v, dv);
    },
  });
  return { out: narrowHeads(trace, out, scaleSize ?? headSize), lse, ...recorded };
}

/** Keys and values of one layer in a cache. */
export interface CachedKeys {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly shape: CacheShape;
  readonly kvHeads: number;
}

/**
 * Attention of rows that go on behind cached keys, their own among them: out = softmax(HS^-½ · q kᵀ) v. No gradient.
 * @param q      [T, NH, HP] f32
 * @param cache  k and v of a layer, of whose slot 0 is read, and how they lie
 * @param ranges as {@link AttentionRanges}, in positions of the slot
 * @returns [T, NH, HS]
 */
export function cachedAttention(
  trace: Trace,
  q: Tensor,
  { k, v, shape: cache, kvHeads }: CachedKeys,
  { ranges }: AttentionRanges,
  headSize: number,
): Tensor {
  const [tokens, heads, padded] = sizesOf(q, 3);
  const out = trace.activation('attention', q.shape);
  const { capacity: keys, format: byHead } = cache;
  const shape = { tokens, keys, heads, kvHeads, headSize: padded, scale: headSize ** -0.5 };
  const call = segmentAttention({ ...shape, byHead, saveLse: false }, trace.traits);
  trace.emit(call, [q, k, v, ranges, out]);
  return narrowHeads(trace, out, headSize);
}

/**
 * The first `headSize` values of every head, with zeros as the gradient of the others.
 * @param x [B, NH, HP] f32
 * @returns [B, NH, headSize], x itself where that is its size
 */
export function narrowHeads(trace: Trace, x: Tensor, headSize: number): Tensor {
  const [batch, heads, padded] = sizesOf(x, 3);
  if (padded === headSize) return x;
  const y = trace.activation('attention heads', [batch, heads, headSize], 'f32', x.requiresGrad);
  const fill = (tensor: Tensor, scale: number): void =>
    trace.emit(elementwise({ kind: 'fill', count: elementCount(tensor.shape), scale }, trace.traits), [
      tensor,
    ]);
  const copy = (source: Tensor, sourceCols: number, target: Tensor, targetCols: number): void => {
    const one = trace.activation('one', [1]);
    fill(one, 1);
    const block = { rows: batch * heads, cols: headSize, sourceFirst: 0, targetFirst: 0 };
    trace.emit(copyColumns({ ...block, sourceCols, targetCols }, trace.traits), [source, one, target]);
  };
  copy(x, padded, y, headSize);
  trace.record({
    name: 'narrow_heads',
    inputs: [x],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dx = trace.activation(`d${x.name}`, x.shape);
      fill(dx, 0);
      // dy may come in the shape that y was reshaped to.
      copy(dy, headSize, dx, padded);
      gradients.add(x, dx);
    },
  });
  return y;
}

function emitCaptured(
  trace: Trace,
  shape: Parameters<typeof segmentAttention>[0],
  operands: readonly Tensor[],
  out: Tensor,
  lse: Tensor,
  { keyClass, mapSize }: AttentionCapture,
): { masses: Tensor; map?: Tensor } {
  const masses = trace.activation('masses', [shape.tokens, shape.heads, 5]);
  const call = segmentAttention({ ...shape, capture: { mapSize } }, trace.traits);
  if (mapSize === 0) {
    trace.emit(call, [...operands, keyClass, out, lse, masses]);
    return { masses };
  }
  const map = trace.activation('map', [shape.tokens, shape.heads, mapSize]);
  trace.emit(call, [...operands, keyClass, out, lse, masses, map]);
  return { masses, map };
}
