// The global norm and the clipping factor against goldens and f64; non-finite gradients raise the skip flag.
import { describe, expect, it } from 'vitest';
import { clipChunks, clipFactor, squareSum } from '../../src/kernels/clip';
import { testGpu } from '../harness/gpu';
import { clipReference } from '../reference/adamw';
import { dirty, Goldens, normals, runTwice } from './support';

async function clip(gradient: Float32Array, maxNorm: number, otherHardware = false) {
  const gpu = await testGpu();
  const traits = { ...gpu.traits, software: gpu.traits.software !== otherHardware };
  const count = gradient.length;
  const partials = dirty(2 * clipChunks(count));
  const [, sums] = await runTwice(gpu, squareSum({ count }, traits), [gradient, partials]);
  const [, result] = await runTwice(gpu, clipFactor({ count, maxNorm }, traits), [sums!, dirty(4)]);
  const [factor, norm, skip] = [...result!] as [number, number, number];
  return { factor, norm, skip };
}

describe('clip', () => {
  it('matches the goldens over an arena of several tensors', async () => {
    const goldens = await Goldens.load('ops');
    const names = ['clip.g0', 'clip.g1', 'clip.g2'];
    const arena = Float32Array.from(names.flatMap((name) => [...goldens.f32(name)]));
    const { factor, norm, skip } = await clip(arena, 1);
    goldens.expectMatch('clip.norm', [norm]);
    expect(skip).toBe(0);
    for (const name of names)
      goldens.expectMatch(
        `${name}.clipped`,
        goldens.f32(name).map((value) => value * factor),
      );
  });

  it.each([1, 255, 257, 70001])('matches the reference for %i elements', async (count) => {
    const gradient = normals(count, count, 3);
    const truth = clipReference(gradient, 2);
    for (const other of [false, true]) {
      const { factor, norm, skip } = await clip(gradient, 2, other);
      // Sums of up to 274 squares per lane, then a tree: 1e-5 relative is far above the rounding, far below a lost chunk.
      expect(Math.abs(norm / truth.norm - 1)).toBeLessThan(1e-5);
      expect(Math.abs(factor / truth.factor - 1)).toBeLessThan(1e-5);
      expect(skip).toBe(0);
    }
  });

  it('never clips with a maximum of 0, nor below the maximum', async () => {
    expect((await clip(Float32Array.of(300, 400), 0)).factor).toBe(1);
    expect(await clip(Float32Array.of(3, 4), 6)).toEqual({ factor: 1, norm: 5, skip: 0 });
    expect(await clip(new Float32Array(5), 1)).toEqual({ factor: 1, norm: 0, skip: 0 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e30])(
    'flags %d',
    async (value) => {
      const gradient = normals(1000, 4);
      gradient[777] = value;
      for (const other of [false, true]) {
        const { factor, skip } = await clip(gradient, 1, other);
        expect([factor, skip]).toEqual([0, 1]);
      }
    },
  );
});
