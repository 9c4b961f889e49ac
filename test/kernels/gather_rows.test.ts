// Gathering and scattering rows: exact copies, absent rows, zeros in all other rows.
import { expect, it } from 'vitest';
import { gatherRows, NO_ROW, placeRows, scatterRows } from '../../src/kernels/gather_rows';
import { testGpu } from '../harness/gpu';
import { dirty, normals, runTwice } from './support';

it.each([1, 5, 65])('gathers and scatters rows of %i columns', async (cols) => {
  const gpu = await testGpu();
  const x = normals(11 * cols, 1);
  const index = Uint32Array.of(10, 0, NO_ROW, 7);
  const row = (r: number) => [...x.subarray(r * cols, (r + 1) * cols)];
  const gather = await runTwice(gpu, gatherRows({ rows: 4, cols }, gpu.traits), [x, index, dirty(4 * cols)]);
  expect([...gather[2]!]).toEqual([...row(10), ...row(0), ...new Array(cols).fill(0), ...row(7)]);

  const rows = x.slice(0, 4 * cols);
  const operands = { dy: rows, index, dx: dirty(11 * cols) };
  for (const step of scatterRows({ rows: 4, cols, total: 11 }, gpu.traits)) {
    const results = await runTwice(
      gpu,
      step.call,
      step.operands.map((role) => operands[role]),
    );
    operands.dx = results.at(-1) as Float32Array<ArrayBuffer>;
  }
  const held = normals(11 * cols, 2);
  const placed = await runTwice(gpu, placeRows({ rows: 4, cols }, gpu.traits), [rows, index, held]);
  const want = new Float32Array(11 * cols);
  index.forEach((to, from) => {
    if (to !== NO_ROW) want.set(rows.subarray(from * cols, (from + 1) * cols), to * cols);
  });
  expect(operands.dx).toEqual(want);
  const named = (i: number) => index.includes(Math.floor(i / cols));
  expect(placed[2]).toEqual(held.map((value, i) => (named(i) ? want[i]! : value)));
});
