// Column blocks between matrices, against a loop; columns outside the block stay as they were.

import { describe, expect, it } from 'vitest';
import { copyColumns } from '../../src/kernels/copy_columns';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { normals } from './support';

describe('copyColumns', () => {
  it.each([
    [1, 1, 1, 0, 1, 0],
    [5, 7, 19, 12, 7, 0],
    [13, 8, 8, 0, 23, 11],
    [300, 3, 5, 1, 4, 1],
  ] as const)(
    'moves %i×%i columns of %i from %i into %i at %i',
    async (rows, cols, sourceCols, sourceFirst, targetCols, targetFirst) => {
      const gpu = await testGpu();
      const [source, target] = [normals(rows * sourceCols, 1), normals(rows * targetCols, 2)];
      const call = copyColumns(
        { rows, cols, sourceCols, sourceFirst, targetCols, targetFirst, scale: 0.5 },
        gpu.traits,
      );
      const result = (await runCall(gpu, call, [source, Float32Array.of(3), target]))[2]!;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < targetCols; c++) {
          const before = target[r * targetCols + c]!;
          const inside = c >= targetFirst && c < targetFirst + cols;
          const moved = 1.5 * source[r * sourceCols + sourceFirst + c - targetFirst]!;
          const want = inside ? moved : before;
          // Two multiplications in f32.
          expect(Math.abs(result[r * targetCols + c]! - want)).toBeLessThan(1e-6 * (1 + Math.abs(want)));
        }
      }
    },
  );

  it('refuses a block outside its matrices', async () => {
    const { traits } = await testGpu();
    const fits = { rows: 2, cols: 3, sourceCols: 3, sourceFirst: 0, targetCols: 4, targetFirst: 1 };
    expect(() => copyColumns({ ...fits, targetFirst: 2 }, traits)).toThrow(/do not fit/);
    expect(() => copyColumns({ ...fits, sourceFirst: 1 }, traits)).toThrow(/do not fit/);
  });
});
