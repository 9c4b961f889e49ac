// GEMM against its f64 reference: every variant, mode and weight format, on shapes that sit on and beside tile edges.
// Operands are surrounded by NaN, so a read out of range that counts shows.

import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { type GemmOptions, gemm, gemmVariants } from '../../src/kernels/gemm';
import type { WeightFormat } from '../../src/kernels/weight_format';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { decodeBf16, decodeF16, referenceGemm } from '../reference/gemm';
import { randomQuantised } from '../reference/weight_format';
import { Goldens } from './support';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Deterministic numbers in [-1, 1): mulberry32. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

function fill(count: number, random: () => number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, random);
}

/**
 * The variants to try. The 64x64 tile is the 32x32 one with other constants, but a software adapter takes seconds to
 * compile it (it zeroes workgroup memory word by word): one shape per mode is enough there.
 */
function variantsOf(o: GemmOptions): string[] {
  const names = gemmVariants(o, gpu.traits);
  if (!gpu.traits.software || (o.m === 68 && o.weight === 'f32')) return names;
  return names.filter((name) => name !== 'tiled_64');
}

/** B as stored and as numbers. Halves: any sign and fraction, magnitudes between 2^-6 and 2. */
function weights(dtype: WeightFormat, [rows, width]: readonly [number, number], random: () => number) {
  if (dtype === 'int8' || dtype === 'int4') return randomQuantised(dtype, rows, width, random);
  const count = rows * width;
  if (dtype === 'f32') {
    const values = fill(count, random);
    return { planes: [values], values };
  }
  const bits = new Uint16Array(Math.ceil(count / 2) * 2).fill(0xffff);
  const shift = dtype === 'bf16' ? 7 : 10;
  const bias = dtype === 'bf16' ? 127 : 15;
  for (let i = 0; i < count; i++) {
    const exponent = bias - 6 + Math.floor((random() + 1) * 3.5);
    const fraction = Math.floor(((random() + 1) / 2) * 2 ** shift);
    bits[i] = (random() < 0 ? 0x8000 : 0) | (exponent << shift) | fraction;
  }
  const values = Float64Array.from(bits.subarray(0, count), dtype === 'bf16' ? decodeBf16 : decodeF16);
  return { planes: [new Uint32Array(bits.buffer)], values };
}

function operandsOf(o: GemmOptions, seed = 1, outlier = 1) {
  const random = randoms(seed);
  const a = fill(o.m * o.k, random);
  if (outlier !== 1) for (let i = 0; i < a.length; i += 7) a[i] = a[i]! * outlier;
  const b = weights(o.weight, o.mode === 'nt' ? [o.n, o.k] : [o.k, o.n], random);
  const bias = o.bias ? fill(o.n, random) : undefined;
  const residual = o.residual ? fill(o.m * o.n, random) : undefined;
  const c = o.accumulate ? fill(o.m * o.n, random) : new Float32Array(o.m * o.n).fill(Number.NaN);
  const stored = [a, ...b.planes, ...(bias ? [bias] : []), ...(residual ? [residual] : []), c];
  return { stored, plain: { a, b: b.values, bias, residual, c } };
}

/**
 * Largest error as a share of what is allowed. Allowed: K roundings of 2^-24 of the sum of |a·b| at worst; random
 * signs need far less, so a quarter of that, at least 8 roundings; activations may add their own 4e-7.
 */
async function worst(
  o: GemmOptions,
  variant?: string,
  seed = 1,
  outlier = 1,
  traits = gpu.traits,
): Promise<number> {
  const { stored, plain } = operandsOf(o, seed, outlier);
  const result = await runCall(gpu, gemm(o, traits, variant), stored);
  const got = result.at(-1)!;
  const want = referenceGemm(o, plain);
  let largest = 0;
  for (let i = 0; i < want.c.length; i++) {
    const allowed = Math.max(8, o.k / 4) * 2 ** -24 * want.scale[i]! * 1.2 + 4e-7;
    const error = Math.abs(got[i]! - want.c[i]!) / allowed;
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

// Two alignments only, because every other one is another shader to compile: all sizes multiples of 4, all odd.
// On and beside the tiles of 8, 32 and 64.
const SHAPES: readonly (readonly [number, number, number])[] = [
  [4, 4, 4],
  [8, 64, 12],
  [36, 32, 20],
  [68, 132, 36],
  [1, 1, 1],
  [5, 13, 7],
  [33, 31, 65],
  [65, 131, 9],
];

// On and beside groups of 32, along K and along N; less than a group; few rows and many.
const GROUP_SHAPES: readonly (readonly [number, number, number])[] = [
  [4, 36, 64],
  [1, 1, 1],
  [5, 13, 7],
  [3, 65, 33],
  [33, 31, 70],
];

// Every alignment of M, N and K, for the variants that run by themselves.
const ALIGNMENTS: readonly (readonly [number, number, number])[] = [
  [9, 20, 7],
  [9, 18, 8],
  [12, 11, 8],
  [12, 22, 9],
  [12, 12, 6],
  [2, 9, 12],
  [3, 14, 5],
];

describe.each([
  ['nn', 'f32'],
  ['nt', 'f32'],
  ['tn', 'f32'],
  ['nt', 'bf16'],
  ['nt', 'f16'],
  ['nn', 'bf16'],
  ['nn', 'f16'],
  ['nt', 'int8'],
  ['nt', 'int4'],
  ['nn', 'int8'],
  ['nn', 'int4'],
] as const)('gemm %s %s', (mode, weight) => {
  // bf16 and f16 differ in one line of WGSL: the second needs no more than a look. Groups of 32 have their own shapes.
  const quantised = weight === 'int8' || weight === 'int4';
  const other = weight === 'f16' ? SHAPES.slice(4, 6) : GROUP_SHAPES.slice(weight === 'int8' ? 3 : 0);
  const shapes = weight === 'f16' || quantised ? other : SHAPES;

  it('agrees with the reference in every variant on every shape', async () => {
    for (const [m, n, k] of shapes) {
      const o: GemmOptions = { m, n, k, mode, weight };
      for (const variant of variantsOf(o)) {
        expect(await worst(o, variant), `${variant} ${m}x${n}x${k}`).toBeLessThan(1);
      }
    }
  });

  it('agrees with the reference for every alignment', async () => {
    for (const [m, n, k] of weight === 'f16' || quantised ? [] : ALIGNMENTS) {
      const o: GemmOptions = { m, n, k, mode, weight };
      expect(await worst(o), `${m}x${n}x${k}`).toBeLessThan(1);
    }
  });
});

describe('gemm epilogue', () => {
  const base: GemmOptions = { m: 6, n: 8, k: 16, mode: 'nt', weight: 'f32' };

  it.each(['none', 'silu', 'gelu', 'gelu_tanh', 'quick_gelu'] as const)(
    'activation %s',
    async (activation) => {
      expect(await worst({ ...base, activation })).toBeLessThan(1);
      expect(await worst({ ...base, activation }, 'direct_4x4_8x8')).toBeLessThan(1);
    },
  );

  it('applies bias, activation, residual and accumulation in that order in every variant', async () => {
    const all: GemmOptions = { ...base, bias: true, residual: true, accumulate: true, activation: 'silu' };
    for (const variant of variantsOf(all)) {
      expect(await worst(all, variant), variant).toBeLessThan(1);
    }
  });

  it.each([
    { bias: true },
    { residual: true },
    { accumulate: true },
    { bias: true, accumulate: true },
  ] as const)('%o alone', async (part) => {
    expect(await worst({ ...base, ...part })).toBeLessThan(1);
    expect(await worst({ ...base, n: 7, ...part }, 'direct_4x4_8x8')).toBeLessThan(1);
  });
});

/** `columns` of each row of `x`, as columns `first` … of lines of `line` elements full of NaN. */
function widen(x: Float32Array, columns: number, line: number, first: number): Float32Array {
  const rows = x.length / columns;
  const wide = new Float32Array(rows * line).fill(Number.NaN);
  for (let row = 0; row < rows; row++)
    wide.set(x.subarray(row * columns, (row + 1) * columns), row * line + first);
  return wide;
}

/** Columns [first, first + size) of a matrix with lines of `line` elements. */
function narrow(x: Float32Array, line: number, first: number, size: number): Float32Array {
  return Float32Array.from(
    { length: (x.length / line) * size },
    (_, i) => x[Math.floor(i / size) * line + first + (i % size)]!,
  );
}

describe('gemm windows', () => {
  // Quads, and odd sizes in odd lines.
  it.each([
    [5, 12, 16, 32, 8, ['nn', 'tn']],
    [9, 7, 11, 29, 3, ['nt', 'tn']],
  ] as const)('gives the bits of whole matrices, %ix%ix%i in lines of %i from %i', async (...sizes) => {
    const [m, n, k, line, first, modes] = sizes;
    for (const mode of modes) {
      const o: GemmOptions = { m, n, k, mode, weight: 'f32', bias: true, residual: true, accumulate: true };
      const { stored, plain } = operandsOf(o);
      const [a, b] = [stored[0] as Float32Array, stored[1]!];
      const c = stored.at(-1) as Float32Array;
      const wide = (x: ArrayLike<number>, columns: number) =>
        widen(Float32Array.from(x), columns, line, first);
      const windowed = [
        wide(a, mode === 'tn' ? m : k),
        b,
        wide(plain.bias!, n),
        wide(plain.residual!, n),
        wide(c, n),
      ];
      const window = { line, first };
      for (const variant of variantsOf(o)) {
        const whole = (await runCall(gpu, gemm(o, gpu.traits, variant), stored)).at(-1) as Float32Array;
        const call = gemm({ ...o, aWindow: window, cWindow: window }, gpu.traits, variant);
        const got = (await runCall(gpu, call, windowed)).at(-1) as Float32Array;
        expect(narrow(got, line, first, n), `${mode} ${variant}`).toEqual(whole);
        expect(got.filter(Number.isNaN).length, `${mode} ${variant} outside`).toBe(m * (line - n));
      }
    }
  });

  it('gives the same bits when K is cut and the second part continues the sums of the first', async () => {
    const [m, n, k, cut] = [9, 21, 50, 32];
    const o: GemmOptions = { m, n, k, mode: 'nn', weight: 'f32' };
    const { stored } = operandsOf(o);
    const [a, b, c] = stored as [Float32Array, Float32Array, Float32Array];
    for (const variant of variantsOf(o)) {
      const whole = (await runCall(gpu, gemm(o, gpu.traits, variant), stored)).at(-1);
      const first = gemm({ ...o, k: cut, aWindow: { line: k, first: 0 } }, gpu.traits, variant);
      const part = (await runCall(gpu, first, [a, b.slice(0, cut * n), c])).at(-1)!;
      const rest = { ...o, k: k - cut, aWindow: { line: k, first: cut }, accumulate: true };
      const got = (await runCall(gpu, gemm(rest, gpu.traits, variant), [a, b.slice(cut * n), part])).at(-1);
      expect(got, variant).toEqual(whole);
    }
  });

  it('refuses windows outside their lines', () => {
    const o: GemmOptions = { m: 4, n: 4, k: 4, mode: 'nn', weight: 'f32' };
    expect(() => gemm({ ...o, aWindow: { line: 7, first: 4 } }, gpu.traits)).toThrow(/4 columns of A from 4/);
    expect(() => gemm({ ...o, cWindow: { line: 3, first: 0 } }, gpu.traits)).toThrow(/lines of 3/);
    expect(() => gemm({ ...o, mode: 'tn', m: 5, aWindow: { line: 8, first: 4 } }, gpu.traits)).toThrow(
      /5 columns of A from 4/,
    );
  });
});

describe('gemm numerics', () => {
  it('keeps outliers of 1e4 in f32', async () => {
    const o: GemmOptions = { m: 4, n: 20, k: 64, mode: 'nt', weight: 'bf16' };
    for (const variant of variantsOf(o)) {
      expect(await worst(o, variant, 3, 1e4), variant).toBeLessThan(1);
    }
  });

  it('gives the same bits twice', async () => {
    const o: GemmOptions = { m: 5, n: 37, k: 131, mode: 'nt', weight: 'f32' };
    const { stored } = operandsOf(o);
    for (const variant of variantsOf(o)) {
      const first = await runCall(gpu, gemm(o, gpu.traits, variant), stored);
      const again = await runCall(gpu, gemm(o, gpu.traits, variant), stored, 2);
      expect(again.at(-1), variant).toEqual(first.at(-1));
    }
  });

  it('does not let rows, columns or padding beyond the shape leak in', async () => {
    // A row of NaN in A must stay in its row of C, a line of NaN in B in its column.
    const o: GemmOptions = { m: 5, n: 9, k: 11, mode: 'nt', weight: 'f32' };
    const { stored, plain } = operandsOf(o);
    plain.a.fill(Number.NaN, 4 * o.k);
    (stored[1] as Float32Array).fill(Number.NaN, 8 * o.k);
    for (const variant of variantsOf(o)) {
      const got = (await runCall(gpu, gemm(o, gpu.traits, variant), stored)).at(-1)!;
      for (let i = 0; i < o.m * o.n; i++) {
        const expected = Math.floor(i / o.n) === 4 || i % o.n === 8;
        expect(Number.isNaN(got[i]), `${variant} ${i}`).toBe(expected);
      }
    }
  });
});

describe('gemm in wide tiles', () => {
  const large = { m: 1027, n: 1030, k: 1025, residual: true } as const;
  it.each([
    { ...large, mode: 'nt', weight: 'int4' },
    { ...large, mode: 'nn', weight: 'f32', k: 1024 },
  ] as const)('gives the bits of small ones, $mode with $weight', async (o) => {
    const wide = 'quad_16x8_4x1';
    if (!gemmVariants(o, gpu.traits).includes(wide)) return;
    // The large product would take a second: the same kernel text runs over the sizes of its check.
    const results = [wide, 'quad_8x4_4x1'].map(async (variant) => {
      const { call, operands, expected } = gemm(o, gpu.traits, variant).check!();
      return { expected, got: (await runCall(gpu, call, operands)).at(-1) as Float32Array };
    });
    const [one, other] = await Promise.all(results);
    expect(one!.got).toEqual(other!.got);
    // At most 40 products below 4.
    for (const [at, value] of one!.got.entries())
      expect(Math.abs(value - one!.expected[at]!)).toBeLessThan(2e-5);
  });
});

describe('gemm goldens', () => {
  it.each([
    [1, 137, 40],
    [5, 40, 137],
    [123, 96, 40],
  ] as const)('linear %ix%ix%i, forward and gradient of x', async (m, k, n) => {
    const goldens = await Goldens.load('ops');
    const of = (name: string) => goldens.f32(`linear.${m}x${k}x${n}.${name}`);
    const forward = gemm({ m, n, k, mode: 'nt', weight: 'f32', bias: true }, gpu.traits);
    const y = await runCall(gpu, forward, [of('x'), of('w'), of('b'), new Float32Array(m * n)]);
    goldens.expectMatch(`linear.${m}x${k}x${n}.y`, y.at(-1) as Float32Array);
    const backward = gemm({ m, n: k, k: n, mode: 'nn', weight: 'f32' }, gpu.traits);
    const dx = await runCall(gpu, backward, [of('dy'), of('w'), new Float32Array(m * k)]);
    goldens.expectMatch(`linear.${m}x${k}x${n}.dx`, dx.at(-1) as Float32Array);
  });
});

describe('gemm on hardware', () => {
  it('agrees with the reference in the variants that GPUs choose', async () => {
    // Workgroups of the matrix-vector kernel have another form there. The device stays the one at hand.
    const traits = { ...gpu.traits, software: false };
    for (const [m, n, k] of [
      [1, 131, 300],
      [8, 10, 37],
      [33, 66, 20],
    ] as const) {
      const o: GemmOptions = { m, n, k, mode: 'nt', weight: 'bf16', bias: true };
      expect(await worst(o, undefined, 1, 1, traits), `${m}x${n}x${k}`).toBeLessThan(1);
    }
  });
});

describe('gemm refuses', () => {
  const good: GemmOptions = { m: 4, n: 4, k: 4, mode: 'nt', weight: 'f32' };

  it('sizes that are not positive integers', () => {
    for (const size of [0, -1, 2.5, Number.NaN]) {
      expect(() => gemm({ ...good, k: size }, gpu.traits)).toThrow(/GEMM k is/);
    }
  });

  it('packed weights in mode tn', () => {
    expect(() => gemm({ ...good, mode: 'tn', weight: 'bf16' }, gpu.traits)).toThrow(/mode tn/);
  });

  it('variants that do not fit, and operands beyond the device', () => {
    expect(() => gemm({ ...good, m: 9 }, gpu.traits, 'gemv')).toThrow(/gemv/);
    expect(() => gemm(good, gpu.traits, 'nonsense')).toThrow(/nonsense/);
    const small = { ...gpu.traits, maxBindingBytes: 1000 };
    expect(() => gemm({ ...good, m: 100 }, small)).toThrow(/A takes 1600 bytes/);
  });
});
