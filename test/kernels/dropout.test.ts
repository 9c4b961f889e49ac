// Dropout against the same generator in big integers, and its masks as random numbers: rate, steps, streams, places.
import { describe, expect, it } from 'vitest';
import { type DropoutOptions, dropout } from '../../src/kernels/dropout';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { dropoutMask, dropoutReference } from '../reference/dropout';
import { dirty, dot, finiteDifferences, maxError, normals, runTwice, withOutliers } from './support';

async function drop(x: Float32Array, o: Omit<DropoutOptions, 'count'>, words: readonly number[]) {
  const gpu = await testGpu();
  const call = dropout({ count: x.length, ...o }, gpu.traits);
  const [, , y] = await runCall(gpu, call, [x, Uint32Array.from(words), dirty(x.length)]);
  return y as Float32Array;
}

/** Standard deviations by which `found` of `trials` lies from its expectation. */
const sigmas = (found: number, trials: number, rate: number): number =>
  (found - trials * rate) / Math.sqrt(trials * rate * (1 - rate));

describe('dropout', () => {
  it.each([1, 2, 3, 4, 5, 127, 255, 256, 257, 260, 1021])(
    'matches the reference for %i elements',
    async (count) => {
      const gpu = await testGpu();
      const x = withOutliers(normals(count, 1));
      const draw = { words: [0xfedcba98, 7, 3, 0xffffffff], stream: 5 };
      const call = dropout({ count, p: 0.3, stream: 5 }, gpu.traits);
      const [, , y] = await runTwice(gpu, call, [x, Uint32Array.from(draw.words), dirty(count)]);
      const truth = dropoutReference(x, 0.3, draw);
      // The factor is rounded to f32, then the product: two roundings.
      truth.forEach((value, i) => {
        expect(Math.abs((y![i] as number) - value), `element ${i}`).toBeLessThanOrEqual(
          2 ** -23 * Math.abs(value),
        );
      });
      expect([...y!].map((v) => v !== 0)).toEqual(dropoutMask(count, 0.3, draw));
    },
  );

  it('doubles exactly at one half, drops nothing at 0 and almost everything just below 1', async () => {
    const x = normals(1000, 2);
    const half = await drop(x, { p: 0.5, stream: 0 }, [1, 0, 1, 0]);
    expect(half).toEqual(Float32Array.from(dropoutReference(x, 0.5, { words: [1, 0, 1, 0], stream: 0 })));
    expect(await drop(x, { p: 0, stream: 0 }, [1, 0, 1, 0])).toEqual(x);
    const almost = await drop(x, { p: 1 - 2 ** -30, stream: 0 }, [1, 0, 1, 0]);
    expect(almost.filter((v) => v !== 0)).toHaveLength(0);
  });

  it('has a reference whose gradient is itself, by finite differences', () => {
    const draw = { words: [9, 0, 2, 0], stream: 1 };
    const [x, dy] = [normals(24, 3), normals(24, 4)];
    const truth = finiteDifferences((at) => dot(dropoutReference(at, 0.4, draw), dy), x);
    expect(maxError(dropoutReference(dy, 0.4, draw), truth)).toBeLessThan(1e-8);
  });

  it.each([0.05, 0.5, 0.9])('keeps a share of 1 - %d, in every lane of a block', async (p) => {
    const count = 100_000;
    const y = await drop(new Float32Array(count).fill(1), { p, stream: 2 }, [2026, 0, 11, 0]);
    const lanes = [0, 0, 0, 0];
    y.forEach((v, i) => {
      if (v !== 0) lanes[i % 4]!++;
    });
    // Fixed seeds, so it passes always or never; five deviations are one chance in two million for a sound generator.
    expect(
      Math.abs(
        sigmas(
          lanes.reduce((a, b) => a + b),
          count,
          1 - p,
        ),
      ),
    ).toBeLessThan(5);
    for (const kept of lanes) expect(Math.abs(sigmas(kept, count / 4, 1 - p))).toBeLessThan(5);
  });

  it('draws independently between seeds, steps, parts, streams and neighbours', async () => {
    const count = 100_000;
    const ones = new Float32Array(count).fill(1);
    const mask = async (stream: number, ...words: number[]) =>
      (await drop(ones, { p: 0.5, stream }, words)).map((v) => (v ? 1 : 0));
    const first = await mask(0, 1, 0, 1, 0);
    const others = {
      seed: await mask(0, 2, 0, 1, 0),
      'high seed': await mask(0, 1, 1, 1, 0),
      step: await mask(0, 1, 0, 2, 0),
      part: await mask(0, 1, 0, 1, 1),
      stream: await mask(1, 1, 0, 1, 0),
      'next element': first.map((_, i) => first[(i + 1) % count]!),
      'next block': first.map((_, i) => first[(i + 4) % count]!),
      'next row of 96': first.map((_, i) => first[(i + 96) % count]!),
    };
    for (const [name, other] of Object.entries(others)) {
      const agree = first.reduce((sum, v, i) => sum + (v === other[i] ? 1 : 0), 0);
      expect(Math.abs(sigmas(agree, count, 0.5)), name).toBeLessThan(5);
    }
    expect(await mask(0, 1, 0, 1, 0)).toEqual(first);
  });

  it('gives the parts of a tensor the mask of the whole', async () => {
    const x = normals(300, 8);
    const words = [3, 1, 4, 1];
    const whole = await drop(x, { p: 0.3, stream: 6 }, words);
    const parts = [0, 100, 200].map((first) =>
      drop(x.subarray(first, first + 100), { p: 0.3, stream: 6, first }, words),
    );
    expect((await Promise.all(parts)).flatMap((part) => [...part])).toEqual([...whole]);
    const { traits } = await testGpu();
    expect(() => dropout({ count: 4, p: 0.3, stream: 0, first: 2 }, traits)).toThrow(/multiple of 4/);
  });

  it('names what is out of range', async () => {
    const { traits } = await testGpu();
    expect(() => dropout({ count: 0, p: 0.1, stream: 0 }, traits)).toThrow(/dropout: count is 0/);
    expect(() => dropout({ count: 1, p: 1, stream: 0 }, traits)).toThrow(/p is 1/);
    expect(() => dropout({ count: 1, p: Number.NaN, stream: 0 }, traits)).toThrow(/p is NaN/);
    expect(() => dropout({ count: 1, p: 0.1, stream: 2 ** 31 }, traits)).toThrow(/stream is/);
  });
});
