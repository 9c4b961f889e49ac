// Finds the words of a vocabulary that somebody may have meant by a word that is not in it.

import { distance } from 'fastest-levenshtein';

/** Letters that may differ: one in a short word, two in a longer one. */
const SHORT = 4;
const MAX_LENGTH = 40;

/**
 * The words of the vocabulary nearest to `word` by Levenshtein distance, nearest first, at most `limit`; none where
 * nothing is near. Among equally near ones, those that begin alike come first.
 */
export function nearestWords(word: string, vocabulary: readonly string[], limit: number): string[] {
  const asked = word.toLowerCase();
  if (asked.length > MAX_LENGTH) return [];
  const reach = asked.length <= SHORT ? 1 : 2;
  return vocabulary
    .filter((known) => Math.abs(known.length - asked.length) <= reach)
    .map((known) => ({ known, far: distance(asked, known.toLowerCase()), alike: known[0] === asked[0] }))
    .filter(({ far }) => far > 0 && far <= reach)
    .sort((a, b) => a.far - b.far || Number(b.alike) - Number(a.alike))
    .slice(0, limit)
    .map(({ known }) => known);
}
