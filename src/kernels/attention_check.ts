// Supplies tiny cases on which attention kernels are checked before their first use on a device (gpu/self_check.ts).
// Their values are small, so that a wrong kernel stands out from rounding.

import type { KernelCall, KernelCheck } from '../gpu/kernel';
import { itemAt } from '../lib/invariant';
import type { HeadShape } from './attention_shape';
import { type CacheFormat, type CacheShape, cacheWords } from './cache_shape';

/** Deterministic values in (-1, 1), exact in f16. */
export function fill(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((((i + seed) * 53 + 7) % 101) - 50) / 64);
}

/** softmax(scale · q kᵀ) v of one query over the listed key vectors, in f64. */
function attend(
  q: Float32Array,
  keys: readonly Float32Array[],
  values: readonly Float32Array[],
  scale: number,
): Float64Array {
  const scores = keys.map((k) => scale * k.reduce((sum, x, d) => sum + x * itemAt(q, d), 0));
  const top = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return Float64Array.from(q, (_, d) =>
    weights.reduce((sum, w, key) => sum + (w / total) * itemAt(itemAt(values, key), d), 0),
  );
}

/** Weighted means of values below 1 in f32: 1e-6 of rounding; a wrong kernel misses by 1e-2 or more. */
export const TOLERANCE = 1e-4;

/** Sizes of a segment check; `tokens` keeps the kernel's choice of tile. */
export const SEGMENT_KEYS = 7;

/**
 * A prefix of two keys and a causal segment behind it.
 * @param rest operands between ranges and out, and after out, by length
 */
export function segmentCheck(
  o: HeadShape & { readonly tokens: number; readonly scale: number; readonly format: CacheFormat },
  variant: string,
  call: KernelCall,
  rest: { readonly before: readonly Uint32Array[]; readonly after: readonly number[] },
): KernelCheck {
  const { tokens, heads, kvHeads, headSize: hs } = o;
  const [q, k, v] = [
    fill(tokens * heads * hs, 1),
    fill(SEGMENT_KEYS * kvHeads * hs, 2),
    fill(SEGMENT_KEYS * kvHeads * hs, 3),
  ];
  const ranges = new Uint32Array(4 * tokens);
  const expected = new Float64Array(q.length);
  const row = (x: Float32Array, key: number, head: number): Float32Array =>
    x.subarray((key * kvHeads + head) * hs, (key * kvHeads + head + 1) * hs);
  for (let t = 0; t < tokens; t++) {
    const end = Math.min(SEGMENT_KEYS, 3 + t);
    ranges.set([0, 2, 2, end], 4 * t);
    for (let h = 0; h < heads; h++) {
      const head = Math.floor((h * kvHeads) / heads);
      const seen = Array.from({ length: end }, (_, key) => key);
      const at = (t * heads + h) * hs;
      const [ks, vs] = [seen.map((key) => row(k, key, head)), seen.map((key) => row(v, key, head))];
      expected.set(attend(q.subarray(at, at + hs), ks, vs, o.scale), at);
    }
  }
  const out = new Float32Array(q.length);
  const after = rest.after.map((length) => new Float32Array(length));
  const stored = [k, v].map((values) => cacheWords(values, o.format));
  const operands = [q, ...stored, ranges, ...rest.before, out, ...after];
  return { variant, call, operands, output: 4 + rest.before.length, expected, tolerance: TOLERANCE };
}

/** Positions per slot of a decode check. */
export const DECODE_CAPACITY = 5;

/** Every sequence sees three keys of its own slot. */
export function decodeCheck(
  o: HeadShape & { readonly batch: number; readonly scale: number; readonly cache: CacheShape },
  variant: string,
  call: KernelCall,
  rest: { readonly before: readonly Uint32Array[]; readonly after: readonly number[] },
): KernelCheck {
  const { batch, heads, kvHeads, headSize: hs } = o;
  const size = batch * kvHeads * DECODE_CAPACITY * hs;
  const [q, k, v] = [fill(batch * heads * hs, 1), fill(size, 2), fill(size, 3)];
  const sequences = new Uint32Array(8 * batch);
  const expected = new Float64Array(q.length);
  for (let b = 0; b < batch; b++) {
    sequences.set([b, 2], 8 * b);
    for (let h = 0; h < heads; h++) {
      const base = (b * kvHeads + Math.floor((h * kvHeads) / heads)) * DECODE_CAPACITY;
      const rows = (x: Float32Array): Float32Array[] =>
        [0, 1, 2].map((key) => x.subarray((base + key) * hs, (base + key + 1) * hs));
      const at = (b * heads + h) * hs;
      expected.set(attend(q.subarray(at, at + hs), rows(k), rows(v), o.scale), at);
    }
  }
  const after = rest.after.map((length) => new Float32Array(length));
  const stored = [k, v].map((values) => cacheWords(values, o.cache.format));
  const operands = [q, ...stored, sequences, ...rest.before, new Float32Array(q.length), ...after];
  return { variant, call, operands, output: 4 + rest.before.length, expected, tolerance: TOLERANCE };
}
