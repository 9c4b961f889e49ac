// Head means of captured attention against f64.

import { expect, it } from 'vitest';
import { captureReduce } from '../../src/kernels/capture_reduce';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { referenceHeadMean } from '../reference/capture_reduce';
import { dirty, expectClose, gaussian } from './attention_cases';

it.each([
  [1, 1, 1, 1, 1],
  [3, 5, 7, 2, 13],
  [64, 2, 4, 1, 67],
  [2, 28, 12, 0, 0],
])(
  'means over heads: batch %i, %i layers, %i heads, %i map layers of %i',
  async (batch, layers, heads, mapLayers, mapSize) => {
    const gpu = await testGpu();
    const masses = gaussian(layers * batch * heads * 5, 1);
    const map = gaussian(mapLayers * batch * heads * mapSize, 2);
    const call = captureReduce({ batch, layers, heads, mapLayers, mapSize }, gpu.traits);
    const shares = dirty(batch * layers * 5);
    const got = await runCall(
      gpu,
      call,
      map.length ? [masses, map, shares, dirty(batch * mapLayers * mapSize, Number.NaN)] : [masses, shares],
    );
    // Sums of at most 12 terms in f32.
    expectClose(
      got[map.length ? 2 : 1]!,
      referenceHeadMean(masses, layers, batch, heads, 5),
      'shares',
      1e-6,
      1e-6,
    );
    if (map.length)
      expectClose(got[3]!, referenceHeadMean(map, mapLayers, batch, heads, mapSize), 'maps', 1e-6, 1e-6);
  },
);

it('refuses sizes below one', async () => {
  const { traits } = await testGpu();
  expect(() => captureReduce({ batch: 1, layers: 0, heads: 1, mapLayers: 0, mapSize: 0 }, traits)).toThrow(
    /layers/,
  );
});
