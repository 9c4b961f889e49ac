// Grading of what people try next: siblings of the known cases, near misses beside each hit, under the default grader;
// and properties that no wrong answer may break.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradeAnswer, graderFor } from '../../src/answer/answer_grading';
import { SIBLINGS } from './grading_siblings';

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
