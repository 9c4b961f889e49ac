// Supplies tiny cases on which the decode attentions that rotate and append are checked before their first use on a device
// (gpu/self_check.ts): two cached keys, and the newest key, which is in no cache yet; of two splits each has one of these.

import type { KernelCall, KernelCheck } from '../gpu/kernel';
import { itemAt } from '../lib/invariant';
import { fill, TOLERANCE } from './attention_check';
import { mapSizeOf } from './attention_shape';
import { cacheWords, unsharedCache } from './cache_shape';
import { type RotaryDecodeOptions, strideOf } from './rotary_decode';
import { packSequenceStates } from './sequence_words';

/** Positions of the slot. */
const CHECK_CAPACITY = 5;
const CACHED = 2;

/** Sizes of a case. */
type SmallDecode = RotaryDecodeOptions & { readonly headStride: number };

/** The sizes for the same kernel text with one sequence of few keys. */
export function smallDecode(o: RotaryDecodeOptions): SmallDecode {
  const { keysPerRow: _, capture, ...rest } = o;
  const mapSize = mapSizeOf(o) > 0 ? 1 : 0;
  return {
    ...rest,
    ...{ batch: 1, heads: o.heads / o.kvHeads, kvHeads: 1, headStride: strideOf(o) },
    cache: unsharedCache(1, CHECK_CAPACITY, o.cache.format),
    ...(capture ? { capture: { mapSize } } : {}),
  };
}

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

/** Operands of a case, first those of rotary_decode.ts, and the scores of every head and the values, the newest last. */
function rotaryCase(o: SmallDecode) {
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
  const scores = Array.from({ length: heads }, (_, h) => {
    const q = turned(head(h));
    return keys.map((key) => o.scale * q.reduce((sum, x, d) => sum + x * itemAt(key, d), 0));
  });
  const stored = [k!, v!].map((x) => cacheWords(x, o.cache.format));
  return {
    operands: [qkv, ...stored, sequence(), cos, sin],
    scores,
    values: [cell(v!, 0), cell(v!, 1), head(heads + 1)],
  };
}

/** A case of the first kernel of split_decode_attention.ts: the parts of both splits of every head. */
export function splitCheck(o: SmallDecode, variant: string, call: KernelCall): KernelCheck {
  const { operands, scores, values } = rotaryCase(o);
  const expected = scores.flatMap((all) => [
    ...part(all.slice(0, CACHED), values, o.headStride),
    ...part(all.slice(CACHED), values.slice(CACHED), o.headStride),
  ]);
  const after = o.capture ? [new Float32Array(o.heads * CHECK_CAPACITY)] : [];
  const all = [...operands, new Float32Array(expected.length), ...after];
  return { variant, call, operands: all, output: operands.length, expected, tolerance: TOLERANCE };
}

/** A case of quad_decode_attention.ts: the means of the values by their weights. */
export function quadCheck(o: SmallDecode, variant: string, call: KernelCall): KernelCheck {
  const { operands, scores, values } = rotaryCase(o);
  const expected = scores.flatMap((all) => mean(part(all, values, o.headStride), o.headStride));
  const before = o.capture ? [...operands, new Uint32Array(CHECK_CAPACITY)] : operands;
  const all = [...before, new Float32Array(expected.length), ...captured(o)];
  return { variant, call, operands: all, output: before.length, expected, tolerance: TOLERANCE };
}

/** Masses and map. */
function captured({ heads, capture }: SmallDecode): Float32Array[] {
  const sizes = [...(capture ? [heads * 5] : []), ...(capture?.mapSize ? [heads] : [])];
  return sizes.map((length) => new Float32Array(length));
}

/** What a part that has all keys gives as output. */
function mean(whole: readonly number[], stride: number): number[] {
  return whole.slice(0, stride).map((sum) => sum / itemAt(whole, stride + 1));
}

/** A case of the second kernel: the mean of both splits' values by their weights. */
export function mergeCheck(o: SmallDecode, variant: string, call: KernelCall): KernelCheck {
  const { heads, headStride: stride, capture } = o;
  const expected: number[] = [];
  const partials = Array.from({ length: heads }, (_, h) => {
    const values = [1, 2, 3].map((seed) => fill(stride, seed + h));
    const scores = [0.5, -1, 1.5 - h / 4];
    expected.push(...mean(part(scores, values, stride), stride));
    return [
      ...part(scores.slice(0, CACHED), values, stride),
      ...part(scores.slice(CACHED), values.slice(CACHED), stride),
    ];
  }).flat();
  const before = capture ? [new Float32Array(heads * CHECK_CAPACITY), new Uint32Array(CHECK_CAPACITY)] : [];
  const operands = [
    ...[Float32Array.from(partials), sequence(), ...before, new Float32Array(heads * stride)],
    ...captured(o),
  ];
  return { variant, call, operands, output: 2 + before.length, expected, tolerance: TOLERANCE };
}
