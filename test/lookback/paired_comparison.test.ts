// Two evaluations of the same questions, held against each other.

import { describe, expect, it } from 'vitest';
import { createPrng } from '../../src/lib/prng';
import {
  compareKinds,
  compareOutcomes,
  mcnemar,
  type PairedOutcome,
  pairOutcomes,
} from '../../src/lookback/paired_comparison';

const outcome = (index: number, correct: boolean, kind = 'a'): PairedOutcome => ({
  ...{ index, correct, kind, expected: '3' },
});
/** Pairs of which so many were right in both, gained, lost, and wrong in both. */
const pairs = (both: number, gained: number, lost: number, none: number, kind = 'a') =>
  [
    ...Array.from({ length: both }, () => [true, true]),
    ...Array.from({ length: gained }, () => [false, true]),
    ...Array.from({ length: lost }, () => [true, false]),
    ...Array.from({ length: none }, () => [false, false]),
  ].map(([first, second], index) => [outcome(index, first!, kind), outcome(index, second!, kind)] as const);

describe('mcnemar', () => {
  // 2 · Σ_{k ≤ min} C(n, k) / 2^n, worked out by hand.
  it.each([
    [0, 0, 1],
    [1, 0, 1],
    [5, 0, 0.0625],
    [6, 0, 0.03125],
    [8, 2, 0.109375],
    [5, 5, 1],
    [2, 8, 0.109375],
  ])('of %i gained and %i lost is %f', (gained, lost, p) => expect(mcnemar(gained, lost)).toBeCloseTo(p, 12));

  it('stays finite and small where thousands changed one way', () => {
    const p = mcnemar(30_000, 20_000);
    expect(p).toBeGreaterThanOrEqual(0);
    expect(p).toBeLessThan(1e-300);
  });
});

describe('compareOutcomes', () => {
  it('gives accuracies, what changed, and the difference', () => {
    const result = compareOutcomes(pairs(40, 30, 10, 20));
    expect(result).toMatchObject({ count: 100, first: 0.5, second: 0.7, gained: 30, lost: 10 });
    expect(result.difference.mean).toBeCloseTo(0.2, 12);
    // The standard error is √((.4 − .2²) / 100) = .06: the normal interval is .082 to .318.
    expect(Math.abs(result.difference.low - 0.082)).toBeLessThan(0.02);
    expect(Math.abs(result.difference.high - 0.318)).toBeLessThan(0.02);
  });

  it('covers the true difference about 95 times of 100', () => {
    const prng = createPrng(3);
    let covered = 0;
    for (let round = 0; round < 100; round++) {
      const drawn = Array.from({ length: 150 }, (_, index) => {
        const u = prng.nextFloat();
        return [outcome(index, u < 0.5), outcome(index, u < 0.3 || u > 0.6)] as const;
      });
      // P(second) − P(first) = .7 − .5.
      const { low, high } = compareOutcomes(drawn).difference;
      if (low <= 0.2 && 0.2 <= high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(88);
  });

  it('claims nothing of no questions, or of equal answers', () => {
    expect(compareOutcomes([])).toMatchObject({ count: 0, difference: { mean: 0, low: -1, high: 1 }, p: 1 });
    expect(compareOutcomes(pairs(5, 0, 0, 5))).toMatchObject({
      difference: { mean: 0, low: 0, high: 0 },
      p: 1,
    });
  });

  it('is made for each kind', () => {
    const kinds = compareKinds([...pairs(1, 2, 0, 0, 'x'), ...pairs(3, 0, 1, 0, 'y')]);
    expect(
      Object.entries(kinds).map(([kind, { count, gained, lost }]) => [kind, count, gained, lost]),
    ).toEqual([
      ['x', 3, 2, 0],
      ['y', 4, 0, 1],
    ]);
  });
});

describe('pairOutcomes', () => {
  it('pairs by index, whatever the order', () => {
    const [first, second] = [
      [outcome(1, true), outcome(2, false)],
      [outcome(2, true), outcome(1, false)],
    ];
    expect(pairOutcomes(first, second).map(([a, b]) => [a.index, b.index])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it.each([
    [
      'missing in the second',
      [outcome(1, true), outcome(2, true)],
      [outcome(1, true)],
      /Question 2 is in the first/,
    ],
    [
      'missing in the first',
      [outcome(1, true)],
      [outcome(1, true), outcome(7, true)],
      /Question 7 is in the second/,
    ],
    [
      'another question',
      [outcome(1, true)],
      [{ ...outcome(1, true), expected: '4' }],
      /Question 1 is another/,
    ],
    ['twice', [outcome(1, true), outcome(1, true)], [outcome(1, true)], /stands twice/],
  ])('refuses a question that is %s', (_, first, second, message) =>
    expect(() => pairOutcomes(first, second)).toThrow(message),
  );
});
