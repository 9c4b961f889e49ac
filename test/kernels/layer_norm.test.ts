// LayerNorm against f64 truth: goldens, weird shapes, outliers, a large mean, finite differences.
import { describe, expect, it } from 'vitest';
import { columnSum } from '../../src/kernels/column_sum';
import { layerNorm, layerNormBackward, layerNormWeightGradient } from '../../src/kernels/layer_norm';
import { testGpu } from '../harness/gpu';
import { layerNormBackwardReference, layerNormReference } from '../reference/layer_norm';
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

async function bothTraits() {
  const gpu = await testGpu();
  return [gpu.traits, { ...gpu.traits, software: !gpu.traits.software }];
}

describe('layerNorm', () => {
  it('matches the goldens, forward and backward', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    for (const name of goldens.cases('layernorm', 'y')) {
      const [rows, cols] = goldens.shape(`${name}.x`) as [number, number];
      const [x, w, b] = [goldens.f32(`${name}.x`), goldens.f32(`${name}.w`), goldens.f32(`${name}.b`)];
      const dy = goldens.f32(`${name}.dy`);
      const eps = goldens.f32(`${name}.eps`)[0]!;
      const { traits } = gpu;
      const call = layerNorm({ rows, cols, eps, saveStats: true }, traits);
      const [, , , y, stats] = await runTwice(gpu, call, [x, w, b, dirty(x.length), dirty(2 * rows)]);
      goldens.expectMatch(`${name}.y`, y!);
      const backward = layerNormBackward({ rows, cols }, traits);
      const results = await runTwice(gpu, backward, [x, w, stats!, dy, dirty(x.length)]);
      goldens.expectMatch(`${name}.dx`, results[4]!);
      const weight = layerNormWeightGradient({ rows, cols }, traits);
      goldens.expectMatch(`${name}.dw`, (await runTwice(gpu, weight, [dy, x, stats!, dirty(cols)]))[3]!);
      const bias = columnSum({ rows, cols }, traits);
      goldens.expectMatch(`${name}.db`, (await runTwice(gpu, bias, [dy, dirty(cols)]))[1]!);
    }
  });

  it.each([
    [1, 1],
    [3, 5],
    [7, 65],
    [2, 257],
  ])('matches the reference at %i x %i with outliers, also accumulating dx', async (rows, cols) => {
    const gpu = await testGpu();
    const x = withOutliers(normals(rows * cols, 1));
    const [w, b, dy] = [normals(cols, 2), normals(cols, 3), normals(rows * cols, 4)];
    const before = normals(rows * cols, 5);
    const truth = layerNormReference(x, w, b, 1e-6);
    const dx = layerNormBackwardReference(x, w, 1e-6, dy).dx.map((value, i) => value + before[i]!);
    for (const traits of await bothTraits()) {
      const call = layerNorm({ rows, cols, eps: 1e-6, saveStats: true }, traits);
      const [, , , y, stats] = await runTwice(gpu, call, [x, w, b, dirty(x.length), dirty(2 * rows)]);
      // The mean and the centred values each carry a few f32 roundings relative to the outlier.
      expectClose(y!, truth.y, { rel: 5e-6 });
      const backward = layerNormBackward({ rows, cols, accumulate: true }, traits);
      const results = await runTwice(gpu, backward, [x, w, stats!, dy, before]);
      // With one column the exact gradient is 0 and rstd = 1000: rounding of g - mean(g) stays exact there.
      expectClose(results[4]!, dx, { rel: 1e-5 });
    }
  });

  it('does not cancel when the mean dwarfs the spread', async () => {
    const gpu = await testGpu();
    const x = normals(96, 6).map((value) => Math.fround(1000 + value));
    const [w, b] = [normals(96, 7), normals(96, 8)];
    const [, , , y] = await runTwice(gpu, layerNorm({ rows: 1, cols: 96, eps: 1e-6 }, gpu.traits), [
      x,
      w,
      b,
      dirty(96),
    ]);
    // The f32 mean of values near 1000 is off by up to 6e-5; one-pass variance would be off by 6e-2.
    expectClose(y!, layerNormReference(x, w, b, 1e-6).y, { abs: 5e-4 });
  });

  it('has a reference whose gradient agrees with finite differences', () => {
    const [x, w, dy] = [normals(21, 7), normals(7, 8), normals(21, 9)];
    const b = new Float32Array(7);
    const { dx, dw } = layerNormBackwardReference(x, w, 1e-5, dy);
    expectClose(
      finiteDifferences((p) => dot(layerNormReference(p, w, b, 1e-5).y, dy), x),
      dx,
      { abs: 1e-8 },
    );
    expectClose(
      finiteDifferences((p) => dot(layerNormReference(x, p, b, 1e-5).y, dy), w),
      dw,
      { abs: 1e-8 },
    );
  });

  it('names the field of a bad shape', async () => {
    const { traits } = await testGpu();
    expect(() => layerNorm({ rows: 4, cols: 1.5, eps: 1e-6 }, traits)).toThrow(/layerNorm: cols is 1.5/);
  });
});
