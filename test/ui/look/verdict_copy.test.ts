// The sentence of the verdict: the truth that was known, the one that the pixels say, and intervals of those.
import { describe, expect, it } from 'vitest';
import type { Truth } from '../../../src/data/world/seen_colours';
import { verdictSentence } from '../../../src/ui/look/verdict_copy';

const grade = (equal: boolean) => ({ equal, rule: 'equal numbers', grader: 'method' }) as const;
const said = (equal: boolean, truth: Truth | null, expected: string | null = null) =>
  verdictSentence({ verdict: grade(equal), truth }, expected);
const COMPUTED = 'Computed from the pixels that the model receives.';

describe('verdictSentence', () => {
  it('compares with the answer that was known', () => {
    expect(said(true, null, '4')).toBe('Right: the true answer is 4.');
    expect(said(false, null, 'same')).toBe('Wrong: the true answer is same.');
    expect(verdictSentence({ verdict: null, truth: null }, null)).toBeNull();
  });

  it('says that the pixels decide it', () => {
    const truth: Truth = { answers: ['4'], unclear: [], word: 'grey' };
    expect(said(true, truth)).toBe(`Right: the true answer is 4. ${COMPUTED}`);
    expect(said(false, truth)).toBe(`Wrong: the true answer is 4. ${COMPUTED}`);
  });

  it('gives the bounds and the cells where they do not, whatever the order of the answers', () => {
    const one: Truth = { answers: ['17', '16'], unclear: ['b2'], word: 'grey' };
    expect(said(true, one)).toBe(`Within 16 to 17: one cell is half grey (b2). ${COMPUTED}`);
    const two: Truth = { answers: ['4', '5', '6'], unclear: ['b2', 'c1'], word: 'blue' };
    expect(said(false, two)).toBe(
      `Wrong: the true answer is 4 to 6, as 2 cells are half blue (b2, c1). ${COMPUTED}`,
    );
    const rows: Truth = { answers: ['a', 'same'], unclear: ['a4'], word: 'red' };
    expect(said(true, rows)).toBe(`Within a or same: one cell is half red (a4). ${COMPUTED}`);
  });

  it('claims no pixels for sums, and names no cells where they change nothing', () => {
    expect(said(true, { answers: ['9'], unclear: [], word: null })).toBe('Right: the true answer is 9.');
    expect(said(true, { answers: ['a'], unclear: ['d4'], word: 'red' })).toBe(
      `Right: the true answer is a. ${COMPUTED}`,
    );
  });
});
