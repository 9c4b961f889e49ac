// Decode attention in splits against f64 rotary and attention one after the other: what comes out, what is captured, and
// what lies in the cache afterwards.

import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { verifyCalls } from '../../src/gpu/self_check';
import { cacheWords } from '../../src/kernels/cache_shape';
import {
  SPLIT_VARIANT,
  type SplitDecodeOptions,
  splitDecodeAttention,
  splitsDecode,
} from '../../src/kernels/split_decode_attention';
import { LEAST_TRAITS } from '../harness/device_traits';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { dirty, expectClose } from './attention_cases';
import {
  CACHE,
  dirtyCapture,
  expectCaches,
  expectCapture,
  prepareRotaryDecode,
  type RotaryDecodeCase,
  SEQUENCES,
} from './rotary_decode_cases';

type Case = RotaryDecodeCase & { readonly splits: number };

/** Runs both dispatches on junk; masses and map are those of layer 1 of 3, and of map layer 1 of 2. */
async function check(c: Case, change: Partial<DeviceTraits> = {}): Promise<void> {
  const gpu = await testGpu();
  const traits = { ...gpu.traits, ...change };
  const { o, qkv, tables, sequences, keyClass, before, after, truth } = prepareRotaryDecode(c);
  const { mapSize, splits } = c;
  const captures = mapSize !== undefined;
  const capture = captures ? { capture: { mapSize, layer: 1, mapLayer: 1 } } : {};
  const { attend, merge, partials, scores } = splitDecodeAttention({ ...o, splits, ...capture }, traits);
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
    ...dirtyCapture(rows, mapSize),
  ]);
  const out = results[captures ? 4 : 2]!;
  expectClose(out, truth.out, 'out', 2e-6, 1e-5);
  expectCaches(found.slice(1), after, c.format);
  if (captures) expectCapture(results.slice(5), truth, rows, mapSize);
}

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
  const { o } = prepareRotaryDecode({
    ...{ heads: 14, kvHeads: 2, headSize: 20, format: 'f16', sequences: SEQUENCES, cache: CACHE },
  });
  const { attend, merge } = splitDecodeAttention({ ...o, splits: 4, capture: { mapSize: 5 } }, gpu.traits);
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
