// Decode attention against f64 and the operator goldens: groups, prefixes, batches, finished sequences, capture.

import { expect, it } from 'vitest';
import { ATTENTION_VARIANTS, type AttentionVariant } from '../../src/kernels/attention_stream';
import {
  type CacheFormat,
  type CacheShape,
  cachePositions,
  cacheWords,
  unsharedCache,
} from '../../src/kernels/cache_shape';
import { decodeAttention } from '../../src/kernels/decode_attention';
import { f16ToF32, f32ToF16 } from '../../src/lib/float_bits';
import { testGpu } from '../harness/gpu';
import { type Operand, runCall } from '../harness/run_call';
import { type DecodeAttentionInput, referenceDecodeAttention } from '../reference/decode_attention';
import { dirty, expectClose, gaussian, imageClasses, loadGoldens, random } from './attention_cases';

interface Step {
  out: Operand;
  masses: Operand | undefined;
  map: Operand | undefined;
}

async function decode(x: DecodeAttentionInput, variant?: AttentionVariant, fill = 7.5): Promise<Step> {
  const gpu = await testGpu();
  const { batch, heads } = x;
  const calls = decodeAttention(
    { ...x, ...(x.keyClass ? { capture: { mapSize: x.mapSize ?? 0 } } : {}) },
    gpu.traits,
    variant,
  );
  expect(calls).toHaveLength(1);
  const stored = [x.kCache, x.vCache].map((values) => cacheWords(values, x.cache.format));
  const operands: Operand[] = [x.q, ...stored, x.sequences];
  if (x.keyClass) operands.push(x.keyClass);
  const out = operands.push(dirty(batch * heads * x.headSize, fill)) - 1;
  if (x.keyClass) operands.push(dirty(batch * heads * 5, fill));
  if (x.keyClass && x.mapSize) operands.push(dirty(batch * heads * x.mapSize, fill));
  const got = await runCall(gpu, calls[0]!, operands);
  return { out: got[out]!, masses: got[out + 1], map: got[out + 2] };
}

interface Sizes {
  batch: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  capacity: number;
}

/** Normal values as a cache of the format keeps them: the truth is computed of what the kernel reads. */
function kept(count: number, seed: number, format: CacheFormat): Float32Array<ArrayBuffer> {
  const values = gaussian(count, seed);
  return format === 'f32' ? values : Float32Array.from(f16ToF32(f32ToF16(values)));
}

/** Sequences in shuffled slots; every fourth has finished, prefixes live in the slots past the batch. */
function randomInput(
  { capacity, ...sizes }: Sizes,
  seed: number,
  { prefixes = 0, prefixCapacity = 0, format = 'f32' }: Partial<CacheShape> = {},
): DecodeAttentionInput {
  const { batch, heads, kvHeads, headSize } = sizes;
  const cache = { slots: batch, capacity, prefixes, prefixCapacity, format };
  const next = random(seed);
  const sequences = new Uint32Array(batch * 8);
  for (let b = 0; b < batch; b++) {
    const prefixLength = prefixes > 0 && b % 3 !== 2 ? 1 + Math.floor(next() * prefixCapacity) : 0;
    const length = Math.floor(next() * capacity);
    sequences.set(
      [
        batch - 1 - b,
        length,
        batch + (b % Math.max(1, prefixes)),
        prefixLength,
        99,
        5,
        b % 4 === 3 ? 1 : 0,
        12,
      ],
      b * 8,
    );
  }
  const values = cachePositions(cache) * kvHeads * headSize;
  const kCache = kept(values, seed + 2, format);
  const vCache = kept(values, seed + 3, format);
  return {
    ...sizes,
    cache,
    scale: headSize ** -0.5,
    q: gaussian(batch * heads * headSize, seed + 1),
    kCache,
    vCache,
    sequences,
  };
}

/** abs 1e-6 or rel 1e-5 of the largest element, as the goldens allow an f32 engine; every variant. */
async function expectDecode(x: DecodeAttentionInput): Promise<Step[]> {
  const truth = referenceDecodeAttention(x);
  const steps: Step[] = [];
  for (const variant of ATTENTION_VARIANTS) {
    const got = await decode(x, variant);
    const label = `${variant} ${x.cache.format} B${x.batch} H${x.heads}/${x.kvHeads} HS${x.headSize}`;
    expectClose(got.out, truth.out, `${label} out`);
    if (got.masses) expectClose(got.masses, truth.masses, `${label} masses`);
    if (got.map) expectClose(got.map, truth.map, `${label} map`);
    steps.push(got);
  }
  return steps;
}

it.each([
  [1, 1, 1, 12, 1],
  [3, 4, 2, 32, 33],
  [2, 3, 1, 20, 130],
  [5, 7, 1, 16, 65],
  [2, 6, 3, 40, 67],
  [1, 12, 12, 64, 300],
  [2, 14, 2, 128, 37],
  [2, 2, 2, 80, 41],
  [64, 4, 2, 32, 50],
])(
  'is softmax attention over the cache: batch %i, %i heads over %i, head size %i, capacity %i',
  async (batch, heads, kvHeads, headSize, capacity) => {
    await expectDecode(randomInput({ batch, heads, kvHeads, headSize, capacity }, batch + headSize));
  },
);

// The truth takes the values that f16 keeps, so the tolerance is that of f32: sums and probabilities are f32 in either.
it.each([[2, 3, 1, 20, 130]])(
  'reads keys and values in f16: batch %i, %i heads over %i, head size %i, capacity %i',
  async (batch, heads, kvHeads, headSize, capacity) => {
    const sizes = { batch, heads, kvHeads, headSize, capacity };
    await expectDecode(randomInput(sizes, batch + headSize, { format: 'f16' }));
  },
);

it.each([
  ['f32', 37, 301],
  ['f32', 301, 11],
  ['f16', 37, 301],
] as const)(
  'puts a shared prefix before the own keys and skips finished sequences: %s, %i own keys, %i shared',
  async (format, capacity, prefixCapacity) => {
    const sizes = { batch: 9, heads: 4, kvHeads: 2, headSize: 32, capacity };
    const x = randomInput(sizes, 4, { prefixes: 2, prefixCapacity, format });
    for (const { out } of await expectDecode(x)) {
      expect(out.slice(3 * 128, 4 * 128).every((value) => value === 0)).toBe(true);
    }
  },
);

it.each(['f32', 'f16'] as const)(
  'captures class masses and image maps, and leaves out alone: %s',
  async (format) => {
    const sizes = { batch: 6, heads: 7, kvHeads: 1, headSize: 16, capacity: 150 };
    const x = randomInput(sizes, 8, { prefixes: 1, prefixCapacity: 290, format });
    // The prefix holds the images; own keys are generated or text, with one more image in slot 2.
    const { classes, mapSize } = imageClasses(290);
    const keyClass = new Uint32Array(6 * 150 + 290).fill(4);
    keyClass.set(classes, 6 * 150);
    keyClass.fill(3, 0, 150);
    for (let i = 0; i < 2; i++) keyClass[2 * 150 + 3 + i] = 1 | ((mapSize - 2 + i) << 8);
    const plain = await expectDecode(x);
    for (const size of [0, mapSize]) {
      const captured = await expectDecode({ ...x, keyClass, mapSize: size });
      captured.forEach((got, index) => {
        expect(got.out).toEqual(plain[index]!.out);
        // The masses of a running sequence are a distribution.
        const sum = [...got.masses!.slice(0, 5)].reduce((total, mass) => total + mass, 0);
        expect(sum).toBeCloseTo(1, 5);
      });
    }
  },
);

it('writes the captured rows of its layer and leaves the others', async () => {
  const gpu = await testGpu();
  const x = randomInput({ batch: 2, heads: 3, kvHeads: 1, headSize: 16, capacity: 30 }, 5);
  const { classes, mapSize } = imageClasses(60);
  const truth = referenceDecodeAttention({ ...x, keyClass: classes, mapSize });
  for (const variant of ATTENTION_VARIANTS) {
    const capture = { mapSize, layer: 2, mapLayer: 1 };
    const [call] = decodeAttention({ ...x, capture }, gpu.traits, variant);
    const got = await runCall(gpu, call!, [
      x.q,
      x.kCache,
      x.vCache,
      x.sequences,
      classes,
      dirty(x.q.length),
      dirty(4 * 6 * 5),
      dirty(3 * 6 * mapSize),
    ]);
    const masses = Array.from(dirty(4 * 6 * 5));
    masses.splice(2 * 30, 30, ...truth.masses);
    expectClose(got[6]!, masses, `${variant} masses`);
    const map = Array.from(dirty(3 * 6 * mapSize));
    map.splice(6 * mapSize, 6 * mapSize, ...truth.map);
    expectClose(got[7]!, map, `${variant} map`);
  }
});

it('survives outlier scores of 1e4, and never reads past a length', async () => {
  const x = randomInput({ batch: 2, heads: 2, kvHeads: 1, headSize: 20, capacity: 70 }, 3);
  x.sequences.set([0, 40], 0);
  x.sequences.set([1, 69], 8);
  const kCache = Float32Array.from(x.kCache);
  for (let i = 41 * 20; i < 70 * 20; i++) kCache[i] = 3e38;
  await expectDecode({ ...x, kCache });
  const q = Float32Array.from(x.q, (value, i) => (i % 11 === 0 ? 1e4 : value));
  const truth = referenceDecodeAttention({ ...x, q });
  // Scores reach 1e4, known to 1e-3 in f32: rival probabilities are good to 1e-3.
  for (const variant of ATTENTION_VARIANTS) {
    expectClose((await decode({ ...x, q }, variant)).out, truth.out, `${variant} outliers`, 2e-3, 2e-3);
  }
});

it('writes the same bits into dirty memory', async () => {
  const base = randomInput({ batch: 4, heads: 6, kvHeads: 2, headSize: 32, capacity: 90 }, 15, {
    prefixes: 1,
    prefixCapacity: 90,
  });
  const { classes, mapSize } = imageClasses(90 * 5);
  const x = { ...base, keyClass: classes, mapSize };
  for (const variant of ATTENTION_VARIANTS) {
    expect(await decode(x, variant, Number.NaN)).toEqual(await decode(x, variant, 1e30));
  }
});

it('reproduces the operator goldens, probabilities through the map of all keys', async () => {
  const goldens = await loadGoldens('attention.decode.');
  const cases = new Set([...goldens.keys()].map((name) => name.split('.')[0]!));
  expect(cases.size).toBeGreaterThan(1);
  for (const name of cases) {
    const [keys = 0, heads = 0, kvHeads = 0, headSize = 0] = name.split('x').map(Number);
    const get = (tensor: string) => goldens.get(`${name}.${tensor}`)!;
    const capacity = keys + 3;
    // [keys, kvHeads, HS] becomes [kvHeads, capacity, HS].
    const cache = (source: ArrayLike<number>) =>
      Float32Array.from({ length: kvHeads * capacity * headSize }, (_, i) => {
        const key = Math.floor(i / headSize) % capacity;
        const kvHead = Math.floor(i / (headSize * capacity));
        return key < keys ? source[(key * kvHeads + kvHead) * headSize + (i % headSize)]! : 1e9;
      });
    const x = {
      batch: 1,
      heads,
      kvHeads,
      headSize,
      cache: unsharedCache(1, capacity, 'f32'),
      scale: headSize ** -0.5,
      q: Float32Array.from(get('q').values),
      kCache: cache(get('k').values),
      vCache: cache(get('v').values),
      sequences: Uint32Array.from([0, keys - 1, 0, 0, 0, 0, 0, 0]),
      keyClass: Uint32Array.from({ length: capacity }, (_, key) => 1 | (key << 8)),
      mapSize: keys,
    };
    for (const variant of ATTENTION_VARIANTS) {
      const got = await decode(x, variant);
      expectClose(got.out, get('o').values, `${name}.o`, get('o').abs, get('o').rel);
      expectClose(got.map!, get('p').values, `${name}.p`, get('p').abs, get('p').rel);
    }
  }
});

it('says which size is wrong', async () => {
  const { traits } = await testGpu();
  const cache = unsharedCache(1, 8, 'f16');
  const sizes = { batch: 1, heads: 4, kvHeads: 2, headSize: 16, cache, scale: 1 };
  const withCache = (change: Partial<CacheShape>) => ({ ...sizes, cache: { ...cache, ...change } });
  expect(() => decodeAttention(withCache({ capacity: 0 }), traits)).toThrow(/capacity/);
  expect(() => decodeAttention(withCache({ prefixes: 2 }), traits)).toThrow(/prefixCapacity/);
  expect(() => decodeAttention({ ...sizes, headSize: 10 }, traits)).toThrow(/headSize 10/);
});

it('refuses a cache that no binding holds, with its name and the numbers', async () => {
  const { traits } = await testGpu();
  const sizes = { batch: 1, heads: 16, kvHeads: 8, headSize: 128, scale: 1 };
  const limited = { ...traits, maxBindingBytes: 2 ** 27 };
  // 36 slots of 1,312 positions with 8 heads of 128 values of 4 bytes; in f16 they fit.
  expect(() => decodeAttention({ ...sizes, cache: unsharedCache(36, 1312, 'f32') }, limited)).toThrow(
    expect.objectContaining({
      code: 'gpu/limit',
      message: expect.stringMatching(/decode_attention\S*: kCache takes 193462272 bytes.* 134217728/),
    }),
  );
  expect(decodeAttention({ ...sizes, cache: unsharedCache(36, 1312, 'f16') }, limited)).toHaveLength(1);
});
