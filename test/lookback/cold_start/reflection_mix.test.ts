// The share of examples that look back.

import { describe, expect, it } from 'vitest';
import { mixCounts, mixExamples } from '../../../src/lookback/cold_start/reflection_mix';

describe('mixCounts', () => {
  it.each([
    [50, 50, 0.5, undefined, 50, 50],
    [50, 10, 0.5, undefined, 10, 10],
    [30, 1000, 0.3, undefined, 30, 70],
    [30, 1000, 0.3, 10, 3, 7],
    [5, 5, 0, undefined, 0, 5],
    [5, 5, 1, undefined, 5, 0],
    [0, 5, 0.5, undefined, 0, 0],
    [0, 0, 0, undefined, 0, 0],
  ])('%i looks and %i plain at %f, at most %s', (looks, plains, rate, most, wantLooks, wantPlains) => {
    expect(mixCounts(looks, plains, rate, most)).toEqual({ looks: wantLooks, plains: wantPlains });
  });

  it('never exceeds what there is, and keeps the rate to one example', () => {
    for (let looks = 0; looks < 40; looks += 7)
      for (let plains = 0; plains < 40; plains += 3)
        for (const rate of [0, 0.1, 0.3, 0.5, 0.9, 1]) {
          const got = mixCounts(looks, plains, rate);
          expect(got.looks).toBeLessThanOrEqual(looks);
          expect(got.plains).toBeLessThanOrEqual(plains);
          expect(Math.abs(got.looks - rate * (got.looks + got.plains))).toBeLessThanOrEqual(1);
        }
  });
});

describe('mixExamples', () => {
  it('takes the first of both in an order that the seed decides', () => {
    const looks = ['a', 'b', 'c'];
    const plains = ['x', 'y', 'z', 'w'];
    const mixed = mixExamples(looks, plains, { rate: 0.5, most: 4, seed: 1 });
    expect([...mixed].sort()).toEqual(['a', 'b', 'x', 'y']);
    expect(mixExamples(looks, plains, { rate: 0.5, most: 4, seed: 1 })).toEqual(mixed);
  });
});
