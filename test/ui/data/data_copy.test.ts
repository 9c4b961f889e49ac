// Sentences with counts on the Data page: what is left out is always said.
import { describe, expect, it } from 'vitest';
import { counted, foundSentence, keepWords, problemCount } from '../../../src/ui/data/data_copy';

const problem = { file: 'd.jsonl', row: 3, reason: 'no image' };

describe('keepWords', () => {
  it('says how many are skipped, those not listed among them', () => {
    expect(keepWords({ rows: 98, problems: [problem, problem], moreProblems: 0 })).toBe(
      'Skip 2 and keep 98 rows',
    );
    expect(keepWords({ rows: 1, problems: [problem], moreProblems: 1999 })).toBe('Skip 2,000 and keep 1 row');
    expect(keepWords({ rows: 100, problems: [], moreProblems: 0 })).toBe('Keep 100 rows');
  });
});

describe('foundSentence', () => {
  it('counts rows, responses and problems', () => {
    expect(foundSentence({ rows: 98, withResponse: 40, problems: [problem, problem], moreProblems: 0 })).toBe(
      '98 usable rows, 40 with a response; 2 problems.',
    );
    expect(foundSentence({ rows: 1, withResponse: 0, problems: [], moreProblems: 0 })).toBe(
      '1 usable row, 0 with a response; no problem.',
    );
  });
});

describe('counts', () => {
  it('are grouped and in the right number', () => {
    expect([counted(0, 'row'), counted(1, 'row'), counted(100_000, 'row')]).toEqual([
      ...['0 rows', '1 row', '100,000 rows'],
    ]);
    expect(problemCount({ problems: [problem], moreProblems: 2 })).toBe(3);
  });
});
