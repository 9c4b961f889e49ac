// SwiGLU against goldens and f64, forward and backward.
import { describe, expect, it } from 'vitest';
import { swiglu, swigluBackward } from '../../src/kernels/swiglu';
import { testGpu } from '../harness/gpu';
import { swigluBackwardReference, swigluReference } from '../reference/swiglu';
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

/** Interleaves two [rows, cols] matrices into rows of gate, then up. */
function fuse(g: Float32Array, u: Float32Array, cols: number): Float32Array {
  return Float32Array.from({ length: 2 * g.length }, (_, i) => {
    const [row, column] = [Math.floor(i / (2 * cols)), i % (2 * cols)];
    return column < cols ? g[row * cols + column]! : u[row * cols + column - cols]!;
  });
}

describe('swiglu', () => {
  it('matches the goldens, forward and backward', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    for (const name of goldens.cases('swiglu', 'y')) {
      const [rows, cols] = goldens.shape(`${name}.g`) as [number, number];
      const gu = fuse(goldens.f32(`${name}.g`), goldens.f32(`${name}.u`), cols);
      const forward = await runTwice(gpu, swiglu({ rows, cols }, gpu.traits), [gu, dirty(rows * cols)]);
      goldens.expectMatch(`${name}.y`, forward[1]!);
      const dy = goldens.f32(`${name}.dy`);
      const call = swigluBackward({ rows, cols }, gpu.traits);
      const dgu = (await runTwice(gpu, call, [gu, dy, dirty(gu.length)]))[2]! as Float32Array;
      goldens.expectMatch(
        `${name}.dg`,
        dgu.filter((_, i) => i % (2 * cols) < cols),
      );
      goldens.expectMatch(
        `${name}.du`,
        dgu.filter((_, i) => i % (2 * cols) >= cols),
      );
    }
  });

  it.each([
    [1, 1],
    [3, 67],
    [131, 5],
  ])('matches the reference at %i x %i with outliers', async (rows, cols) => {
    const gpu = await testGpu();
    const gu = withOutliers(normals(2 * rows * cols, 1));
    const dy = normals(rows * cols, 2);
    const [, y] = await runTwice(gpu, swiglu({ rows, cols }, gpu.traits), [gu, dirty(rows * cols)]);
    // A handful of roundings and exp: under 1e-6 of the largest product.
    expectClose(y!, swigluReference(gu, cols), { rel: 1e-6 });
    const call = swigluBackward({ rows, cols }, gpu.traits);
    const [, , dgu] = await runTwice(gpu, call, [gu, dy, dirty(gu.length)]);
    expectClose(dgu!, swigluBackwardReference(gu, cols, dy), { rel: 2e-6 });
  });

  it('has a reference whose gradient agrees with finite differences', () => {
    const [gu, dy] = [normals(24, 3), normals(12, 4)];
    const truth = finiteDifferences((p) => dot(swigluReference(p, 4), dy), gu);
    expectClose(swigluBackwardReference(gu, 4, dy), truth, { abs: 1e-8 });
  });

  it('names the field of a bad shape', async () => {
    const { traits } = await testGpu();
    expect(() => swiglu({ rows: 1, cols: 0 }, traits)).toThrow(/swiglu: cols is 0/);
  });
});
