// Computes attention over key ranges in f64, by materialising every row's probabilities: the truth of the kernel
// tests. It follows the formulas and shares nothing with the kernels.

/** Sizes and operands; layouts as in src/kernels/segment_attention.ts. */
export interface SegmentAttentionInput {
  readonly tokens: number;
  readonly keys: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly scale: number;
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  /** [tokens, 4]: prefixBegin, prefixEnd, ownBegin, ownEnd. */
  readonly ranges: ArrayLike<number>;
  readonly keyClass?: ArrayLike<number>;
  readonly mapSize?: number;
}

/** Everything the forward kernel can write, and the probabilities it never stores. */
export interface SegmentAttentionResult {
  readonly out: Float64Array;
  readonly lse: Float64Array;
  /** [heads, tokens, keys]. */
  readonly p: Float64Array;
  readonly masses: Float64Array;
  readonly map: Float64Array;
}

/** Key indices that a row sees. */
export function visibleKeys(ranges: ArrayLike<number>, row: number): number[] {
  const list: number[] = [];
  for (const [begin, end] of [
    [ranges[row * 4]!, ranges[row * 4 + 1]!],
    [ranges[row * 4 + 2]!, ranges[row * 4 + 3]!],
  ] as const) {
    for (let key = begin; key < end; key++) list.push(key);
  }
  return list;
}

/** out = softmax(scale q kᵀ) v over each row's visible keys; lse natural; masses and map as captured. */
export function referenceSegmentAttention(x: SegmentAttentionInput): SegmentAttentionResult {
  const { tokens, keys, heads, kvHeads, headSize: hs } = x;
  const mapSize = x.mapSize ?? 0;
  const result = {
    out: new Float64Array(tokens * heads * hs),
    lse: new Float64Array(tokens * heads),
    p: new Float64Array(heads * tokens * keys),
    masses: new Float64Array(tokens * heads * 5),
    map: new Float64Array(tokens * heads * mapSize),
  };
  for (let row = 0; row < tokens; row++) {
    const visible = visibleKeys(x.ranges, row);
    if (visible.length === 0) continue;
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const at = row * heads + head;
      const scores = visible.map((key) => {
        let sum = 0;
        for (let d = 0; d < hs; d++) sum += x.q[at * hs + d]! * x.k[(key * kvHeads + kvHead) * hs + d]!;
        return sum * x.scale;
      });
      const top = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
      result.lse[at] = top + Math.log(total);
      visible.forEach((key, index) => {
        const p = Math.exp(scores[index]! - top) / total;
        result.p[(head * tokens + row) * keys + key] = p;
        for (let d = 0; d < hs; d++) result.out[at * hs + d]! += p * x.v[(key * kvHeads + kvHead) * hs + d]!;
        if (!x.keyClass) return;
        const word = x.keyClass[key]!;
        result.masses[at * 5 + (word & 255)]! += p;
        if ((word & 255) === 1 && word >>> 8 < mapSize) result.map[at * mapSize + (word >>> 8)] = p;
      });
    }
  }
  return result;
}

/** Gradients of sum(dOut ∘ out) with respect to q, k and v, and delta = rowsum(dOut ∘ out). */
export function referenceSegmentAttentionBackward(
  x: SegmentAttentionInput,
  dOut: ArrayLike<number>,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array; delta: Float64Array } {
  const { tokens, keys, heads, kvHeads, headSize: hs, scale } = x;
  const { p, out } = referenceSegmentAttention(x);
  const dq = new Float64Array(tokens * heads * hs);
  const dk = new Float64Array(keys * kvHeads * hs);
  const dv = new Float64Array(keys * kvHeads * hs);
  const delta = new Float64Array(tokens * heads);
  for (let row = 0; row < tokens; row++) {
    for (let head = 0; head < heads; head++) {
      const a = (row * heads + head) * hs;
      const kvHead = Math.floor(head / (heads / kvHeads));
      for (let d = 0; d < hs; d++) delta[row * heads + head]! += dOut[a + d]! * out[a + d]!;
      for (const key of visibleKeys(x.ranges, row)) {
        const b = (key * kvHeads + kvHead) * hs;
        const weight = p[(head * tokens + row) * keys + key]!;
        let dp = 0;
        for (let d = 0; d < hs; d++) dp += dOut[a + d]! * x.v[b + d]!;
        const ds = weight * (dp - delta[row * heads + head]!) * scale;
        for (let d = 0; d < hs; d++) {
          dq[a + d]! += ds * x.k[b + d]!;
          dk[b + d]! += ds * x.q[a + d]!;
          dv[b + d]! += weight * dOut[a + d]!;
        }
      }
    }
  }
  return { dq, dk, dv, delta };
}
