// The list of an import's problems stays small.
import { describe, expect, it } from 'vitest';
import { ProblemList, shorten } from '../../../src/data/dataset/import_problems';

describe('ProblemList', () => {
  it('keeps the first and counts the others', () => {
    const problems = new ProblemList(2);
    problems.add('t', 9, 'later');
    problems.add('f', null, 'a whole file');
    problems.add('t', 1, 'too many');
    problems.addUnlisted(3);
    expect(problems.sorted()).toEqual([
      { file: 'f', row: null, reason: 'a whole file' },
      { file: 't', row: 9, reason: 'later' },
    ]);
    expect(problems.more).toBe(4);
  });

  it('shortens what others wrote', () => {
    const problems = new ProblemList(2);
    problems.add('f'.repeat(9999), 1, 'r'.repeat(9999));
    const [only] = problems.sorted();
    expect(only?.file.length).toBe(300);
    expect(only?.reason.length).toBe(300);
    expect(shorten('a\nb\0c')).toBe('a b c');
    expect(shorten('abcdef', 4)).toBe('abc…');
    expect(shorten('abcd', 4)).toBe('abcd');
  });
});
