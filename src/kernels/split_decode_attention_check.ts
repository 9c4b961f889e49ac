// Supplies tiny cases on which the two kernels of split_decode_attention.ts are checked before their first use on a device
// (gpu/self_check.ts): two cached keys in one split, and the newest key, which is in no cache yet, in another.

import type { KernelCall, KernelCheck } from '../gpu/kernel';
import { itemAt } from '../lib/invariant';
import { fill, TOLERANCE } from './attention_check';
import { cacheWords } from './cache_shape';
import { packSequenceStates } from './sequence_words';
import type { SplitDecodeOptions } from './split_decode_attention';

/** Positions of the slot. */
export const CHECK_CAPACITY = 5;
const CACHED = 2;

type Sizes = SplitDecodeOptions & { readonly headStride: number; readonly splits: number };

/** One running sequence whose newest key has index 2. */
function sequence(): Uint32Array {
  const words = {
    slot: 0,
    length: CACHED,
    prefixSlot: 0,
    prefixLength: 0,
    position: 0,
    generated: 0,
    done: 0,
    token: 0,
  };
  return packSequenceStates([words]);
}

/** What a split says of its keys: sums of values, largest score, sum of exp, two zeros. */
function part(scores: readonly number[], values: readonly ArrayLike<number>[], stride: number): number[] {
  const top = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const sums = Array.from({ length: stride }, (_, d) =>
    weights.reduce((sum, weight, key) => sum + weight * (itemAt(values, key)[d] ?? 0), 0),
  );
  return [...sums, top, weights.reduce((a, b) => a + b, 0), 0, 0];
}

/** A case of the first kernel, whose result are the parts of both splits of every head. */
export function splitCheck(o: Sizes, variant: string, call: KernelCall): KernelCheck {
  const { heads, headSize: hs, headStride: stride } = o;
  const half = hs / 2;
  const qkv = fill((heads + 2) * hs, 1);
  // Halves and ones, so that what is turned is exact in f16.
  const cos = Float32Array.from({ length: half }, (_, j) => (j % 2 ? 0.5 : 1));
  const sin = Float32Array.from({ length: half }, (_, j) => (j % 3 ? -0.5 : 0.5));
  const [k, v] = [2, 3].map((seed) =>
    fill(CHECK_CAPACITY * stride, seed).map((x, i) => (i % stride < hs ? x : 0)),
  );
  const head = (index: number): Float32Array => qkv.subarray(index * hs, (index + 1) * hs);
  const turned = (x: Float32Array): number[] =>
    Array.from(x, (value, i) => {
      const [c, s] = [itemAt(cos, i % half), itemAt(sin, i % half)];
      return i < half ? value * c - itemAt(x, i + half) * s : value * c + itemAt(x, i - half) * s;
    });
  const cell = (x: Float32Array, key: number): Float32Array => x.subarray(key * stride, (key + 1) * stride);
  const keys = [cell(k!, 0), cell(k!, 1), turned(head(heads))];
  const values = [cell(v!, 0), cell(v!, 1), head(heads + 1)];
  const expected = Array.from({ length: heads }, (_, h) => {
    const q = turned(head(h));
    const scores = keys.map((key) => o.scale * q.reduce((sum, x, d) => sum + x * itemAt(key, d), 0));
    const [first, second] = [scores.slice(0, CACHED), scores.slice(CACHED)];
    return [...part(first, values, stride), ...part(second, values.slice(CACHED), stride)];
  }).flat();
  const stored = [k!, v!].map((x) => cacheWords(x, o.cache.format));
  const partials = new Float32Array(expected.length);
  const scores = o.capture ? [new Float32Array(heads * CHECK_CAPACITY)] : [];
  const operands = [qkv, ...stored, sequence(), cos, sin, partials, ...scores];
  return { variant, call, operands, output: 6, expected, tolerance: TOLERANCE };
}

/** A case of the second kernel: the mean of both splits' values by their weights. */
export function mergeCheck(o: Sizes, variant: string, call: KernelCall): KernelCheck {
  const { heads, headStride: stride, capture } = o;
  const expected: number[] = [];
  const partials = Array.from({ length: heads }, (_, h) => {
    const values = [1, 2, 3].map((seed) => fill(stride, seed + h));
    const scores = [0.5, -1, 1.5 - h / 4];
    const whole = part(scores, values, stride);
    expected.push(...whole.slice(0, stride).map((sum) => sum / itemAt(whole, stride + 1)));
    return [
      ...part(scores.slice(0, CACHED), values, stride),
      ...part(scores.slice(CACHED), values.slice(CACHED), stride),
    ];
  }).flat();
  const before = capture ? [new Float32Array(heads * CHECK_CAPACITY), new Uint32Array(CHECK_CAPACITY)] : [];
  const after = [...(capture ? [heads * 5] : []), ...(capture?.mapSize ? [heads] : [])];
  const operands = [
    ...[Float32Array.from(partials), sequence(), ...before, new Float32Array(heads * stride)],
    ...after.map((length) => new Float32Array(length)),
  ];
  return { variant, call, operands, output: 2 + before.length, expected, tolerance: TOLERANCE };
}
