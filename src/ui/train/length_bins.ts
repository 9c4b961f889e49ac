// Counts answers by length, for a histogram that tells right from wrong and cut answers, and sums their lengths up.

import type { CompletionFact, GroupFact } from '../../worker/protocol/training';

/** Bars at most. */
const MOST_BINS = 16;

/** What a histogram needs of an answer. */
export type LengthFact = Pick<CompletionFact, 'tokens' | 'correct' | 'truncated'>;

/** Answers of `from` to `to` tokens, both included. */
export interface LengthBin {
  readonly from: number;
  readonly to: number;
  readonly right: number;
  readonly wrong: number;
  /** Of both, those that were cut off at the longest length. */
  readonly cut: number;
}

/** The lengths of all answers of some groups. */
export function lengthsOf(groups: readonly GroupFact[]): readonly LengthFact[] {
  return groups.flatMap(({ completions }) =>
    completions.map(({ tokens, correct, truncated }) => ({ tokens, correct, truncated })),
  );
}

/** The smallest of 1, 2, 5, 10, 20, … tokens with which so many bins reach `longest`. */
function binWidth(longest: number): number {
  for (let size = 1; ; size *= 10) {
    const width = [1, 2, 5].map((lead) => lead * size).find((one) => one * MOST_BINS >= longest);
    if (width !== undefined) return width;
  }
}

/** Bins from the first token to the longest answer; an answer without tokens counts in the first. None without answers. */
export function lengthBins(lengths: readonly LengthFact[]): readonly LengthBin[] {
  if (lengths.length === 0) return [];
  const longest = lengths.reduce((most, { tokens }) => Math.max(most, tokens), 1);
  const width = binWidth(longest);
  const bins = Array.from({ length: Math.ceil(longest / width) }, (_, i) => ({
    ...{ from: i * width + 1, to: (i + 1) * width },
    ...{ right: 0, wrong: 0, cut: 0 },
  }));
  for (const { tokens, correct, truncated } of lengths) {
    const bin = bins[Math.max(0, Math.ceil(tokens / width) - 1)];
    if (bin === undefined) continue;
    bin[correct ? 'right' : 'wrong'] += 1;
    if (truncated) bin.cut += 1;
  }
  return bins;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

/** The lengths of some answers in short; medians are null where there are no such answers. */
export interface LengthSummary {
  readonly count: number;
  readonly low: number;
  readonly high: number;
  readonly median: number;
  readonly right: number | null;
  readonly wrong: number | null;
  readonly cut: number;
}

/** See {@link LengthSummary}; null without answers. */
export function lengthSummary(lengths: readonly LengthFact[]): LengthSummary | null {
  if (lengths.length === 0) return null;
  const tokens = lengths.map((one) => one.tokens);
  const medianOf = (facts: readonly LengthFact[]) =>
    facts.length === 0 ? null : median(facts.map((one) => one.tokens));
  return {
    ...{ count: lengths.length, median: median(tokens) },
    low: tokens.reduce((least, one) => Math.min(least, one)),
    high: tokens.reduce((most, one) => Math.max(most, one)),
    right: medianOf(lengths.filter(({ correct }) => correct)),
    wrong: medianOf(lengths.filter(({ correct }) => !correct)),
    cut: lengths.filter(({ truncated }) => truncated).length,
  };
}
