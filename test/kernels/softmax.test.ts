// Softmax of rows against goldens and f64, with masked and huge logits.
import { describe, expect, it } from 'vitest';
import { softmax } from '../../src/kernels/softmax';
import { testGpu } from '../harness/gpu';
import { softmaxReference } from '../reference/token_logp';
import { dirty, expectClose, Goldens, normals, runTwice } from './support';

async function bothTraits() {
  const { traits } = await testGpu();
  return [traits, { ...traits, software: !traits.software }];
}

describe('softmax', () => {
  it('matches the goldens', async () => {
    const gpu = await testGpu();
    const goldens = await Goldens.load('ops');
    for (const name of goldens.cases('softmax', 'y')) {
      const [rows, cols] = goldens.shape(`${name}.x`) as [number, number];
      const x = goldens.f32(`${name}.x`);
      const [, y] = await runTwice(gpu, softmax({ rows, cols }, gpu.traits), [x, dirty(x.length)]);
      goldens.expectMatch(`${name}.y`, y!);
    }
  });

  it.each([
    [1, 1],
    [5, 67],
    [2, 769],
  ])('matches the reference at %i x %i', async (rows, cols) => {
    const gpu = await testGpu();
    const x = normals(rows * cols, 1, 5);
    x[0] = 1e4;
    if (cols > 3) x.set([Number.NEGATIVE_INFINITY, -1e30, -3e38], x.length - 3);
    const truth = Array.from({ length: rows }, (_, r) => [
      ...softmaxReference(x.subarray(r * cols, (r + 1) * cols)),
    ]);
    for (const traits of await bothTraits()) {
      const [, y] = await runTwice(gpu, softmax({ rows, cols }, traits), [x, dirty(x.length)]);
      // exp of exponents up to about 30 in f32, relative 2e-6 of probabilities up to 1.
      expectClose(y!, truth.flat(), { abs: 2e-6 });
    }
  });

  it('gives finite, even probabilities to a row of nothing but masks', async () => {
    const gpu = await testGpu();
    const x = new Float32Array(4).fill(Number.NEGATIVE_INFINITY);
    const [, y] = await runTwice(gpu, softmax({ rows: 1, cols: 4 }, gpu.traits), [x, dirty(4)]);
    expect([...y!]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it('names the field of a bad shape', async () => {
    const { traits } = await testGpu();
    expect(() => softmax({ rows: -1, cols: 3 }, traits)).toThrow(/softmax: rows is -1/);
  });
});
