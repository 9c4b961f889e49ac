// RMSNorm against f64 truth: goldens, weird shapes, outliers, finite differences.
import { describe, expect, it } from 'vitest';
import { columnSum } from '../../src/kernels/column_sum';
import { rmsNorm, rmsNormBackward, rmsNormWeightGradient } from '../../src/kernels/rms_norm';
import { testGpu } from '../harness/gpu';
import { rmsNormBackwardReference, rmsNormReference } from '../reference/rms_norm';
import {
  dirty,
  dot,
  expectClose,
  finiteDifferences,
  Goldens,
  normals,
  runTwice,
  withOutliers,
} from './support';

// One column, primes, one past the row's workgroup on hardware (64, 256) and past the SwiftShader quad.
const SHAPES: readonly [number, number][] = [
  [1, 1],
  [3, 5],
  [7, 65],
  [2, 257],
  [5, 1031],
];

/** As if on hardware: the wide workgroup must be right too, not only the one that this adapter prefers. */
async function bothTraits() {
  const gpu = await testGpu();
  return [gpu.traits, { ...gpu.traits, software: !gpu.traits.software }];
}

describe('rmsNorm', () => {
  it('matches the goldens, forward and backward', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    for (const name of goldens.cases('rmsnorm', 'y')) {
      const [rows, cols] = goldens.shape(`${name}.x`) as [number, number];
      const [x, w, dy] = [goldens.f32(`${name}.x`), goldens.f32(`${name}.w`), goldens.f32(`${name}.dy`)];
      const eps = goldens.f32(`${name}.eps`)[0]!;
      const { traits } = gpu;
      const call = rmsNorm({ rows, cols, eps, saveRstd: true }, traits);
      const [, , y, rstd] = await runTwice(gpu, call, [x, w, dirty(x.length), dirty(rows)]);
      goldens.expectMatch(`${name}.y`, y!);
      const backward = rmsNormBackward({ rows, cols }, traits);
      const results = await runTwice(gpu, backward, [x, w, rstd!, dy, dirty(x.length)]);
      goldens.expectMatch(`${name}.dx`, results[4]!);
      const chunk = 10;
      const chunks = Math.ceil(rows / chunk);
      const weight = rmsNormWeightGradient({ rows, cols, chunk }, traits);
      const partials = (await runTwice(gpu, weight, [dy, x, rstd!, dirty(chunks * cols)]))[3]!;
      const reduce = columnSum({ rows: chunks, cols }, traits);
      goldens.expectMatch(`${name}.dw`, (await runTwice(gpu, reduce, [partials, dirty(cols)]))[1]!);
    }
  });

  it.each(SHAPES)('matches the reference at %i x %i with outliers', async (rows, cols) => {
    const gpu = await testGpu();
    const x = withOutliers(normals(rows * cols, 1));
    const w = normals(cols, 2);
    const truth = rmsNormReference(x, w, 1e-6);
    for (const traits of await bothTraits()) {
      const plain = rmsNorm({ rows, cols, eps: 1e-6 }, traits);
      const [, , y] = await runTwice(gpu, plain, [x, w, dirty(x.length)]);
      // cols additions of squares in f32, and inverseSqrt of 2 ulp: a few 1e-7 relative.
      expectClose(y!, truth.y, { rel: 3e-6 });
    }
  });

  it.each(SHAPES)('accumulates dx at %i x %i, with outliers', async (rows, cols) => {
    const gpu = await testGpu();
    const x = withOutliers(normals(rows * cols, 3));
    const [w, dy, before] = [normals(cols, 4), normals(rows * cols, 5), normals(rows * cols, 6)];
    const rstd = Float32Array.from(rmsNormReference(x, w, 1e-6).rstd);
    const truth = rmsNormBackwardReference(x, w, 1e-6, dy).dx.map((value, i) => value + before[i]!);
    for (const traits of await bothTraits()) {
      const call = rmsNormBackward({ rows, cols, accumulate: true }, traits);
      expectClose((await runTwice(gpu, call, [x, w, rstd, dy, before]))[4]!, truth, { rel: 5e-6 });
    }
  });

  it('has a reference whose gradient agrees with finite differences', () => {
    const [x, w, dy] = [normals(21, 7), normals(7, 8), normals(21, 9)];
    const { dx, dw } = rmsNormBackwardReference(x, w, 1e-5, dy);
    // Central differences of step 1e-5 err by about 1e-10 here.
    expectClose(
      finiteDifferences((p) => dot(rmsNormReference(p, w, 1e-5).y, dy), x),
      dx,
      { abs: 1e-8 },
    );
    expectClose(
      finiteDifferences((p) => dot(rmsNormReference(x, p, 1e-5).y, dy), w),
      dw,
      { abs: 1e-8 },
    );
  });

  it('names the field of a bad shape', async () => {
    const { traits } = await testGpu();
    expect(() => rmsNorm({ rows: 0, cols: 4, eps: 1e-6 }, traits)).toThrow(/rmsNorm: rows is 0/);
    expect(() => rmsNorm({ rows: 2 ** 20, cols: 2 ** 12, eps: 1e-6 }, traits)).toThrow(
      /x takes 17179869184 bytes/,
    );
  });
});
