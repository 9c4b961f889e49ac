// Decode attention in splits against f64 rotary and attention one after the other: what comes out, what is captured, and
// what lies in the cache afterwards.

import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { verifyCalls } from '../../src/gpu/self_check';
import {
  type CacheFormat,
  type CacheShape,
  cachePositions,
  cacheWords,
  slotCapacity,
  slotStart,
} from '../../src/kernels/cache_shape';
import {
  SPLIT_VARIANT,
  type SplitDecodeOptions,
  splitDecodeAttention,
  splitsDecode,
} from '../../src/kernels/split_decode_attention';
import { f16ToF32, f32ToF16 } from '../../src/lib/float_bits';
import { LEAST_TRAITS } from '../harness/device_traits';
import { testGpu } from '../harness/gpu';
import { type Operand, runCall } from '../harness/run_call';
import { referenceDecodeAttention } from '../reference/decode_attention';
import { rotaryReference, rotaryTables } from '../reference/rotary';
import { dirty, expectClose, gaussian, imageClasses } from './attention_cases';

interface Case {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly headStride?: number;
  readonly format: CacheFormat;
  readonly splits: number;
  /** slot, length, prefix slot, prefix length, position, generated, done, token of every sequence. */
  readonly sequences: readonly (readonly number[])[];
  readonly cache: Omit<CacheShape, 'format'>;
  /** Absent: nothing is captured. */
  readonly mapSize?: number;
}

const TABLE_ROWS = 70;

function kept(values: Float32Array, format: CacheFormat): Float32Array<ArrayBuffer> {
  return format === 'f32' ? Float32Array.from(values) : Float32Array.from(f16ToF32(f32ToF16(values)));
}

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
function prepare(c: Case) {
  const { heads, kvHeads, headSize: hs, format } = c;
  const stride = c.headStride ?? hs;
  const batch = c.sequences.length;
  const cache: CacheShape = { ...c.cache, format };
  const total = heads + 2 * kvHeads;
  const qkv = gaussian(batch * total * hs, 1);
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
  const o: SplitDecodeOptions = {
    ...{ batch, heads, kvHeads, headSize: hs, headStride: stride, cache, scale: hs ** -0.5 },
    splits: c.splits,
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

/** Runs both dispatches on junk; masses and map are those of layer 1 of 3, and of map layer 1 of 2. */
async function check(c: Case, change: Partial<DeviceTraits> = {}): Promise<void> {
  const gpu = await testGpu();
  const traits = { ...gpu.traits, ...change };
  const { o, qkv, tables, sequences, keyClass, before, after, truth } = prepare(c);
  const { mapSize } = c;
  const captures = mapSize !== undefined;
  const capture = captures ? { capture: { mapSize, layer: 1, mapLayer: 1 } } : {};
  const { attend, merge, partials, scores } = splitDecodeAttention({ ...o, ...capture }, traits);
  const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const found = await runCall(gpu, attend, [
    ...[qkv, ...before.map((values) => cacheWords(values, c.format)), sequences, tables.cos, tables.sin],
    ...[dirty(product(partials)), ...(scores ? [dirty(product(scores), 5e4)] : [])],
  ]);
  const rows = o.batch * o.heads;
  const results = await runCall(gpu, merge, [
    ...[
      found[6]!,
      sequences,
      ...(captures ? [found[7]!, keyClass] : []),
      dirty(truth.out.length, Number.NaN),
    ],
    ...(captures ? [dirty(3 * rows * 5)] : []),
    ...(mapSize ? [dirty(2 * rows * mapSize)] : []),
  ]);
  const out = results[captures ? 4 : 2]!;
  expectClose(out, truth.out, 'out', 2e-6, 1e-5);
  // f16 keeps 11 bits, and a device may round what lies half-way to either side.
  const unit = c.format === 'f16' ? 2 ** -10 : 3e-7;
  for (const [at, name] of [[0, 'k'] as const, [1, 'v'] as const])
    expectClose(valuesOf(found[1 + at]!), after[at]!, name, 0, unit);
  if (!captures) return;
  const placed = (size: number, layers: number, values: ArrayLike<number>) => {
    const all = Array.from(dirty(layers * rows * size));
    all.splice(rows * size, rows * size, ...Array.from(values));
    return all;
  };
  expectClose(results[5]!, placed(5, 3, truth.masses), 'masses', 2e-6, 1e-5);
  if (mapSize) expectClose(results[6]!, placed(mapSize, 2, truth.map), 'map', 2e-6, 1e-5);
}

// Own keys alone, from none in the cache to a full slot, and behind prefixes; at 4 splits around every border; the last has
// finished. 9 positions of a slot, 30 of a prefix.
const SEQUENCES = [
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
const CACHE = { slots: 10, capacity: 9, prefixes: 2, prefixCapacity: 30 };

it.each([
  [4, 'f16', 20, 20, 5],
  [4, 'f16', 18, 20, 0],
  [7, 'f16', 32, 32, 40],
  [1, 'f16', 20, 24, 5],
] as const)(
  'is rotary, append and attention over %i splits: %s, head size %i at stride %i, map of %i',
  async (splits, format, headSize, headStride, mapSize) => {
    const sizes = { heads: 14, kvHeads: 2, headSize, headStride, format, splits };
    await check({ ...sizes, sequences: SEQUENCES, cache: CACHE, mapSize });
  },
);

// More keys than the 256 that a workgroup takes at once.
it.each([
  [2, 2],
  [32, 1],
])('walks long splits of keys in f32: %i splits', async (splits) => {
  const cache = { slots: 2, capacity: 330, prefixes: 1, prefixCapacity: 290 };
  const sequences = [
    [1, 329, 2, 290, 66, 0, 0, 0],
    [0, 255, 2, 0, 5, 0, 0, 0],
  ];
  await check({ heads: 4, kvHeads: 2, headSize: 64, format: 'f32', splits, sequences, cache });
});

it('takes heads of 128 without a group, as graphics cards share them out', async () => {
  const sequences = [[0, 20, 0, 0, 20, 0, 0, 0]];
  const cache = { slots: 1, capacity: 33, prefixes: 0, prefixCapacity: 0 };
  const sizes = { heads: 2, kvHeads: 2, headSize: 128, format: 'f32', splits: 3 } as const;
  await check({ ...sizes, sequences, cache }, { software: false });
});

const OPTIONS = {
  ...{ batch: 1, heads: 16, kvHeads: 2, headSize: 128, scale: 1 },
  cache: { slots: 1, capacity: 1500, prefixes: 0, prefixCapacity: 0, format: 'f16' },
} as const;

it('passes its own checks, which run the kernels in use', async () => {
  const gpu = await testGpu();
  const { o } = prepare({
    ...{ heads: 14, kvHeads: 2, headSize: 20, format: 'f16', splits: 4, sequences: SEQUENCES, cache: CACHE },
  });
  const { attend, merge } = splitDecodeAttention({ ...o, capture: { mapSize: 5 } }, gpu.traits);
  for (const call of [attend, merge]) expect(call.check!().call.kernel.source).toBe(call.kernel.source);
  await verifyCalls(gpu, [attend, merge]);
  expect(gpu.traits.disabledVariants.has(SPLIT_VARIANT)).toBe(false);
});

it('divides keys as the capacity calls for, fewer where sequences fill the device', () => {
  const splits = (change: Partial<SplitDecodeOptions>) =>
    splitDecodeAttention({ ...OPTIONS, ...change }, { ...LEAST_TRAITS, maxBindingBytes: 2 ** 31 })
      .partials[2];
  const cache = (capacity: number) => ({ cache: { ...OPTIONS.cache, capacity } });
  expect([1, 128, 129, 1500, 1e5].map((capacity) => splits(cache(capacity)))).toEqual([1, 1, 2, 12, 32]);
  expect(
    [1, 32, 64, 500].map((batch) => splits({ batch, cache: { ...OPTIONS.cache, slots: batch } })),
  ).toEqual([12, 4, 2, 1]);
});

it('is for devices that are no software, hold its tensors and got it right', () => {
  const chosen = (change: Partial<DeviceTraits>) =>
    splitsDecode({ ...OPTIONS, capture: { mapSize: 0 } }, { ...LEAST_TRAITS, ...change });
  expect(chosen({})).toBe(true);
  expect(chosen({ software: true })).toBe(false);
  expect(chosen({ disabledVariants: new Set([SPLIT_VARIANT]) })).toBe(false);
  // 16 heads × 12 splits × 132 values of 4 bytes, and scores of 16 × 1,500.
  expect(chosen({ maxBindingBytes: 4 * 16 * 12 * 132 })).toBe(true);
  expect(chosen({ maxBindingBytes: 4 * 16 * 1500 - 4 })).toBe(false);
});

it('says which size is wrong', () => {
  const attempt = (change: Partial<SplitDecodeOptions>) => () =>
    splitDecodeAttention({ ...OPTIONS, ...change }, LEAST_TRAITS);
  expect(attempt({ headSize: 7, headStride: 8 })).toThrow(/headSize is 7/);
  expect(attempt({ headSize: 18 })).toThrow(/headSize 18/);
  expect(attempt({ headStride: 64 })).toThrow(/headStride is 64/);
  expect(attempt({ splits: 0 })).toThrow(/splits/);
  expect(attempt({ cache: { ...OPTIONS.cache, prefixes: 2 } })).toThrow(/prefixCapacity/);
});
