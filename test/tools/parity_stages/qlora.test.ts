// Gradients that are compared by signed sums: how far off they are is found within what eight sums can say.

import { describe, expect, it } from 'vitest';
import { createPrng } from '../../../src/lib/prng';
import { compareGradient, signedSums } from '../../../tools/parity_stages/qlora';

function normals(count: number, seed: number): Float64Array {
  const prng = createPrng(seed);
  return Float64Array.from({ length: count }, () => prng.normal());
}

/** The row that a golden holds of a gradient. */
function goldenOf(gradient: Float64Array): number[] {
  return [Math.hypot(...gradient), ...signedSums(gradient)];
}

describe('compareGradient', () => {
  const gradient = normals(544, 1);
  const golden = goldenOf(gradient);

  it('finds equal gradients equal', () => {
    expect(compareGradient(gradient, golden, 1e-3)).toEqual({ error: 0, tolerance: 1e-3, ok: true });
  });

  it('takes one wrong element of many for what it is, wherever it lies', () => {
    for (const at of [0, 1, 31, 543]) {
      const wrong = gradient.slice();
      wrong[at] = wrong[at]! + 0.5;
      const { error, ok } = compareGradient(wrong, golden, 1e-3);
      // Every sum holds every element.
      expect(error).toBeCloseTo(0.5 / golden[0]!, 10);
      expect(ok).toBe(false);
    }
  });

  it('estimates the norm of noise within a factor of two', () => {
    for (let seed = 2; seed < 12; seed++) {
      const noise = normals(gradient.length, seed).map((value) => value * 1e-2);
      const { error } = compareGradient(
        gradient.map((value, i) => value + noise[i]!),
        golden,
        1e-3,
      );
      const relative = Math.hypot(...noise) / golden[0]!;
      // Eight squares of normal sums: outside of these bounds once in 190 draws; the seeds are fixed.
      expect(error / relative).toBeGreaterThan(0.4);
      expect(error / relative).toBeLessThan(1.8);
    }
  });

  it('notices elements that changed places, and a gradient that is missing', () => {
    const swapped = gradient.slice().reverse();
    expect(compareGradient(swapped, golden, 1e-3).ok).toBe(false);
    expect(compareGradient(new Float64Array(0), golden, 1e-3).error).toBeGreaterThan(0.4);
  });

  it('is never satisfied by what is no number', () => {
    const broken = gradient.slice();
    broken[7] = Number.NaN;
    expect(compareGradient(broken, golden, 1e-3).ok).toBe(false);
  });
});
