// Segment attention against f64 and the operator goldens: head sizes, groups, ranges, capture, determinism.

import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { ATTENTION_VARIANTS, type AttentionVariant } from '../../src/kernels/attention_stream';
import { cacheWords } from '../../src/kernels/cache_shape';
import { type SegmentAttentionOptions, segmentAttention } from '../../src/kernels/segment_attention';
import { f16ToF32, f32ToF16 } from '../../src/lib/float_bits';
import { testGpu } from '../harness/gpu';
import { type Operand, runCall } from '../harness/run_call';
import { referenceSegmentAttention, type SegmentAttentionInput } from '../reference/segment_attention';
import {
  causalRanges,
  dirty,
  expectClose,
  gaussian,
  imageClasses,
  loadGoldens,
  packedRanges,
} from './attention_cases';

interface Forward {
  out: Operand;
  lse: Operand;
  masses: Operand | undefined;
  map: Operand | undefined;
}

async function forward(x: SegmentAttentionInput, variant?: AttentionVariant, fill = 7.5): Promise<Forward> {
  const gpu = await testGpu();
  const rows = x.tokens * x.heads;
  const operands: Operand[] = [x.q, x.k, x.v, x.ranges].map((values) => values as Operand);
  const options: SegmentAttentionOptions = {
    ...x,
    ...(x.keyClass ? { capture: { mapSize: x.mapSize ?? 0 } } : {}),
  };
  if (x.keyClass) operands.push(x.keyClass as Uint32Array);
  const out = operands.push(dirty(rows * x.headSize, fill)) - 1;
  operands.push(dirty(rows, fill));
  if (x.keyClass) operands.push(dirty(rows * 5, fill));
  if (x.keyClass && x.mapSize) operands.push(dirty(rows * x.mapSize, fill));
  const got = await runCall(gpu, segmentAttention(options, gpu.traits, variant), operands);
  return { out: got[out]!, lse: got[out + 1]!, masses: got[out + 2], map: got[out + 3] };
}

function randomInput(
  sizes: { tokens: number; keys?: number; heads: number; kvHeads: number; headSize: number },
  ranges: Uint32Array,
  seed: number,
): SegmentAttentionInput {
  const keys = sizes.keys ?? sizes.tokens;
  const { tokens, heads, kvHeads, headSize } = sizes;
  return {
    tokens,
    keys,
    heads,
    kvHeads,
    headSize,
    scale: headSize ** -0.5,
    q: gaussian(tokens * heads * headSize, seed),
    k: gaussian(keys * kvHeads * headSize, seed + 1),
    v: gaussian(keys * kvHeads * headSize, seed + 2),
    ranges,
  };
}

/** abs 1e-6 or rel 1e-5 of the largest element: a dot product of 128 terms and a sum of 130 keys in f32 stay below. */
async function expectForward(x: SegmentAttentionInput): Promise<void> {
  const truth = referenceSegmentAttention(x);
  for (const variant of ATTENTION_VARIANTS) {
    const got = await forward(x, variant);
    const label = `${variant} T${x.tokens} H${x.heads}/${x.kvHeads} HS${x.headSize}`;
    expectClose(got.out, truth.out, `${label} out`);
    expectClose(got.lse, truth.lse, `${label} lse`);
    if (got.masses) expectClose(got.masses, truth.masses, `${label} masses`);
    if (got.map) expectClose(got.map, truth.map, `${label} map`);
  }
}

it.each([
  [1, 1, 1, 12],
  [2, 3, 1, 16],
  [3, 4, 2, 20],
  [17, 4, 2, 32],
  [31, 7, 1, 40],
  [33, 12, 12, 64],
  [65, 2, 2, 80],
  [37, 14, 2, 128],
])(
  'is causal softmax attention: %i tokens, %i heads over %i, head size %i',
  async (tokens, heads, kvHeads, headSize) => {
    await expectForward(randomInput({ tokens, heads, kvHeads, headSize }, causalRanges(tokens), tokens));
  },
);

it('follows prefix ranges, windows and padding rows', async () => {
  const { ranges, tokens } = packedRanges();
  const x = randomInput({ tokens, heads: 6, kvHeads: 2, headSize: 20 }, ranges, 5);
  await expectForward(x);
  for (const variant of ATTENTION_VARIANTS) {
    const got = await forward(x, variant);
    expect(got.out.slice(30 * 6 * 20).every((value) => value === 0)).toBe(true);
    expect(got.lse.slice(30 * 6).every((value) => value === 0)).toBe(true);
  }
});

it.each(['f32', 'f16'] as const)(
  'reads keys and values in %s that lie by head, as a cache holds them, to the same bits',
  async (format) => {
    const gpu = await testGpu();
    const sizes = { tokens: 6, keys: 23, heads: 6, kvHeads: 3, headSize: 20 };
    // Rows go on behind 11 cached keys; the last cells of the cache are not seen.
    const ranges = Uint32Array.from({ length: 4 * sizes.tokens }, (_, i) =>
      i % 4 === 3 ? 12 + (i >> 2) : 0,
    );
    const given = randomInput(sizes, ranges, 31);
    // What the cache keeps of them.
    const kept = (values: ArrayLike<number>) =>
      format === 'f32' ? values : f16ToF32(f32ToF16(Float32Array.from(values)));
    const x = { ...given, k: kept(given.k), v: kept(given.v) };
    const turned = (values: ArrayLike<number>): Float32Array =>
      Float32Array.from({ length: values.length }, (_, i) => {
        const [d, key, head] = [i % 20, Math.floor(i / 20) % sizes.keys, Math.floor(i / 20 / sizes.keys)];
        return values[(key * sizes.kvHeads + head) * 20 + d]!;
      });
    // A cache has slots besides the one that is read.
    const stored = (values: ArrayLike<number>): Operand => {
      const slots = new Float32Array(2 * values.length).fill(3);
      slots.set(turned(values));
      return cacheWords(slots, format);
    };
    for (const variant of ATTENTION_VARIANTS) {
      const plain = await forward(x, variant);
      const outputs = [dirty(x.q.length, 7.5), dirty(sizes.tokens * sizes.heads, 7.5)];
      const call = segmentAttention({ ...x, byHead: format }, gpu.traits, variant);
      const operands = [x.q as Float32Array, stored(x.k), stored(x.v), ranges, ...outputs];
      const got = await runCall(gpu, call, operands);
      expect(got[4]).toEqual(plain.out);
      expect(got[5]).toEqual(plain.lse);
    }
  },
);

it('never reads keys that a row does not see', async () => {
  const { ranges, tokens } = packedRanges();
  const x = randomInput({ tokens, heads: 2, kvHeads: 2, headSize: 32 }, ranges, 6);
  const keys = tokens;
  // Keys 30.. belong to no range; key 3 of the window is poisoned for the causal rows only through masking by range.
  const k = Float32Array.from(x.k);
  const v = Float32Array.from(x.v);
  k.fill(Number.NaN, 30 * 64, keys * 64);
  v.fill(Number.NaN, 30 * 64, keys * 64);
  await expectForward({ ...x, k: k.map((value) => (Number.isNaN(value) ? 3e38 : value)), v });
});

it('survives outlier scores of 1e4 and equal scores', async () => {
  const x = randomInput({ tokens: 19, heads: 4, kvHeads: 2, headSize: 16 }, causalRanges(19), 9);
  const q = Float32Array.from(x.q, (value, i) => (i % 37 === 0 ? 1e4 : value));
  // Scores reach 1e4; f32 keeps them to 1e-3, so probabilities of close rivals are only good to 1e-3 relative.
  const truth = referenceSegmentAttention({ ...x, q });
  for (const variant of ATTENTION_VARIANTS) {
    const got = await forward({ ...x, q }, variant);
    expectClose(got.out, truth.out, `${variant} out`, 2e-3, 2e-3);
    expectClose(got.lse, truth.lse, `${variant} lse`, 1e-3, 1e-6);
  }
  await expectForward({ ...x, q: new Float32Array(x.q.length) });
});

it('captures class masses and image maps of several images, and leaves out and lse alone', async () => {
  const { ranges, tokens } = packedRanges();
  for (const x of [
    randomInput({ tokens, heads: 6, kvHeads: 3, headSize: 12 }, ranges, 11),
    randomInput({ tokens: 70, heads: 7, kvHeads: 1, headSize: 32 }, causalRanges(70), 12),
  ]) {
    const { classes, mapSize } = imageClasses(x.keys);
    await expectForward({ ...x, keyClass: classes, mapSize });
    await expectForward({ ...x, keyClass: classes });
    for (const variant of ATTENTION_VARIANTS) {
      const plain = await forward(x, variant);
      for (const size of [0, mapSize]) {
        const captured = await forward({ ...x, keyClass: classes, mapSize: size }, variant);
        expect(captured.out).toEqual(plain.out);
        expect(captured.lse).toEqual(plain.lse);
      }
    }
  }
});

it('writes the same bits into dirty memory', async () => {
  const { ranges, tokens } = packedRanges();
  const x = randomInput({ tokens, heads: 4, kvHeads: 2, headSize: 20 }, ranges, 21);
  const { classes, mapSize } = imageClasses(x.keys);
  for (const variant of ATTENTION_VARIANTS) {
    const first = await forward({ ...x, keyClass: classes, mapSize }, variant, 1e30);
    const second = await forward({ ...x, keyClass: classes, mapSize }, variant, Number.NaN);
    expect(second).toEqual(first);
  }
});

it('reproduces the operator goldens, probabilities through the map of all keys', async () => {
  const goldens = await loadGoldens('attention.causal.');
  const cases = new Set([...goldens.keys()].map((name) => name.split('.')[0]!));
  expect(cases.size).toBeGreaterThan(3);
  for (const name of cases) {
    const [tokens = 0, heads = 0, kvHeads = 0, headSize = 0] = name.split('x').map(Number);
    const get = (tensor: string) => goldens.get(`${name}.${tensor}`);
    const x: SegmentAttentionInput = {
      tokens,
      keys: tokens,
      heads,
      kvHeads,
      headSize,
      scale: headSize ** -0.5,
      q: get('q')!.values,
      k: get('k')!.values,
      v: get('v')!.values,
      ranges: causalRanges(tokens),
      keyClass: Uint32Array.from({ length: tokens }, (_, key) => 1 | (key << 8)),
      mapSize: tokens,
    };
    for (const variant of ATTENTION_VARIANTS) {
      const got = await forward(x, variant);
      const o = get('o')!;
      expectClose(got.out, o.values, `${variant} ${name}.o`, o.abs, o.rel);
      // The golden lse and p are head-major.
      const lse = get('lse')!;
      const turned = Float32Array.from(
        { length: heads * tokens },
        (_, i) => got.lse[(i % tokens) * heads + Math.floor(i / tokens)]!,
      );
      expectClose(turned, lse.values, `${variant} ${name}.lse`, lse.abs, lse.rel);
      const p = get('p');
      if (!p) continue;
      const rows = Float32Array.from({ length: heads * tokens * tokens }, (_, i) => {
        const row = Math.floor(i / tokens) % tokens;
        return got.map![(row * heads + Math.floor(i / (tokens * tokens))) * tokens + (i % tokens)]!;
      });
      expectClose(rows, p.values, `${variant} ${name}.p`, p.abs, p.rel);
    }
  }
});

it('reproduces the golden of attention in segments', async () => {
  const goldens = await loadGoldens('attention.segments.');
  const [tokens = 0, heads = 0, headSize = 0] = goldens.get('q')!.shape;
  const cu = goldens.get('cu')!.values;
  const ranges = new Uint32Array(tokens * 4);
  for (let s = 0; s + 1 < cu.length; s++) {
    for (let row = cu[s]!; row < cu[s + 1]!; row++) ranges.set([0, 0, cu[s]!, cu[s + 1]!], row * 4);
  }
  const x: SegmentAttentionInput = {
    tokens,
    keys: tokens,
    heads,
    kvHeads: heads,
    headSize,
    scale: headSize ** -0.5,
    q: goldens.get('q')!.values,
    k: goldens.get('k')!.values,
    v: goldens.get('v')!.values,
    ranges,
  };
  const o = goldens.get('o')!;
  for (const variant of ATTENTION_VARIANTS) {
    expectClose((await forward(x, variant)).out, o.values, `${variant} segments.o`, o.abs, o.rel);
  }
});

it('says which size is wrong, and needs no ninth binding without lse', async () => {
  const { traits } = await testGpu();
  const sizes = { tokens: 4, keys: 4, heads: 4, kvHeads: 2, headSize: 16, scale: 0.25 };
  expect(() => segmentAttention({ ...sizes, headSize: 18 }, traits)).toThrow(/headSize 18/);
  expect(() => segmentAttention({ ...sizes, kvHeads: 3 }, traits)).toThrow(/4 heads/);
  expect(() => segmentAttention({ ...sizes, tokens: 0 }, traits)).toThrow(/tokens/);
  const eight: DeviceTraits = { ...traits, maxStorageBuffers: 8 };
  expect(() => segmentAttention({ ...sizes, capture: { mapSize: 3 } }, eight)).toThrow(/saveLse/);
  const call = segmentAttention({ ...sizes, capture: { mapSize: 3 }, saveLse: false }, eight);
  expect(call.kernel.bindings).toHaveLength(8);
});
