// RMSNorm of query and key heads against f64 truth: weird shapes, outliers, both layouts of rows, finite differences.
import { describe, expect, it } from 'vitest';
import { headNorm, headNormBackward } from '../../src/kernels/head_norm';
import { testGpu } from '../harness/gpu';
import { headNormBackwardReference, headNormReference } from '../reference/head_norm';
import { dirty, dot, expectClose, finiteDifferences, normals, runTwice, withOutliers } from './support';

const SHAPES = [
  { tokens: 1, heads: 1, kvHeads: 1, headSize: 1, eps: 1e-6 },
  { tokens: 3, heads: 6, kvHeads: 2, headSize: 16, eps: 1e-6 },
  { tokens: 7, heads: 5, kvHeads: 1, headSize: 65, eps: 1e-5 },
  { tokens: 2, heads: 3, kvHeads: 3, headSize: 128, eps: 1e-6 },
];

describe('headNorm', () => {
  it.each(SHAPES)('matches the reference at %o, forward and backward', async (o) => {
    const gpu = await testGpu();
    const count = o.tokens * (o.heads + 2 * o.kvHeads) * o.headSize;
    const qkv = withOutliers(normals(count, 1));
    const [q, k, dy] = [normals(o.headSize, 2), normals(o.headSize, 3), normals(count, 4)];
    for (const traits of [gpu.traits, { ...gpu.traits, software: !gpu.traits.software }]) {
      const forward = await runTwice(gpu, headNorm(o, traits), [qkv, q, k, dirty(count)]);
      const isValue = (_: number, i: number) =>
        Math.floor(i / o.headSize) % (o.heads + 2 * o.kvHeads) >= o.heads + o.kvHeads;
      const normed = (x: Float32Array | Float64Array) =>
        Float64Array.from(x).filter((value, i) => !isValue(value, i));
      const y = forward[3] as Float32Array;
      // A sum of squares and two products: a few f32 roundings.
      expectClose(normed(y), normed(headNormReference(qkv, q, k, o)), { rel: 2e-6 });
      expect(y.filter(isValue)).toEqual(qkv.filter(isValue));
      const operands = [qkv, q, k, dy, dirty(count)];
      const backward = await runTwice(gpu, headNormBackward(o, traits), operands);
      // With one channel the exact gradient is nearly 0 where |x| is large: what is left is rounding of w · dy.
      expectClose(backward[4] as Float32Array, headNormBackwardReference(qkv, q, k, o, dy), { rel: 1e-5 });
    }
  });

  it('has a reference gradient that finite differences confirm', () => {
    const o = { tokens: 2, heads: 2, kvHeads: 1, headSize: 5, eps: 1e-5 };
    const count = o.tokens * 4 * o.headSize;
    const [qkv, q, k, dy] = [normals(count, 5), normals(5, 6), normals(5, 7), normals(count, 8)];
    const numeric = finiteDifferences((x) => dot(headNormReference(x, q, k, o), dy), qkv);
    // Central differences in f64 with step 1e-5: error about 1e-10 of the third derivative.
    expectClose(headNormBackwardReference(qkv, q, k, o, dy), numeric, { abs: 1e-7 });
  });

  it('refuses an empty shape', async () => {
    const { traits } = await testGpu();
    const shape = { tokens: 2, heads: 1, kvHeads: 1, headSize: 0, eps: 1e-6 };
    expect(() => headNorm(shape, traits)).toThrow(/headSize is 0/);
  });
});
