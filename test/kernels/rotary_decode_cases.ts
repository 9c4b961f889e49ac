// Prepares cases of the decode attentions that rotate and append by themselves: operands, and the truth in f64 from rotary and
// attention one after the other; and says what must lie in the caches and the captured layers afterwards.

import {
  type CacheFormat,
  type CacheShape,
  cachePositions,
  slotCapacity,
  slotStart,
} from '../../src/kernels/cache_shape';
import type { RotaryDecodeOptions } from '../../src/kernels/rotary_decode';
import { f16ToF32, f32ToF16 } from '../../src/lib/float_bits';
import type { Operand } from '../harness/run_call';
import { referenceDecodeAttention } from '../reference/decode_attention';
import { rotaryReference, rotaryTables } from '../reference/rotary';
import { dirty, expectClose, gaussian, imageClasses } from './attention_cases';

/** Sizes of a case. */
export interface RotaryDecodeCase {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly headStride?: number;
  readonly format: CacheFormat;
  /** slot, length, prefix slot, prefix length, position, generated, done, token of every sequence. */
  readonly sequences: readonly (readonly number[])[];
  readonly cache: Omit<CacheShape, 'format'>;
  /** Absent: nothing is captured. */
  readonly mapSize?: number;
  /** Value of every eleventh channel of a query, in place of a normal one. */
  readonly outlier?: number;
}

const TABLE_ROWS = 70;

function kept(values: Float32Array, format: CacheFormat): Float32Array<ArrayBuffer> {
  return format === 'f32' ? Float32Array.from(values) : Float32Array.from(f16ToF32(f32ToF16(values)));
}

/** What the words of a cache hold. */
function valuesOf(words: Operand): Float32Array {
  return words instanceof Float32Array ? words : f16ToF32(new Uint16Array(words.buffer, words.byteOffset));
}

/** Every head of stride `stride`, zeros past its size. */
function padded(x: ArrayLike<number>, size: number, stride: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: (x.length / size) * stride }, (_, i) =>
    i % stride < size ? x[Math.floor(i / stride) * size + (i % stride)]! : 0,
  );
}

/** The operands of a case, and what must come of them. */
export function prepareRotaryDecode(c: RotaryDecodeCase) {
  const { heads, kvHeads, headSize: hs, format } = c;
  const stride = c.headStride ?? hs;
  const batch = c.sequences.length;
  const cache: CacheShape = { ...c.cache, format };
  const total = heads + 2 * kvHeads;
  const qkv = gaussian(batch * total * hs, 1);
  const { outlier } = c;
  if (outlier !== undefined)
    qkv.forEach((_, i) => {
      if (i % 11 === 0 && Math.floor(i / hs) % total < heads) qkv[i] = outlier;
    });
  const tables = rotaryTables(TABLE_ROWS, hs);
  const part = (from: number, to: number) =>
    qkv.filter((_, i) => Math.floor(i / hs) % total >= from && Math.floor(i / hs) % total < to);
  const positions = c.sequences.map((words) => words[4]!);
  const turned = (x: Float32Array, count: number) => rotaryReference(x, count, hs, tables, positions);
  const q = padded(turned(part(0, heads), heads), hs, stride);
  const k = kept(padded(turned(part(heads, heads + kvHeads), kvHeads), hs, stride), format);
  const v = kept(padded(part(heads + kvHeads, total), hs, stride), format);
  const count = cachePositions(cache) * kvHeads;
  // Whatever lies in the newest key's cell before is not read.
  const before = [2, 3].map((seed) => kept(padded(gaussian(count * hs, seed), hs, stride), format));
  const after = before.map((values) => Float32Array.from(values));
  c.sequences.forEach(([slot = 0, length = 0, , , , , done], b) => {
    const capacity = slotCapacity(cache, slot);
    if (done || length >= capacity) return;
    for (let h = 0; h < kvHeads; h++) {
      const cell = (slotStart(cache, slot) * kvHeads + h * capacity + length) * stride;
      const from = (b * kvHeads + h) * stride;
      after[0]!.set(k.subarray(from, from + stride), cell);
      after[1]!.set(v.subarray(from, from + stride), cell);
      for (const values of before) values.fill(60000, cell, cell + stride);
    }
  });
  const sequences = Uint32Array.from(c.sequences.flat());
  const keyClass = imageClasses(cachePositions(cache)).classes;
  const o: RotaryDecodeOptions = {
    ...{ batch, heads, kvHeads, headSize: hs, headStride: stride, cache, scale: hs ** -0.5 },
  };
  const truth = referenceDecodeAttention({
    ...{ ...o, headSize: stride, q, kCache: after[0]!, vCache: after[1]! },
    // A full slot has no cell for the newest key: the keys that it holds are seen.
    sequences: Uint32Array.from(
      c.sequences.flatMap(([slot = 0, length = 0, ...rest]) => [
        slot,
        Math.min(length, slotCapacity(cache, slot) - 1),
        ...rest,
      ]),
    ),
    ...(c.mapSize === undefined ? {} : { keyClass, mapSize: c.mapSize }),
  });
  return { o, qkv, tables, sequences, keyClass, before, after, truth };
}

/** Whether both caches hold what lay there before, and the newest keys and values. */
export function expectCaches(found: readonly Operand[], after: readonly Float32Array[], format: CacheFormat) {
  // f16 keeps 11 bits, and a device may round what lies half-way to either side.
  const unit = format === 'f16' ? 2 ** -10 : 3e-7;
  for (const [at, name] of ['k', 'v'].entries()) expectClose(valuesOf(found[at]!), after[at]!, name, 0, unit);
}

/** Junk for the masses of three layers and the map of two, as a call writes layer 1 of both. */
export function dirtyCapture(rows: number, mapSize: number | undefined): Float32Array<ArrayBuffer>[] {
  if (mapSize === undefined) return [];
  return [dirty(3 * rows * 5), ...(mapSize ? [dirty(2 * rows * mapSize)] : [])];
}

/** Whether layer 1 was written with the truth, and the others not at all. */
export function expectCapture(
  found: readonly Operand[],
  truth: { readonly masses: ArrayLike<number>; readonly map: ArrayLike<number> },
  rows: number,
  mapSize: number,
): void {
  const placed = (size: number, layers: number, values: ArrayLike<number>): number[] => {
    const all = Array.from(dirty(layers * rows * size));
    all.splice(rows * size, rows * size, ...Array.from(values));
    return all;
  };
  expectClose(found[0]!, placed(5, 3, truth.masses), 'masses', 2e-6, 1e-5);
  if (mapSize) expectClose(found[1]!, placed(mapSize, 2, truth.map), 'map', 2e-6, 1e-5);
}

// Own keys alone, from none in the cache to a full slot, and behind prefixes; at 4 splits around every border; the last has
// finished. 9 positions of a slot, 30 of a prefix.
export const SEQUENCES = [
  [0, 0, 0, 0, 0, 0, 0, 0],
  [3, 1, 0, 0, 1, 0, 0, 0],
  [1, 3, 0, 0, 60, 0, 0, 0],
  [2, 4, 7, 0, 4, 0, 0, 0],
  [4, 8, 0, 0, 8, 0, 0, 0],
  [5, 9, 0, 0, 9, 0, 0, 0],
  [6, 0, 7, 30, 30, 0, 0, 0],
  [8, 6, 11, 29, 35, 0, 0, 0],
  [9, 9, 11, 3, 12, 0, 0, 0],
  [10, 2, 11, 30, 32, 0, 1, 0],
].map((words, at) => [at, words[1]!, words[3]! > 0 ? 10 + (at % 2) : 0, ...words.slice(3)]);
export const CACHE = { slots: 10, capacity: 9, prefixes: 2, prefixCapacity: 30 };
