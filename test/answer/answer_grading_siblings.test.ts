// Grading of what people try next: siblings of the known cases, near misses beside each hit, under the default grader;
// and properties that no wrong answer may break.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradeAnswer, graderFor } from '../../src/answer/answer_grading';

type Row = readonly [answer: string, expected: string, equal: boolean];

interface Case {
  readonly id: string;
  readonly answer: string;
  readonly expected: string;
  readonly equal: boolean;
}

const CASES = JSON.parse(readFileSync('test/fixtures/grading.json', 'utf8')) as readonly Case[];

describe('the collected cases', () => {
  it.each(CASES.map(({ id, answer, expected, equal }) => [id, answer, expected, equal] as const))(
    '%s: %s against %s',
    (_, answer, expected, equal) => {
      expect(gradeAnswer(answer, expected)).toMatchObject({ equal });
    },
  );
});

const SIBLINGS: Readonly<Record<string, readonly Row[]>> = {
  'numbers with something behind or before them': [
    ['5 million', '5', false],
    ['5 thousand', '5', false],
    ['5k', '5', false],
    ['5 dozen', '5', false],
    ['5x', '5', false],
    ['5n', '5', false],
    ['5m', '5', false],
    ['5 pi', '5', false],
    ['5\\pi', '5', false],
    ['5i', '5', false],
    ['5!', '5', false],
    ['5 or 6', '5', false],
    ['5 or more', '5', false],
    ['5 and a half', '5', false],
    ['5 percent', '5', true],
    ['5%', '5', true],
    ['5 km/h', '5', true],
    ['5 m/s^2', '5', true],
    ['5 m', '5', true],
    ['5 K', '5', false],
    ['25 cm²', '25', true],
    ['25 cm2', '25 cm^2', true],
    ['5²', '52', false],
    ['5²', '5^2', true],
    ['52₈', '528', false],
    ['1½', '1.5', true],
    ['1½', '11/2', false],
    ['½', '0.5', true],
    ['12 red apples', '12', true],
    ['12 apples left', '12', true],
    ['5 apples each', '5', false],
    ['5 apples or 6', '5', false],
    ['5 halves', '5', false],
    ['5 squared', '5', false],
    ['5 times', '5', false],
    ['5th', '5', false],
    ['5 out of 6', '5', false],
    ['5 per hour', '5', false],
    ['5 miles per hour', '5', true],
    ['not 5', '5', false],
    ['about 5', '5', false],
    ['~5', '5', false],
    ['≈5', '5', false],
    ['>5', '5', false],
    ['x>5', '5', false],
    ['x≥5', 'x>5', false],
    ['x \\geq 5', 'x≥5', true],
    ['x \\ne 5', 'x=5', false],
    ['x ≠ 5', '5', false],
    ['-5', '5', false],
    ['5-', '5', false],
    ['5+', '5', false],
    ['+5', '5', true],
    ['±5', '5', false],
    ['\\pm 5', '±5', true],
    ['5 ± 1', '5', false],
    ['5..6', '5', false],
    ['3-5', '3 to 5', false],
    ['3–5', '3-5', true],
    ['3-5', '-2', false],
    ['$1,000', '1000', true],
    ['1.000', '1000', false],
    ['1,000', '1', false],
    ['1,00,000', '100000', false],
    ['1 000', '1000', false],
    ['1\u202f000', '1000', true],
    ['10\\!000', '10000', true],
  ],
  'fractions, percent and roots': [
    ['0.5', '1/2', true],
    ['.5', '1/2', true],
    ['50%', '0.5', false],
    ['50%', '50', true],
    ['50', '50%', false],
    ['28', '28\\%', false],
    ['1 1/2', '1.5', true],
    ['11/2', '1 1/2', false],
    ['1/2', '2/4', true],
    ['-\\frac12', '-0.5', true],
    ['\\frac{-1}{2}', '-1/2', true],
    ['\\frac{1}{-2}', '-1/2', true],
    ['\\frac{\\sqrt3}{2}', '\\frac{\\sqrt{3}}{2}', true],
    ['\\sqrt3/2', '\\frac{\\sqrt{3}}{2}', true],
    ['√3/2', '\\frac{\\sqrt{3}}{2}', true],
    ['√12', '\\sqrt{12}', true],
    ['√12', '\\sqrt1 2', false],
    ['\\sqrt{12}', '\\sqrt12', false],
  ],
  'lists, sets and intervals': [
    ['(1,2)', '[1,2]', false],
    ['(1,2)', '(2,1)', false],
    ['\\{1,2\\}', '\\{2,1\\}', true],
    ['{1,2}', '{2,1}', true],
    ['\\{1,2\\}', '\\{1,2,2\\}', false],
    ['\\{1,2\\}', '\\{1,3\\}', false],
    ['(1,2]', '(1,2)', false],
    ['[0,1)', '[0, 1)', true],
    ['(-\\infty, 3) \\cup (5, \\infty)', '(-∞,3)∪(5,∞)', true],
    ['(-\\infty, +\\infty)', '(-∞,∞)', true],
    ['(1/2, 3)', '(0.5,3)', true],
    ['(1,2)∪(3,4)', '(1,2)∪(3,5)', false],
    ['\\{\\frac12, 3\\}', '{3, 0.5}', true],
    ['{(1,2),(3,4)}', '{(3,4),(1,2)}', true],
    ['{(1,2),(3,4)}', '{(2,1),(3,4)}', false],
  ],
  equations: [
    ['x=3', '3', true],
    ['3', 'x=3', true],
    ['x = -3', '3', false],
    ['x=3', 'y=3', false],
    ['x=3 or x=4', '3', false],
    ['x=3, y=4', '3', false],
    ['x = 3, 4', '3,4', true],
    ['y=2x+1', 'y=1+2x', true],
    ['y=2x+1', '2x+1', true],
    ['y=2x+1', 'y=2x-1', false],
    ['f(x)=2x', '2x', true],
    ['AB = 5 cm', '5', true],
    ['5=5', '5', false],
    ['2+3=5', '5', false],
  ],
  choices: [
    ['(B)', 'B', true],
    ['B.', 'B', true],
    ['B. 12', 'B', true],
    ['B. 12', '12', true],
    ['B. 12', '13', false],
    ['B) 3 cm', '3 cm', true],
    ['A or B', 'B', false],
    ['B or C', 'B', false],
    ['(B) or (C)', 'B', false],
    ['(B), (C)', 'B', false],
    ['B, C', 'B', false],
    ['B and C', 'B', false],
    ['A. B', 'A', false],
    ['A: B', 'A', false],
    ['not B', 'B', false],
    ['B is wrong', 'B', false],
    ['(B) is incorrect', 'B', false],
    ['[B]', 'B', true],
    ['Option B', 'B', true],
    ['Answer: B', 'B', true],
    ['The answer is B.', 'B', true],
    ['The answer is not B', 'B', false],
    ['answer is (B) 12', 'B', true],
    ['\\textbf{B}', 'B', true],
    ['**B**', 'B', true],
    ['**B. 12**', 'B', true],
    ['BB', 'B', false],
    ['b', 'B', true],
    ['B?', 'B', false],
    ['D - a polygenic score', 'D', true],
    ['x - 5', 'x', false],
    ['A - B', 'A', false],
    ['C. None of the above', 'C', true],
    ['C: the answer could be (D)', 'C', false],
    ['vitamin B', 'B', false],
    ['B vitamin', 'B', false],
    ['I', 'I', true],
    ['I am', 'I', false],
    ['A dog', 'A', false],
    ['A', 'A dog', false],
    ['A. vitamin C', 'A', true],
    ['E', 'E', true],
    ['None', 'N', false],
    ['None', 'E', false],
    ['B\n', 'B', true],
    ['B)', 'B', true],
  ],
  'yes and no': [
    ['yes', 'yes', true],
    ['Yes, it is', 'yes', true],
    ['yeah', 'yes', true],
    ['nope', 'no', true],
    ['yes or no', 'yes', false],
    ['yes/no', 'yes', false],
    ['Yes and no', 'yes', false],
    ['yes, I mean no', 'yes', false],
    ['no, yes', 'no', false],
    ['no wait, yes', 'no', false],
    ['Yes, there are no dogs', 'yes', true],
    ['not yes', 'yes', false],
    ['no', 'yes', false],
    ['True', 'yes', false],
    ['true', 'True', true],
    ['True, because', 'true', true],
    ['true or false', 'true', false],
    ['True/False', 'true', false],
    ['yes no', 'yes', false],
    ['Yes. No.', 'yes', false],
    ['nothing', 'no', false],
    ['No.', 'no', true],
    ['unknown', 'no', false],
  ],
  'number words': [
    ['two', '2', true],
    ['Two', '2', true],
    ['twenty', '20', true],
    ['twenty-one', '20', false],
    ['twenty one', '20', false],
    ['two hundred', '2', false],
    ['two dogs', '2', true],
    ['one half', '1', false],
    ['negative five', '-5', true],
    ['minus 5', '-5', true],
    ['minus 5', '5', false],
    ['seven', '8', false],
    ['2', 'two', true],
    ['two', 'to', false],
    ['ten thousand', '10', false],
    ['thirteen', '30', false],
    ['one or two', '1', false],
    ['one of them', '1', false],
    ['zero', '0', true],
    ['none', '0', false],
  ],
  'scientific notation': [
    ['3e-2', '0.03', true],
    ['3E8', '300000000', true],
    ['3 \\times 10^8', '300000000', true],
    ['3×10⁸', '300000000', true],
    ['3×10⁸', '3×10⁹', false],
    ['3x10^8', '3*10^8', true],
    ['3 \\cdot 10^{-2}', '3e-2', true],
    ['10^6', '1000000', true],
    ['10^{-3}', '0.001', true],
    ['10^6', '106', false],
    ['3 \\times 10', '30', false],
    ['3e400', '3e401', false],
    ['3e9999', '3e9998', false],
    ['1e5 m', '100000 m', true],
    ['2^{10}', '210', false],
    ['2^10', '2^{10}', true],
    ['3.0e8 m/s', '3×10^8 m/s', true],
  ],
  'large whole numbers': [
    ['12345678901234567891', '12345678901234567891.0', true],
    ['12345678901234567891', '12345678901234567890', false],
    ['12,345,678,901,234,567,891', '12345678901234567891', true],
  ],
  'times, dates and ratios': [
    ['9:30', '09:30', true],
    ['9:30 AM', '9:30 am', true],
    ['9:30 a.m.', '9:30 AM', true],
    ['21:30', '9:30 PM', true],
    ['9:30 pm', '9:30 am', false],
    ['9:30 pm', '9:30', false],
    ['3:30', '3.5', false],
    ['3:30', '330', false],
    ['3:00', '3', false],
    ['3 pm', '3', false],
    ['3pm', '3', false],
    ['3 PM', '15:00', true],
    ['12:00 am', '0:00', true],
    ['3:30', '3:31', false],
    ['3:30:00', '3:30', false],
    ['1:2', '1/2', false],
    ['2:4', '1:2', false],
    ['1 : 2', '1:2', true],
    ['5/10', '0.5', true],
    ['2020-05-01', '2020-01-05', false],
    ['05/01/2020', '01/05/2020', false],
  ],
  'units and money': [
    ['5 cm', '5 mm', false],
    ['5 cm', '50 mm', false],
    ['5 CM', '5 cm', true],
    ['5 MW', '5 mW', false],
    ['5 Mb', '5 MB', false],
    ['5 centimeters', '5 cm', true],
    ['5 meters', '5 m', true],
    ['5 ms', '5 m', false],
    ['5 dollars', '$5', true],
    ['USD 5', '$5', true],
    ['€5', '$5', false],
    ['$5', '5', true],
    ['$5.00', '5', true],
    ['$5 million', '5', false],
    ['-$5', '-5', true],
    ['$-5', '-5', true],
    ['5 USD', '5', true],
    ['50¢', '50', true],
    ['90 degrees', '90°', true],
    ['90', '90°', true],
    ['90°', '90', true],
    ['90 °C', '90', true],
    ['90°C', '90°F', false],
    ['90°C', '90°', false],
    ['90 degrees Celsius', '90 °C', true],
    ['5 N·m', '5 N*m', true],
    ['100 km/h', '100 km per hour', true],
    ['5 sq cm', '5 cm^2', true],
    ['25 square units', '25', true],
    ['5 cm^3', '5 cm^2', false],
    ['5 feet 6 inches', '5', false],
    ['5\'6"', '5', false],
    ['5 hours 30 minutes', '5', false],
    ['5 minutes', '5 min', true],
    ['2 hours', '2 hour', true],
    ['5 apples', '5 oranges', false],
    ['5', '5 cm', false],
  ],
  'signs and words around': [
    ['$12$', '12', true],
    ['$$12$$', '12', true],
    ['\\(12\\)', '12', true],
    ['\\[12\\]', '12', true],
    ['\\boxed{12}', '12', true],
    ['"12"', '12', true],
    ['“red”', 'red', true],
    ['12.', '12', true],
    ['12,', '12', true],
    ['12 .', '12', true],
    ['**12**', '12', true],
    ['`12`', '12', true],
    ['Answer: $13$', '13', true],
    ['**Answer:** 13', '13', true],
    ['The final answer is $\\boxed{13}$.', '13', true],
    ['Therefore, the answer is 13', '13', true],
    ['The answer is not 13', '13', false],
    ['12 12', '12', false],
    ['12. 12.', '12', false],
    ['12\n12', '12', false],
    ['1212', '12', false],
    ['12 (twelve)', '12', false],
    ['the answer is 12 or 13', '12', false],
    ['= 12', '12', true],
    ['12 = 12', '12', false],
  ],
  formulas: [
    ['x+1', '1+x', true],
    ['x-1', '1-x', false],
    ['2x', 'x2', false],
    ['x^2', 'x2', false],
    ['x²', 'x^2', true],
    ['2(x+1)', '2x+2', true],
    ['(x+1)^2', 'x^2+2x+1', true],
    ['(x+1)^2', 'x^2+1', false],
    ['(x+1)(x-1)', 'x^2-1', true],
    ['1/2x', '\\frac{1}{2}x', false],
    ['x/2', '\\frac{x}{2}', true],
    ['x/2', '\\frac12 x', true],
    ['a/b', 'b/a', false],
    ['A-B-C', 'A-C-B', false],
    ['on', 'no', false],
    ['act', 'cat', false],
    ['xy', 'yx', false],
    ['2xy', '2yx', true],
    ['f(x)', 'x f', false],
    ['sin(x)', 'sin x', false],
    ['2^x', 'x^2', false],
    ['e^x', 'x^e', false],
    ['x_1', 'x1', false],
    ['x_1', 'x_{1}', true],
    ['3x+2y', '2y+3x', true],
    ['3x+2y', '3y+2x', false],
    ['\\sqrt{x+1}', '\\sqrt{1+x}', true],
    ['\\frac{1}{x+1}', '\\frac{1}{1+x}', true],
    ['\\frac{1}{x+1}', '\\frac1x+1', false],
    ['-x+1', '1-x', true],
    ['x^{10}', 'x^10', true],
    ['x^{10}', 'x^1 0', false],
    ['x^{-1}', '1/x', true],
    ['a+b', 'b+a', true],
    ['AB+BC', 'BC+AB', false],
    ['\\alpha+1', '1+α', true],
    ['x<5', 'x>5', false],
    ['2\\pi r', '2 \\pi r', true],
    ['2\\pi r', '2\\pi r^2', false],
    ['\\sqrt{4}', '2', false],
    ['2+3', '5', false],
  ],
  text: [
    ['cafe', 'café', false],
    ['ｒｅｄ', 'red', true],
    ['red ', 'red', true],
    ['the red', 'red', true],
    ['red!', 'red', true],
    ['red?', 'red', false],
    ['red or blue', 'red', false],
    ['not red', 'red', false],
    ['red, blue', 'blue, red', false],
    ['dark red', 'red', false],
    ['５', '5', true],
    ['１２．５', '12.5', true],
    ['−５', '-5', true],
    ['－5', '-5', true],
    ['Ⅳ', 'IV', true],
    ['①', '1', true],
    ['5．', '5', true],
    ['007', '7', true],
    ['0', '-0', true],
    ['O', '0', false],
    ['l', '1', false],
    ['1.2.3', '1.2', false],
    ['192.168.0.1', '192.168.0.10', false],
    ['A+', 'A', false],
    ['A-', 'A', false],
    ['C#', 'C', false],
    ['C++', 'C', false],
    ['5 stars', '5', true],
    ['#5', '5', false],
    ['No. 5', '5', false],
    ['No 5', 'no', true],
    ['no 5', 'no', true],
  ],
  ends: [
    ['infinity', '∞', false],
    ['\\infty', '∞', true],
    ['-\\infty', '∞', false],
    ['undefined', '0', false],
    ['1/0', '∞', false],
    ['', ' ', false],
    ['5 and 6', '5', false],
    ['5, 6', '5', false],
    ['5;6', '5', false],
    ['5/6', '5', false],
    ['5 6', '5', false],
    ['5a', '5', false],
    ['5 b', '5', false],
    ['5 \\text{ or } 6', '5', false],
    ['5 - 3', '5', false],
    ['5 × 3', '5', false],
    ['5*3', '15', false],
    ['5^2', '5', false],
    ['5_2', '5', false],
    ["5°30'", '5', false],
    ['5\\%', '5', true],
    ['-5%', '5', false],
    ['100%', '1', false],
    ['5 per cent', '5', true],
    ['5 bn', '5', false],
    ['5M', '5', false],
    ['$5M', '5', false],
    ['$5k', '5', false],
    ['5 grand', '5', false],
    ['5G', '5', false],
    ['5D', '5', false],
    ['5 x', '5', false],
    ['5 y', '5', false],
    ['5 n', '5', false],
  ],
};

describe.each(Object.entries(SIBLINGS))('%s', (_, rows) => {
  it.each(rows)('%s against %s', (answer, expected, equal) => {
    expect(gradeAnswer(answer, expected).equal).toBe(equal);
  });
});

describe('the graders by name', () => {
  it.each([
    ['5', 'method'],
    ['1,200.5', 'method'],
    ['90^\\circ', 'method'],
    ['$\\frac{3}{4}$', 'method'],
    ['two', 'method'],
    ['x = 5', 'method'],
    ['5 cm', 'strict'],
    ['50%', 'strict'],
    ['B', 'strict'],
    ['(1, 2)', 'strict'],
    ['2x', 'strict'],
    ['3:00', 'strict'],
  ])('for %s: %s', (expected, grader) => {
    expect(graderFor(expected)).toBe(grader);
  });

  it('drops units by one and not by the other, and says which rule decided', () => {
    expect(gradeAnswer('5 cm', '5')).toEqual({
      ...{ equal: true, rule: 'equal numbers, the unit dropped', grader: 'method' },
    });
    expect(gradeAnswer('5 cm', '5', 'strict')).toEqual({
      ...{ equal: false, rule: 'equal numbers of different units', grader: 'strict' },
    });
    expect(gradeAnswer('5', '5 cm', 'method').equal).toBe(false);
    expect(gradeAnswer('6 cm', '5').rule).toBe('different numbers');
    expect(gradeAnswer(null, '5').rule).toBe('no answer');
  });
});

describe('no wrong answer is right', () => {
  const behind = fc.constantFrom(
    ...[
      ' million',
      ' thousand',
      'k',
      ' dozen',
      'x',
      'n',
      ' pi',
      '!',
      ' or 6',
      '^2',
      '²',
      '₂',
      '_2',
      ':00',
      '/7',
      ' 1/2',
    ],
    ...[
      ' and a half',
      ' squared',
      ' halves',
      ' or more',
      'e3',
      ' \\times 10^3',
      ' + 1',
      '-1',
      ' to 9',
      ', 6',
      ' hundred',
    ],
  );
  const before = fc.constantFrom(
    '-',
    '±',
    'not ',
    '>',
    '<',
    '≠',
    '~',
    'x > ',
    '1',
    '0.',
    '1/',
    '√',
    '2^',
    '1 ',
  );

  it('takes a number with something that changes it for another one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9999 }), behind, before, (gold, after, sign) => {
        expect(gradeAnswer(`${gold}${after}`, `${gold}`).equal, `${gold}${after}`).toBe(false);
        expect(gradeAnswer(`${sign}${gold}`, `${gold}`).equal, `${sign}${gold}`).toBe(false);
      }),
      { numRuns: 1500, seed: 11 },
    );
  });

  it('takes two numbers for the same only when they are', () => {
    const dressed = fc.constantFrom<(n: string) => string>(
      (n) => `$${n}$`,
      (n) => `\\boxed{${n}}`,
      (n) => `${n} cm`,
      (n) => `${n}\\%`,
      (n) => `The answer is ${n}.`,
      (n) => `x = ${n}`,
      (n) => `**${n}**`,
      (n) => `${n} red apples`,
      (n) => `(${n})`,
      (n) => `\\$${n}`,
    );
    const value = fc.tuple(fc.integer({ min: -999, max: 99_999 }), fc.constantFrom('', '.5', '.25', '.0'));
    fc.assert(
      fc.property(value, value, dressed, ([a, da], [b, db], dress) => {
        const [left, right] = [`${a}${da}`, `${b}${db}`];
        expect(gradeAnswer(dress(left), right).equal, `${dress(left)} | ${right}`).toBe(
          Number(left) === Number(right),
        );
        expect(gradeAnswer(dress(right), right).equal, `${dress(right)} | ${right}`).toBe(true);
      }),
      { numRuns: 2000, seed: 12 },
    );
  });

  it('keeps tuples in order and lets sets be in any', () => {
    const items = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(items, (values) => {
        const turned = [...values.slice(1), values[0] as number];
        expect(gradeAnswer(`\\{${turned.join(', ')}\\}`, `\\{${values.join(',')}\\}`).equal).toBe(true);
        expect(gradeAnswer(`(${turned.join(', ')})`, `(${values.join(',')})`).equal).toBe(false);
        expect(gradeAnswer(`(${values.join(', ')})`, `[${values.join(',')}]`).equal).toBe(false);
      }),
      { numRuns: 300, seed: 13 },
    );
  });

  it('takes a polynomial for another only when it has the same value everywhere', () => {
    const coefficient = fc.integer({ min: 1, max: 4 });
    const terms = fc.tuple(coefficient, coefficient, coefficient);
    const valueAt = ([a, b, c]: readonly number[], x: number): number => a! * x * x + b! * x + c!;
    fc.assert(
      fc.property(terms, terms, (p, q) => {
        const left = `${p[2]} + ${p[1]}x + ${p[0]}x^2`;
        const right = `${q[0]}x^{2}+${q[1]} x+${q[2]}`;
        const same = [0, 1, 2].every((x) => valueAt(p, x) === valueAt(q, x));
        expect(gradeAnswer(left, right).equal, `${left} | ${right}`).toBe(same);
      }),
      { numRuns: 500, seed: 14 },
    );
  });

  it('takes one letter for another only when it is', () => {
    const letter = fc.constantFrom(...'ABCDE');
    const form = fc.constantFrom<(l: string) => string>(
      (l) => `(${l})`,
      (l) => `${l}.`,
      (l) => `${l}. 12 cm`,
      (l) => `\\text{${l}}`,
      (l) => `Option ${l}`,
      (l) => `The answer is (${l}).`,
      (l) => `${l}: a red square`,
    );
    fc.assert(
      fc.property(letter, letter, form, (a, b, dress) => {
        expect(gradeAnswer(dress(a), b).equal, `${dress(a)} | ${b}`).toBe(a === b);
        expect(gradeAnswer(`${dress(a)} or ${dress(b)}`, a).equal, `${dress(a)} or ${dress(b)}`).toBe(false);
      }),
      { numRuns: 500, seed: 15 },
    );
  });
});

describe('hostile text', () => {
  const pieces = [
    ...['x+', '(x+1)*', '^', '_', 'a,', '{1,', '1/', '- ', "'", 'b or ', 'x^x', '1e', '\\frac{1}{2}', 'no '],
    ...[
      'is not ',
      '√',
      '½',
      '²',
      'the ',
      'answer: ',
      '**',
      '=',
      '\\{',
      '\\sqrt{',
      '(((',
      '1;',
      'square ',
      ' per ',
    ],
  ];
  it.each(pieces)('of %s is graded at any length', (piece) => {
    // Exponential or cubic work on any of these would take minutes; 30 s is the test's own limit.
    const text = piece.repeat(Math.floor(1000 / piece.length));
    expect(gradeAnswer(text, `${text.slice(0, -1)}b`)).toMatchObject({ equal: expect.any(Boolean) });
    const long = piece.repeat(1_000_000 / piece.length);
    expect(gradeAnswer(long, `${long} `).equal).toBe(true);
    expect(gradeAnswer(`${long}b`, long).equal).toBe(false);
  });
});
