// What quantised weights change in a model's next tokens.

import { describe, expect, it } from 'vitest';
import { logitDistance } from '../../src/lookback/weight_quality';

describe('logitDistance', () => {
  it('is zero between equal logits, and any constant added to them', () => {
    const a = Float32Array.of(1, 2, 3, 0, 5, 1);
    const shifted = a.map((value) => value + 4);
    const { tokens, kl, agreement } = logitDistance(a, shifted, 3);
    expect([tokens, agreement]).toEqual([2, 1]);
    expect(Math.abs(kl)).toBeLessThan(1e-12);
  });

  it('is the divergence of the distributions', () => {
    // p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4): KL = ½ ln 2 - ¼ ln 2.
    const p = Float32Array.from([0.5, 0.25, 0.25], Math.log);
    const q = Float32Array.from([0.25, 0.5, 0.25], Math.log);
    const found = logitDistance(Float32Array.of(...p, ...p), Float32Array.of(...q, ...p), 3);
    expect(found.largestKl).toBeCloseTo(0.25 * Math.LN2, 6);
    expect(found.kl).toBeCloseTo(0.125 * Math.LN2, 6);
    expect(found.agreement).toBe(0.5);
  });
});
