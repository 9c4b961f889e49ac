// Column sums, plain and as the weight gradients of the norms, in one call and in chunks.
import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { type ColumnTerm, columnSum } from '../../src/kernels/column_sum';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { dirty, expectClose, normals } from './support';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});

/** f64: sums of the term over rows [chunk·i, chunk·(i+1)). */
function reference(
  dy: Float32Array,
  x: Float32Array,
  stats: Float32Array,
  { rows, cols, chunk, term }: { rows: number; cols: number; chunk: number; term: ColumnTerm },
): Float64Array {
  const out = new Float64Array(Math.ceil(rows / chunk) * cols);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < cols; c++) {
      const value = x[row * cols + c]!;
      let factor = 1;
      if (term === 'rms') factor = value * stats[row]!;
      if (term === 'layer') factor = (value - stats[2 * row]!) * stats[2 * row + 1]!;
      out[Math.floor(row / chunk) * cols + c]! += dy[row * cols + c]! * factor;
    }
  }
  return out;
}

describe('columnSum', () => {
  it.each([
    [1, 1, 1],
    [7, 65, 7],
    [131, 3, 12],
    [5, 129, 2],
  ])('sums %i rows of %i columns in chunks of %i', async (rows, cols, chunk) => {
    const dy = normals(rows * cols, 1);
    const x = normals(rows * cols, 2);
    const stats = normals(2 * rows, 3);
    for (const term of ['plain', 'rms', 'layer'] as const) {
      const call = columnSum({ rows, cols, chunk, term }, gpu.traits);
      const out = dirty(Math.ceil(rows / chunk) * cols);
      const operands =
        term === 'plain' ? [dy, out] : [dy, x, stats.slice(0, (term === 'rms' ? 1 : 2) * rows), out];
      const got = (await runCall(gpu, call, operands)).at(-1)!;
      // A sum of n f32 terms in order loses at most n half-ulps of its largest partial sum.
      expectClose(
        got,
        reference(dy, x, stats, { rows, cols, chunk, term }),
        { rel: 1e-6 * Math.max(4, chunk) },
        term,
      );
    }
  });

  it('adds to what is there when told to, and gives the same bits every time', async () => {
    const dy = normals(9 * 5, 4);
    const call = columnSum({ rows: 9, cols: 5, accumulate: true }, gpu.traits);
    const start = normals(5, 5);
    const once = (await runCall(gpu, call, [dy, start.slice()])).at(-1)!;
    const again = (await runCall(gpu, call, [dy, start.slice()])).at(-1)!;
    const sums = reference(dy, dy, dy, { rows: 9, cols: 5, chunk: 9, term: 'plain' });
    expectClose(
      once,
      sums.map((sum, c) => sum + start[c]!),
      { rel: 1e-5 },
    );
    expect(once).toEqual(again);
  });

  it('names the field of a bad shape', () => {
    expect(() => columnSum({ rows: 0, cols: 5 }, gpu.traits)).toThrow(/columnSum: rows/);
  });
});
