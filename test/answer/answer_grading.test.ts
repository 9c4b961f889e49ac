// Grading: tables per kind of answer, near misses beside each hit, and properties over all the forms of a fraction.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradeAnswer as grade } from '../../src/answer/answer_grading';

/** By the strict grader, which drops no units. */
const gradeAnswer = (answer: string | null, expected: string): boolean =>
  grade(answer, expected, 'strict').equal;

type Row = [answer: string, expected: string, right: boolean];

describe('gradeAnswer', () => {
  it.each<Row>([
    ['12', '12', true],
    [' 12. ', '12', true],
    ['12.0', '12', true],
    ['+12', '12', true],
    ['.5', '0.50', true],
    ['−3', '-3', true],
    ['-0', '0', true],
    ['1,200', '1200', true],
    ['1{,}200', '1200', true],
    ['1\\,200.5', '1,200.50', true],
    ['1\\,20', '120', false],
    ['~5', '5', false],
    ['1,234,567', '1234567', true],
    ['1,2000', '12000', false],
    ['12,00', '1200', false],
    ['13', '12', false],
    ['-12', '12', false],
    ['', '12', false],
    ['-', '0', false],
    ['.', '0', false],
    ['12 apples', '12', false],
    ['12345678901234567891', '12345678901234567892', false],
    ['0.1', '0.10000000000000001', false],
    ['1.2.3', '1.2', false],
    ['3:30', '3', false],
    ['1 2', '12', false],
  ])('number %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it.each<Row>([
    ['50%', '50%', true],
    ['50.0 %', '50\\%', true],
    ['50%', '50', false],
    ['50', '50%', false],
    ['50%', '0.5', false],
    ['5.0 cm', '5 cm', true],
    ['5\\text{cm}', '5 cm', true],
    ['5 cm', '5 mm', false],
    ['5 cm', '5', false],
    ['$5', '$5.00', true],
    ['\\$5', '$5', true],
    ['$5', '5', false],
    ['90^\\circ', '90°', true],
    ['90^{\\circ}', '90.0°', true],
    ['90', '90°', false],
    ['2\\pi', '2.0π', true],
    ['2\\pi', '2', false],
    ['12 m / s', '12 m/s', true],
  ])('quantity %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it.each<Row>([
    ['3/4', '0.75', true],
    ['\\frac{3}{4}', '3/4', true],
    ['\\dfrac{6}{8}', '\\tfrac34', true],
    ['\\frac 34', '.75', true],
    ['-\\frac{3}{4}', '-0.75', true],
    ['\\frac{-3}{4}', '-3/4', true],
    ['1 3/4', '7/4', true],
    ['1\\frac{3}{4}', '1.75', true],
    ['-1 \\frac{3}{4}', '-7/4', true],
    ['1/3', '0.333', false],
    ['13/4', '1 3/4', false],
    ['3/0', '0', false],
    ['3/0', '4/0', false],
    ['1/2/3', '1/6', false],
    ['\\frac{1}{2}3', '1/23', false],
    ['\\frac{1}{2x}', '\\frac{1}{2}x', false],
    ['3-1/4', '3/4', false],
  ])('fraction %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it.each<Row>([
    ['$x$', 'x', true],
    ['$$x$$.', 'x', true],
    ['\\(12\\)', '12', true],
    ['\\text{Yes}', 'yes', true],
    ['\\textbf{\\text{blue}}', 'blue', true],
    ['\\left(1, 2\\right)', '(1,2)', true],
    ['( 1, 2 )', '(1,2)', true],
    ['(1, 2)', '(1, 3)', false],
    ['(1,200)', '(1, 200)', true],
    ['1, 200', '1,200', false],
    ['\\sqrt{2}', '\\sqrt2', true],
    ['\\sqrt{2}', 'sqrt(2)', true],
    ['\\frac{\\sqrt{3}}{2}', '\\dfrac{\\sqrt3}{2}', true],
    ['\\sqrt{2}', '\\sqrt{3}', false],
    ['\\sqrt{4}', '2', false],
    ['$5$ and $6$', '5', false],
    ['\\unknown{x}', '\\unknown{x}', true],
  ])('LaTeX %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it.each<Row>([
    ['B', 'b', true],
    ['(B)', 'B', true],
    ['B.', 'B', true],
    ['B) 3 cm', 'B', true],
    ['(B) 3 cm', 'B', true],
    ['B: 3 cm', 'B', true],
    ['Option B', 'B', true],
    ['Option (B): 3 cm', 'B', true],
    ['The answer: B', 'B', true],
    ['\\text{(B)}', 'B', true],
    ['B', '(B) 3 cm', true],
    ['B) 3 cm', 'B) 4 cm', false],
    ['A) 3 cm', 'B', false],
    ['3 cm', 'B', false],
    ['None', 'N', false],
    ['B 3 cm', 'B', false],
    ['a dog', 'A', false],
    ['A B', 'B', false],
    ['A, B', 'A', false],
    ['B.5', 'B', false],
    ['AB', 'B', false],
    ['Options B', 'B', false],
  ])('choice %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it.each<Row>([
    ['Yes.', 'yes', true],
    ['yes, it is', 'yes', true],
    ['No', 'no', true],
    ['no, it is not', 'Yes', false],
    ['yesterday', 'yes', false],
    ['not', 'no', false],
    ['None', 'no', false],
    ['No-one', 'no', false],
    ['it is, yes', 'yes', false],
    ['yes', 'yes, it is', false],
  ])('yes or no %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it.each<Row>([
    ['The Red  Circle.', 'red circle', true],
    ['an apple', 'apple', true],
    ['red', 'red circle', false],
    ['vitamin A', 'vitamin', false],
    ['there', 're', false],
    ['a', 'the', false],
  ])('text %s against %s', (answer, expected, right) => {
    expect(gradeAnswer(answer, expected)).toBe(right);
  });

  it('gives no answer and the empty one no credit', () => {
    expect(gradeAnswer(null, 'N')).toBe(false);
    expect(gradeAnswer('', '')).toBe(false);
    expect(gradeAnswer(' ', '')).toBe(false);
  });

  it('takes long answers only when identical', () => {
    const long = '1'.repeat(1001);
    expect(gradeAnswer(long, long)).toBe(true);
    expect(gradeAnswer(`${long}.0`, long)).toBe(false);
    expect(gradeAnswer('1'.repeat(998), `${'1'.repeat(998)}.0`)).toBe(true);
  });

  it('accepts whatever equals itself, and is symmetric but for yes and no', () => {
    const words = fc.constantFrom(
      'B',
      '(',
      ')',
      '.',
      '12',
      '/',
      ' ',
      '\\frac',
      '{',
      '}',
      '$',
      'yes',
      ',',
      '%',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.array(words, { maxLength: 8 }).map((w) => w.join('')),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(gradeAnswer(a, a)).toBe(a.trim() !== '');
        if (!/yes|no/i.test(a + b)) expect(gradeAnswer(a, b)).toBe(gradeAnswer(b, a));
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  it('takes every form of a fraction for the same number, and for no other', () => {
    const arbitrary = fc.record({
      top: fc.integer({ min: 1, max: 9999 }),
      bottom: fc.constantFrom(1, 2, 4, 5, 8, 10, 16, 25, 1000),
      factor: fc.integer({ min: 1, max: 9 }),
      negative: fc.boolean(),
    });
    fc.assert(
      fc.property(arbitrary, ({ top, bottom, factor, negative }) => {
        const sign = negative ? '-' : '';
        const [whole, rest] = [Math.floor(top / bottom), top % bottom];
        const forms = [
          `${sign}${top}/${bottom}`,
          `${sign}${top * factor} / ${bottom * factor}`,
          `${sign}\\frac{${top}}{${bottom}}`,
          `$${sign}\\dfrac{${top * factor}}{${bottom * factor}}$`,
          // Exact: the denominators divide a power of ten and 2^-4 has four decimals.
          `${sign}${top / bottom}`,
          `${sign}${(top / bottom).toLocaleString('en-US', { maximumFractionDigits: 6, minimumFractionDigits: 6 })}`,
          ...(whole > 0
            ? [`${sign}${whole} ${rest}/${bottom}`, `${sign}${whole}\\frac{${rest}}{${bottom}}`]
            : []),
        ];
        for (const a of forms) {
          for (const b of forms) expect(gradeAnswer(a, b), `${a} | ${b}`).toBe(true);
          expect(gradeAnswer(a, `${sign}${top + 1}/${bottom}`)).toBe(false);
          expect(gradeAnswer(a, `${negative ? '' : '-'}${top}/${bottom}`)).toBe(false);
        }
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  it('takes hostile text of the longest length at once', () => {
    for (const piece of [
      '1,',
      '1 ',
      '(',
      '$',
      '\\frac{',
      '\\text{',
      'a ',
      '.',
      '{',
      '\\sqrt',
      ' ',
      '1,111',
      '^',
    ]) {
      const text = piece.repeat(Math.floor(1000 / piece.length));
      expect(gradeAnswer(text, `${text.slice(0, -1)}b`)).toBe(false);
    }
  });
});
