// attention_curves: means by position and around the look back, on answers that are known by hand.
import { describe, expect, it } from 'vitest';
import { curveAroundBack, decayCurve } from '../../src/lookback/attention_curves';

describe('decayCurve', () => {
  it('means over the answers that are that long', () => {
    const curve = decayCurve([
      { shares: [0.4, 0.2], backAt: null },
      { shares: [0.2, 0.4, 0.6], backAt: null },
    ]);
    expect(curve).toMatchObject({ from: 0, step: 1, count: [2, 2, 1] });
    for (const [i, mean] of curve.mean.entries()) expect(mean).toBeCloseTo([0.3, 0.3, 0.6][i]!, 12);
  });

  it('leaves out what was not recorded', () => {
    const curve = decayCurve([{ shares: [null, 0.5], backAt: null }]);
    expect(curve).toEqual({ from: 0, step: 1, mean: [null, 0.5], count: [0, 1] });
  });

  it('means several tokens at a place where answers are long', () => {
    const shares = Array.from({ length: 300 }, (_, token) => (token % 3 === 0 ? 0.3 : 0));
    const curve = decayCurve([{ shares, backAt: null }]);
    expect(curve.step).toBe(3);
    expect(curve.mean).toHaveLength(100);
    for (const mean of curve.mean) expect(mean).toBeCloseTo(0.1, 12);
  });

  it('is empty of nothing', () => {
    expect(decayCurve([])).toEqual({ from: 0, step: 1, mean: [], count: [] });
  });
});

describe('curveAroundBack', () => {
  it('puts the opening of the look at 0, wherever it stands', () => {
    const rising = (length: number, backAt: number) => ({
      shares: Array.from({ length }, (_, token) => (token < backAt ? 0.1 : 0.5)),
      backAt,
    });
    const curve = curveAroundBack([rising(10, 4), rising(20, 9), { shares: [0.9], backAt: null }]);
    const at = (distance: number) => curve.mean[distance - curve.from];
    expect(at(-1)).toBeCloseTo(0.1, 12);
    expect(at(0)).toBeCloseTo(0.5, 12);
    expect(at(-10)).toBeNull();
    expect(curve.count[0 - curve.from]).toBe(2);
    // Only the longer one has a token there.
    expect(curve.count[8 - curve.from]).toBe(1);
  });

  it('is empty where nobody looks back', () => {
    expect(curveAroundBack([{ shares: [0.1], backAt: null }]).mean).toEqual([]);
  });
});
