// Rows added where one is named: exact sums, other rows untouched.
import { expect, it } from 'vitest';
import { addRows } from '../../src/kernels/add_rows';
import { testGpu } from '../harness/gpu';
import { dirty, normals, runTwice } from './support';

it.each([1, 5, 65])('adds named rows of %i columns', async (cols) => {
  const gpu = await testGpu();
  const [x, source] = [normals(4 * cols, 1), normals(9 * cols, 2)];
  const rows = Int32Array.of(-1, 6, 0, 3);
  const operands = [x, source, rows, dirty(4 * cols)];
  const call = addRows({ count: 4, cols, offset: 2 }, gpu.traits);
  const [, , , out] = await runTwice(gpu, call, operands);
  const want = x.map((value, i) => {
    const row = rows[Math.floor(i / cols)]!;
    return row < 0 ? value : value + source[(row + 2) * cols + (i % cols)]!;
  });
  expect(out).toEqual(want);
  expect(() => addRows({ count: 0, cols, offset: 0 }, gpu.traits)).toThrow(/count is 0/);
});
