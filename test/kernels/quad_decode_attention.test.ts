// Decode attention by quads against f64 rotary and attention one after the other: what comes out, what is captured, and what
// lies in the cache afterwards.

import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { verifyCalls } from '../../src/gpu/self_check';
import { QUAD_VARIANT, quadDecodeAttention, quadsDecode } from '../../src/kernels/quad_decode_attention';
import type { RotaryDecodeOptions } from '../../src/kernels/rotary_decode';
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

/** Runs a case twice, on two kinds of junk; masses and map are those of layer 1 of 3, and of map layer 1 of 2. */
async function check(c: Omit<RotaryDecodeCase, 'format'>, tolerance = 1e-5): Promise<void> {
  const gpu = await testGpu();
  const prepared = prepareRotaryDecode({ ...c, format: 'f32' });
  const { o, qkv, tables, sequences, keyClass, before, after, truth } = prepared;
  const { mapSize } = c;
  const captures = mapSize !== undefined;
  const capture = captures ? { capture: { mapSize, layer: 1, mapLayer: 1 } } : {};
  const call = quadDecodeAttention({ ...o, ...capture }, gpu.traits);
  const rows = o.batch * o.heads;
  const run = (junk: number) =>
    runCall(gpu, call, [
      ...[qkv, ...before, sequences, tables.cos, tables.sin, ...(captures ? [keyClass] : [])],
      ...[dirty(truth.out.length, junk), ...dirtyCapture(rows, mapSize)],
    ]);
  const found = await run(Number.NaN);
  expect(await run(1e30)).toEqual(found);
  const outputs = found.slice(captures ? 7 : 6);
  expectClose(outputs[0]!, truth.out, 'out', tolerance / 5, tolerance);
  expectCaches(found.slice(1), after, 'f32');
  if (captures) expectCapture(outputs.slice(1), truth, rows, mapSize);
}

// Groups of 7 are two tiles of heads of 16, four of heads of 32.
it.each([
  [14, 16, 16, 5],
  [14, 32, 32, 0],
  [6, 18, 20, 40],
  [2, 8, 8, 5],
  [4, 28, 32, undefined],
])(
  'is rotary, append and attention: %i heads over 2, head size %i at stride %i, map of %s',
  async (heads, headSize, headStride, mapSize) => {
    const capture = mapSize === undefined ? {} : { mapSize };
    await check({ heads, kvHeads: 2, headSize, headStride, sequences: SEQUENCES, cache: CACHE, ...capture });
  },
);

it('walks many keys, of a prefix and own', async () => {
  const cache = { slots: 2, capacity: 330, prefixes: 1, prefixCapacity: 290 };
  const sequences = [
    [1, 329, 2, 290, 66, 0, 0, 0],
    [0, 255, 2, 0, 5, 0, 0, 0],
  ];
  await check({ heads: 4, kvHeads: 2, headSize: 32, sequences, cache, mapSize: 40 });
});

it('survives outlier scores of 1e4', async () => {
  const sequences = [[0, 12, 0, 0, 7, 0, 0, 0]];
  const cache = { slots: 1, capacity: 20, prefixes: 0, prefixCapacity: 0 };
  // Scores reach 1e4, known to 1e-3 in f32: rival probabilities are good to 1e-3.
  await check({ heads: 2, kvHeads: 1, headSize: 20, sequences, cache, outlier: 1e4 }, 2e-3);
});

const OPTIONS = {
  ...{ batch: 1, heads: 4, kvHeads: 2, headSize: 32, scale: 1 },
  cache: { slots: 1, capacity: 50, prefixes: 0, prefixCapacity: 0, format: 'f32' },
} as const;

it('passes its own check, which runs the kernel in use', async () => {
  const gpu = await testGpu();
  const calls = [{}, { capture: { mapSize: 5 } }].map((capture) =>
    quadDecodeAttention({ ...OPTIONS, headSize: 18, headStride: 20, ...capture }, gpu.traits),
  );
  for (const call of calls) expect(call.check!().call.kernel.source).toBe(call.kernel.source);
  await verifyCalls(gpu, calls);
  expect(gpu.traits.disabledVariants.has(QUAD_VARIANT)).toBe(false);
});

it('is for software devices with subgroups and enough bindings that got it right, for few small heads in f32', () => {
  const traits = { ...LEAST_TRAITS, software: true, subgroups: true, maxStorageBuffers: 10 };
  const chosen = (change: Partial<DeviceTraits>, sizes: Partial<RotaryDecodeOptions> = {}) =>
    quadsDecode({ ...OPTIONS, capture: { mapSize: 4 }, ...sizes }, { ...traits, ...change });
  expect(chosen({})).toBe(true);
  expect(chosen({ software: false })).toBe(false);
  expect(chosen({ subgroups: false })).toBe(false);
  expect(chosen({ disabledVariants: new Set([QUAD_VARIANT]) })).toBe(false);
  expect(chosen({ maxStorageBuffers: 9 })).toBe(false);
  expect(chosen({ maxStorageBuffers: 9 }, { capture: { mapSize: 0 } })).toBe(true);
  expect([8, 9].map((batch) => chosen({}, { batch }))).toEqual([true, false]);
  expect(chosen({}, { headSize: 36 })).toBe(false);
  expect(chosen({}, { cache: { ...OPTIONS.cache, format: 'f16' } })).toBe(false);
});

it('says which size is wrong', () => {
  const attempt = (change: Partial<RotaryDecodeOptions>) => () =>
    quadDecodeAttention({ ...OPTIONS, ...change }, LEAST_TRAITS);
  expect(attempt({ headSize: 7, headStride: 8 })).toThrow(/headSize is 7/);
  expect(attempt({ headSize: 64 })).toThrow(/heads of up to 32; given f32, 64/);
  expect(attempt({ headStride: 16 })).toThrow(/headStride is 16/);
  expect(attempt({ cache: { ...OPTIONS.cache, format: 'f16' } })).toThrow(/given f16, 32/);
});
