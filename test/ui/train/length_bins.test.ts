// Answers counted by length: every answer in exactly one bin, at most sixteen bins, and their lengths in short.
import { describe, expect, it } from 'vitest';
import { type LengthFact, lengthBins, lengthSummary, lengthsOf } from '../../../src/ui/train/length_bins';
import { GROUP } from '../../state/train_script';

const of = (...lengths: readonly number[]): LengthFact[] =>
  lengths.map((tokens, i) => ({ tokens, correct: i % 2 === 0, truncated: tokens >= 100 }));

describe('lengthBins', () => {
  it('has the lengths of all answers of all groups', () => {
    const one = { tokens: 4, truncated: false };
    expect(lengthsOf([GROUP, GROUP])).toEqual(
      [true, false, true, false].map((correct) => ({ ...one, correct })),
    );
  });

  it('counts right, wrong and cut answers from the first token to the longest answer', () => {
    const bins = lengthBins(of(0, 1, 10, 11, 100, 100, 95));
    expect(bins).toHaveLength(10);
    expect(bins[0]).toEqual({ from: 1, to: 10, right: 2, wrong: 1, cut: 0 });
    expect(bins[1]).toEqual({ from: 11, to: 20, right: 0, wrong: 1, cut: 0 });
    expect(bins[9]).toEqual({ from: 91, to: 100, right: 2, wrong: 1, cut: 2 });
  });

  it('has each answer once and never more than sixteen bins, whatever the longest', () => {
    for (const longest of [0, 1, 16, 17, 33, 81, 122, 161, 999, 32_768]) {
      const bins = lengthBins(of(0, longest >> 1, longest));
      expect(
        bins.reduce((sum, { right, wrong }) => sum + right + wrong, 0),
        `longest ${longest}`,
      ).toBe(3);
      expect(bins.length).toBeLessThanOrEqual(16);
      expect(bins.at(-1)?.to).toBeGreaterThanOrEqual(longest);
    }
    expect(lengthBins([])).toEqual([]);
  });
});

describe('lengthSummary', () => {
  it('has range and medians, none where there are no such answers', () => {
    expect(lengthSummary(of(10, 20, 30, 100))).toEqual({
      ...{ count: 4, low: 10, high: 100, median: 25, right: 20, wrong: 60, cut: 1 },
    });
    expect(lengthSummary(of(7))).toMatchObject({ median: 7, right: 7, wrong: null });
    expect(lengthSummary([])).toBeNull();
  });
});
