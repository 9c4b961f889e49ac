// Split + rotary: the same numbers as rotating the parts one by one, for prefill, decode and backward.
import { describe, expect, it } from 'vitest';
import { cachePositions, cacheWords } from '../../src/kernels/cache_shape';
import { splitRotary, splitRotaryAppend, splitRotaryBackward } from '../../src/kernels/split_rotary';
import { f16ToF32 } from '../../src/lib/float_bits';
import { testGpu } from '../harness/gpu';
import { type Operand, runCall } from '../harness/run_call';
import { rotaryReference, rotaryTables } from '../reference/rotary';
import { dirty, expectClose, Goldens, normals, runTwice, withOutliers } from './support';

const SHAPES = [
  { tokens: 1, heads: 1, kvHeads: 1, headSize: 2 },
  { tokens: 7, heads: 6, kvHeads: 2, headSize: 10 },
  { tokens: 33, heads: 3, kvHeads: 3, headSize: 16 },
];

/** Heads [from, to) of every row of a fused tensor. */
function heads(x: Float32Array, total: number, headSize: number, from: number, to: number): Float32Array {
  return x.filter((_, i) => {
    const head = Math.floor(i / headSize) % total;
    return head >= from && head < to;
  });
}

function parts(qkv: Float32Array, o: { heads: number; kvHeads: number; headSize: number }) {
  const total = o.heads + 2 * o.kvHeads;
  return {
    q: heads(qkv, total, o.headSize, 0, o.heads),
    k: heads(qkv, total, o.headSize, o.heads, o.heads + o.kvHeads),
    v: heads(qkv, total, o.headSize, o.heads + o.kvHeads, total),
  };
}

describe('splitRotary', () => {
  it.each(SHAPES)('matches the reference at %o, forward and backward', async (o) => {
    const gpu = await testGpu();
    const qkv = withOutliers(normals(o.tokens * (o.heads + 2 * o.kvHeads) * o.headSize, 1));
    const tables = rotaryTables(50, o.headSize);
    const rows = Uint32Array.from({ length: o.tokens }, (_, t) => (t * 7 + 3) % 50);
    const { q, k, v } = parts(qkv, o);
    const operands = [qkv, tables.cos, tables.sin, rows, dirty(q.length), dirty(k.length), dirty(v.length)];
    const [, , , , gpuQ, gpuK, gpuV] = await runTwice(gpu, splitRotary(o, gpu.traits), operands);
    // Two products and one sum: one or two ulp of the outlier.
    expectClose(gpuQ!, rotaryReference(q, o.heads, o.headSize, tables, rows), { rel: 3e-7 }, 'q');
    expectClose(gpuK!, rotaryReference(k, o.kvHeads, o.headSize, tables, rows), { rel: 3e-7 }, 'k');
    expect(gpuV).toEqual(v);

    const back = [q, k, v, tables.cos, tables.sin, rows, dirty(qkv.length)];
    const dqkv = (await runTwice(gpu, splitRotaryBackward(o, gpu.traits), back))[6] as Float32Array;
    const d = parts(dqkv, o);
    expectClose(d.q, rotaryReference(q, o.heads, o.headSize, tables, rows, -1), { rel: 3e-7 }, 'dq');
    expectClose(d.k, rotaryReference(k, o.kvHeads, o.headSize, tables, rows, -1), { rel: 3e-7 }, 'dk');
    expect(d.v).toEqual(v);
  });

  it('matches the goldens, forward and backward', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    const names = goldens.cases('rope', 'y');
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const [tokens, heads, headSize] = goldens.shape(`${name}.x`) as [number, number, number];
      const o = { tokens, heads, kvHeads: heads, headSize };
      // The right half of a golden table repeats the left one.
      const half = (part: string) => goldens.f32(part).filter((_, i) => i % headSize < headSize / 2);
      const tables = [half(`${name}.cos`), half(`${name}.sin`)];
      const rows = Uint32Array.from({ length: tokens }, (_, t) => t);
      const x = goldens.f32(`${name}.x`);
      const width = heads * headSize;
      const qkv = Float32Array.from(
        { length: 3 * x.length },
        (_, i) => x[Math.floor(i / (3 * width)) * width + (i % width)]!,
      );
      const outputs = [dirty(x.length), dirty(x.length), dirty(x.length)];
      const forward = await runTwice(gpu, splitRotary(o, gpu.traits), [qkv, ...tables, rows, ...outputs]);
      goldens.expectMatch(`${name}.y`, forward[4]!);
      goldens.expectMatch(`${name}.y`, forward[5]!);
      const dy = goldens.f32(`${name}.dy`);
      const back = [dy, dy, dy, ...tables, rows, dirty(qkv.length)];
      const { q, k } = parts(
        (await runTwice(gpu, splitRotaryBackward(o, gpu.traits), back))[6] as Float32Array,
        o,
      );
      goldens.expectMatch(`${name}.dx`, q);
      goldens.expectMatch(`${name}.dx`, k);
    }
  });

  it('refuses an odd head size', async () => {
    const { traits } = await testGpu();
    expect(() => splitRotary({ tokens: 1, heads: 1, kvHeads: 1, headSize: 7 }, traits)).toThrow(/even/);
  });

  it('leaves zeros between heads that are padded, and reads past them backward', async () => {
    const gpu = await testGpu();
    const o = { tokens: 5, heads: 3, kvHeads: 1, headSize: 6 };
    const qkv = normals(o.tokens * 5 * o.headSize, 4);
    const tables = rotaryTables(50, o.headSize);
    const rows = Uint32Array.from({ length: o.tokens }, (_, t) => t * 9);
    const run = async (headStride: number): Promise<Float32Array[]> => {
      const sizes = [3, 1, 1].map((heads) => o.tokens * heads * headStride);
      const call = splitRotary({ ...o, headStride }, gpu.traits);
      const operands = [qkv, tables.cos, tables.sin, rows, ...sizes.map((size) => dirty(size))];
      return (await runTwice(gpu, call, operands)).slice(4) as Float32Array[];
    };
    const pad = (x: Float32Array) =>
      Float32Array.from({ length: (x.length / 6) * 8 }, (_, i) =>
        i % 8 < 6 ? x[Math.floor(i / 8) * 6 + (i % 8)]! : 0,
      );
    const [plain, padded] = [await run(6), await run(8)];
    expect(padded).toEqual(plain.map(pad));
    const back = async (headStride: number, parts: Float32Array[]) => {
      const call = splitRotaryBackward({ ...o, headStride }, gpu.traits);
      return (await runTwice(gpu, call, [...parts, tables.cos, tables.sin, rows, dirty(qkv.length)]))[6];
    };
    expect(await back(8, padded)).toEqual(await back(6, plain));
    expect(() => splitRotary({ ...o, headStride: 5 }, gpu.traits)).toThrow(/headStride is 5/);
  });

  it.each([
    ['f32', 6],
    ['f32', 8],
    ['f16', 6],
    ['f16', 8],
  ] as const)(
    'appends k and v to the cache of each live sequence in %s at a stride of %d',
    async (format, stride) => {
      const gpu = await testGpu();
      // The first four slots have 5 positions, the two behind them 3.
      const shape = { slots: 4, capacity: 5, prefixes: 2, prefixCapacity: 3, format };
      const o = { batch: 4, heads: 4, kvHeads: 2, headSize: 6, headStride: stride, cache: shape };
      const qkv = normals(o.batch * 8 * o.headSize, 2);
      const tables = rotaryTables(50, o.headSize);
      // slot, length, prefix slot, prefix length, position, generated, done, token; the third is done, the fourth full.
      const sequences = Uint32Array.from(
        [
          [4, 0, 0, 0, 11, 0, 0, 0],
          [1, 3, 0, 0, 49, 0, 0, 0],
          [2, 2, 0, 0, 7, 0, 1, 0],
          [3, 5, 0, 0, 9, 0, 0, 0],
        ].flat(),
      );
      const rows = [11, 49, 7, 9];
      const cache = cacheWords(normals(cachePositions(shape) * o.kvHeads * stride, 3), format);
      const call = splitRotaryAppend(o, gpu.traits);
      const operands = [qkv, tables.cos, tables.sin, sequences, dirty(o.batch * 4 * stride), cache, cache];
      const [, , , , q, kCache, vCache] = await runTwice(gpu, call, operands);
      const { q: qIn, k, v } = parts(qkv, o);
      const live = (q as Float32Array).filter((_, i) => i % stride < 6);
      expectClose(live, rotaryReference(qIn, 4, 6, tables, rows), { rel: 3e-7 }, 'q');
      const rotated = rotaryReference(k, 2, 6, tables, rows);
      const valuesOf = (words: Operand): Float32Array =>
        words instanceof Float32Array ? words : f16ToF32(new Uint16Array(words.buffer));
      const [wantK, wantV] = [Float64Array.from(valuesOf(cache)), Float64Array.from(valuesOf(cache))];
      for (const [sequence, start, positions, index] of [
        [0, 20, 3, 0],
        [1, 5, 5, 3],
      ] as const) {
        for (let i = 0; i < 12; i++) {
          const cell = (start * 2 + Math.floor(i / 6) * positions + index) * stride;
          wantK.fill(0, cell + 6, cell + stride);
          wantV.fill(0, cell + 6, cell + stride);
          const to = cell + (i % 6);
          wantK[to] = rotated[sequence * 12 + i]!;
          wantV[to] = v[sequence * 12 + i]!;
        }
      }
      // f16 keeps 11 bits; which of two equally near values it takes is left to the device.
      const unit = format === 'f16' ? 2 ** -10 : 0;
      expectClose(valuesOf(kCache!), wantK, { rel: 3e-7 + unit }, 'k cache');
      expectClose(valuesOf(vCache!), wantV, { rel: unit }, 'v cache');
    },
  );

  it('needs several workgroup rows for a long batch of tokens', async () => {
    const gpu = await testGpu();
    // 65536 workgroups of 64 pairs: the grid folds into two rows, with workgroups to spare.
    const o = { tokens: 65537, heads: 30, kvHeads: 1, headSize: 4 };
    const call = splitRotary(o, gpu.traits);
    expect(call.grid[1]).toBe(2);
    const qkv = new Float32Array(o.tokens * 32 * 4).fill(1);
    const rows = new Uint32Array(o.tokens);
    const tables = { cos: new Float32Array([1, 1]), sin: new Float32Array([0, 0]) };
    const k = new Float32Array(o.tokens * 4);
    const operands = [qkv, tables.cos, tables.sin, rows, new Float32Array(o.tokens * 120), k, k];
    const result = await runCall(gpu, call, operands);
    for (const part of result.slice(4))
      expect((part as Float32Array).every((value) => value === 1)).toBe(true);
  });
});
