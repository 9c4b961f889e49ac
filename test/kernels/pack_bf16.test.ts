// Rounding to bf16 and back against a slow reference and against the host's conversion, bit for bit.

import { describe, expect, it } from 'vitest';
import { packBf16, unpackBf16 } from '../../src/kernels/pack_bf16';
import { bf16ToF32, f32ToBf16 } from '../../src/lib/float_bits';
import { testGpu } from '../harness/gpu';
import { roundToBf16 } from '../reference/pack_bf16';
import { normals, runTwice, withOutliers } from './support';

async function throughBf16(x: Float32Array): Promise<{ words: Uint32Array; y: Float32Array }> {
  const gpu = await testGpu();
  const count = x.length;
  const junk = new Uint32Array(Math.ceil(count / 2)).fill(0xdeadbeef);
  const [, words] = await runTwice(gpu, packBf16({ count }, gpu.traits), [x, junk]);
  const [, y] = await runTwice(gpu, unpackBf16({ count }, gpu.traits), [
    words!,
    new Float32Array(count).fill(7),
  ]);
  return { words: words as Uint32Array, y: y as Float32Array };
}

describe('packBf16', () => {
  it.each([1, 2, 3, 64, 127, 1021])('rounds %i values to the nearest, ties to even', async (count) => {
    const x = withOutliers(normals(count, count));
    const { words, y } = await throughBf16(x);
    expect([...y]).toEqual([...x].map(roundToBf16));
    expect([...new Uint16Array(words.buffer, 0, count)]).toEqual([...f32ToBf16(x)]);
  });

  it('keeps ties even, signs, infinities, NaN and the largest and smallest values', async () => {
    const ties = [1 + 2 ** -8, 1 + 3 * 2 ** -8, -1 - 2 ** -8, 2 ** -126, 2 ** -133, 3.3895e38];
    const x = Float32Array.from([...ties, 0, -0, Infinity, -Infinity]);
    const { y } = await throughBf16(x);
    expect([...y]).toEqual([...bf16ToF32(f32ToBf16(x))]);
    expect([...y.subarray(0, 6)]).toEqual([...x.subarray(0, 6)].map(roundToBf16));
    expect((await throughBf16(Float32Array.of(Number.NaN, 1))).y[0]).toBeNaN();
  });

  it('refuses nothing', async () => {
    const { traits } = await testGpu();
    expect(() => packBf16({ count: 0 }, traits)).toThrow(/count/);
  });
});
