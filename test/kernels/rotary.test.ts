// Rotary embedding of one tensor against the goldens, forward and inverse.
import { describe, expect, it } from 'vitest';
import { rotary } from '../../src/kernels/rotary';
import { testGpu } from '../harness/gpu';
import { rotaryReference, rotaryTables } from '../reference/rotary';
import { dirty, expectClose, Goldens, normals, runTwice, withOutliers } from './support';

/** The left half of full-width golden tables: the right half repeats it. */
function halfTable(table: Float32Array, headSize: number): Float32Array {
  return table.filter((_, i) => i % headSize < headSize / 2);
}

describe('rotary', () => {
  it('matches the goldens, forward and backward', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    const names = goldens.cases('rope', 'y');
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const [tokens, heads, headSize] = goldens.shape(`${name}.x`) as [number, number, number];
      const cos = halfTable(goldens.f32(`${name}.cos`), headSize);
      const sin = halfTable(goldens.f32(`${name}.sin`), headSize);
      const rows = Uint32Array.from({ length: tokens }, (_, t) => t);
      const x = goldens.f32(`${name}.x`);
      const shape = { tokens, heads, headSize };
      const forward = await runTwice(gpu, rotary(shape, gpu.traits), [x, cos, sin, rows, dirty(x.length)]);
      goldens.expectMatch(`${name}.y`, forward[4]!);
      const dy = goldens.f32(`${name}.dy`);
      const call = rotary({ ...shape, inverse: true }, gpu.traits);
      const backward = await runTwice(gpu, call, [dy, cos, sin, rows, dirty(x.length)]);
      goldens.expectMatch(`${name}.dx`, backward[4]!);
    }
  });

  it('reads the table row of each token, with outliers', async () => {
    const gpu = await testGpu();
    const [tokens, heads, headSize] = [13, 5, 6];
    const x = withOutliers(normals(tokens * heads * headSize, 1));
    const tables = rotaryTables(100, headSize);
    const rows = Uint32Array.from({ length: tokens }, (_, t) => (t * 37) % 100);
    const call = rotary({ tokens, heads, headSize }, gpu.traits);
    const [, , , , y] = await runTwice(gpu, call, [x, tables.cos, tables.sin, rows, dirty(x.length)]);
    // Two products and one sum: one or two ulp of the outlier.
    expectClose(y!, rotaryReference(x, heads, headSize, tables, rows), { rel: 3e-7 });
  });

  it('refuses an odd head size', async () => {
    const { traits } = await testGpu();
    expect(() => rotary({ tokens: 1, heads: 1, headSize: 7 }, traits)).toThrow(/even/);
  });
});
