// Weighted sums of table rows against f64: weird widths, repeated rows, weights that pick one row exactly.
import { describe, expect, it } from 'vitest';
import { blendRows } from '../../src/kernels/blend_rows';
import { testGpu } from '../harness/gpu';
import { dirty, expectClose, normals, runTwice, withOutliers } from './support';

describe('blendRows', () => {
  it.each([
    [1, 1],
    [5, 7],
    [65, 33],
  ])('blends %i rows of %i columns', async (rows, cols) => {
    const gpu = await testGpu();
    const table = withOutliers(normals(11 * cols, 1));
    const index = Uint32Array.from({ length: 4 * rows }, (_, i) => (i * 5 + (i >> 2)) % 11);
    const weights = normals(4 * rows, 2);
    const operands = [table, index, weights, dirty(rows * cols)];
    const [, , , out] = await runTwice(gpu, blendRows({ rows, cols }, gpu.traits), operands);
    const truth = Float64Array.from({ length: rows * cols }, (_, i) => {
      const row = Math.floor(i / cols);
      let sum = 0;
      for (let tap = 4 * row; tap < 4 * row + 4; tap++)
        sum += weights[tap]! * table[index[tap]! * cols + (i % cols)]!;
      return sum;
    });
    // Four products and sums in f32.
    expectClose(out as Float32Array, truth, { rel: 5e-7 });
  });

  it('copies a row bit for bit where one weight is 1 and the rest are 0', async () => {
    const gpu = await testGpu();
    const table = normals(12, 3);
    const index = Uint32Array.of(2, 0, 0, 0, 1, 3, 3, 3);
    const weights = Float32Array.of(1, 0, 0, 0, 0, 0, 0, 1);
    const operands = [table, index, weights, dirty(6)];
    const [, , , out] = await runTwice(gpu, blendRows({ rows: 2, cols: 3 }, gpu.traits), operands);
    expect([...(out as Float32Array)]).toEqual([...table.subarray(6, 9), ...table.subarray(9, 12)]);
    expect(() => blendRows({ rows: 0, cols: 3 }, gpu.traits)).toThrow(/rows is 0/);
  });
});
