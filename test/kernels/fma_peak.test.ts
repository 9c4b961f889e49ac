// The yardstick of multiply-adds: exact results, so that no compiler left the work out.
import { expect, it } from 'vitest';
import { fmaPeak } from '../../src/kernels/fma_peak';
import { testGpu } from '../harness/gpu';
import { dirty, runTwice } from './support';

/** Four times the sum over chains, which halves and adds one half: exact in f32, as all values are dyadic. */
function expected(rounds: number): number {
  let sum = 0;
  for (let chain = 0; chain < 8; chain++) {
    let x = chain;
    for (let round = 0; round < rounds; round++) x = Math.fround(0.5 * x + 0.5);
    sum += 4 * x;
  }
  return sum;
}

it.each([1, 3, 40])('does %i rounds in each element', async (rounds) => {
  const gpu = await testGpu();
  for (const count of [1, 65, 300]) {
    const call = fmaPeak({ count, rounds, a: 0.5, b: 0.5 }, gpu.traits);
    const [y] = await runTwice(gpu, call, [dirty(count)]);
    expect(y).toEqual(new Float32Array(count).fill(expected(rounds)));
  }
  expect(fmaPeak({ count: 64, rounds: 10, a: 1, b: 0 }, gpu.traits).flops).toBe(2 * 32 * 64 * 10);
});

it('names the field of a bad shape', async () => {
  const { traits } = await testGpu();
  expect(() => fmaPeak({ count: 4, rounds: 0, a: 1, b: 0 }, traits)).toThrow(/fma_peak: rounds is 0/);
});
