// One pre-norm decoder block in f64: attention over segments with rotary positions, SwiGLU. Slow and obvious;
// made of the references of its operators, for gradients of the whole by finite differences.

import { rmsNormReference } from './rms_norm';
import { referenceSegmentAttention } from './segment_attention';

/** Sizes of a block. */
export interface BlockShape {
  readonly tokens: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly inner: number;
  readonly eps: number;
}

/** Weights, matrices [out, in]; `qkv` stacks q, k and v, `gateUp` stacks gate and up. */
export type BlockWeights = Readonly<
  Record<'norm1' | 'qkv' | 'o' | 'norm2' | 'gateUp' | 'down', Float64Array>
>;

function linear(x: Float64Array, w: Float64Array, rows: number): Float64Array {
  const k = x.length / rows;
  const n = w.length / k;
  const y = new Float64Array(rows * n);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < n; c++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += x[r * k + i]! * w[c * k + i]!;
      y[r * n + c] = sum;
    }
  }
  return y;
}

function rotate(
  x: Float64Array,
  at: number,
  size: number,
  cos: ArrayLike<number>,
  sin: ArrayLike<number>,
  row: number,
): void {
  const half = size / 2;
  for (let j = 0; j < half; j++) {
    const [a, b] = [x[at + j]!, x[at + half + j]!];
    const [c, s] = [cos[row * half + j]!, sin[row * half + j]!];
    x[at + j] = a * c - b * s;
    x[at + half + j] = b * c + a * s;
  }
}

/** Block output [tokens, hidden] for x [tokens, hidden]. */
export function referenceBlock(
  shape: BlockShape,
  x: Float64Array,
  weights: BlockWeights,
  rotary: { readonly cos: ArrayLike<number>; readonly sin: ArrayLike<number> },
  ranges: ArrayLike<number>,
): Float64Array {
  const { tokens, heads, kvHeads, headSize, inner, eps } = shape;
  const qkv = linear(rmsNormReference(x, weights.norm1, eps).y, weights.qkv, tokens);
  const width = (heads + 2 * kvHeads) * headSize;
  const [q, k, v] = [
    new Float64Array(tokens * heads * headSize),
    new Float64Array(tokens * kvHeads * headSize),
    new Float64Array(tokens * kvHeads * headSize),
  ];
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads + kvHeads; h++)
      rotate(qkv, t * width + h * headSize, headSize, rotary.cos, rotary.sin, t);
    q.set(qkv.subarray(t * width, t * width + heads * headSize), t * heads * headSize);
    k.set(
      qkv.subarray(t * width + heads * headSize, t * width + (heads + kvHeads) * headSize),
      t * kvHeads * headSize,
    );
    v.set(qkv.subarray(t * width + (heads + kvHeads) * headSize, (t + 1) * width), t * kvHeads * headSize);
  }
  const { out } = referenceSegmentAttention({
    tokens,
    keys: tokens,
    heads,
    kvHeads,
    headSize,
    scale: headSize ** -0.5,
    q,
    k,
    v,
    ranges,
  });
  const middle = linear(out, weights.o, tokens).map((value, i) => value + x[i]!);
  const gateUp = linear(rmsNormReference(middle, weights.norm2, eps).y, weights.gateUp, tokens);
  const gated = new Float64Array(tokens * inner);
  for (let t = 0; t < tokens; t++) {
    for (let c = 0; c < inner; c++) {
      const gate = gateUp[t * 2 * inner + c]!;
      gated[t * inner + c] = (gate / (1 + Math.exp(-gate))) * gateUp[t * 2 * inner + inner + c]!;
    }
  }
  return linear(gated, weights.down, tokens).map((value, i) => value + middle[i]!);
}
