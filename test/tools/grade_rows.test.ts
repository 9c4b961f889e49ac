// The rows of `npm run grade`: both forms of a file, several right answers, exact numbers, and rows that are bad.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradeRows } from '../../tools/grade_rows';

describe('gradeRows', () => {
  it('agrees with every collected case', () => {
    const { summary } = gradeRows(readFileSync('test/fixtures/grading.json', 'utf8'), null);
    expect(summary).toMatchObject({ rows: 48, graded: 48, bad: 0, grader: 'default' });
    expect(summary.agreement).toEqual({ rows: 48, agree: 48, disagree: [] });
  });

  it('reads JSON lines, takes any of several right answers, and reads the box of a whole completion', () => {
    const text = [
      '{"answer": "5 cm", "expected": "5", "note": "ignored"}',
      '',
      '{"answer": "b", "expected": ["(A)", "(B)"]}',
      String.raw`{"answer": "<think>a</think> \\boxed{4} or \\boxed{7}", "expected": 7}`,
      '{"answer": 12345678901234567891, "expected": "12345678901234567892"}',
      '{"answer": null, "expected": "1", "equal": true}',
    ].join('\r\n');
    const { rows, summary } = gradeRows(text, null);
    expect(rows).toMatchObject([
      { line: 1, equal: true, rule: 'equal numbers, the unit dropped', grader: 'method' },
      { line: 3, equal: true, rule: 'the same choice', expected: '(B)' },
      { line: 4, equal: true, answer: '7' },
      { line: 5, equal: false, answer: '12345678901234567891' },
      { line: 6, equal: false, rule: 'no answer', labelled: true },
    ]);
    expect(summary).toMatchObject({ rows: 5, equal: 3, agreement: { rows: 1, agree: 0, disagree: [6] } });
    expect(gradeRows(text, 'strict').rows[0]).toMatchObject({ equal: false, grader: 'strict' });
  });

  it('names bad rows and grades the others', () => {
    const text =
      '{"answer": "1", "expected": "1"}\n{"answer": 1\n[]\n{"answer": "1"}\n{"expected": "1"}\n{"answer": "1", "expected": []}';
    const { rows, summary } = gradeRows(text, null);
    expect(rows.map((row) => ('error' in row ? row.error.replace(/:.*/, '') : row.equal))).toEqual([
      ...[true, 'is not JSON', 'is no object with answer and expected', 'has no expected', 'has no answer'],
      'expected is no text, number or list of them, or is empty',
    ]);
    expect(rows.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(summary).toMatchObject({ rows: 6, graded: 1, bad: 5, agreement: null });
  });
});
