// Options of a question in every form, written as the method's evaluation writes them, and the answer as its letter.
import { describe, expect, it } from 'vitest';
import {
  countsFrom,
  expectedOption,
  guessOptionColumns,
  optionLetter,
  readOptions,
  withOptions,
} from '../../../src/data/dataset/question_options';

const COLOURS = ['red', 'blue', 'dark green'];

describe('readOptions', () => {
  it.each<[string, unknown[]]>([
    ['columns', ['red', 'blue', 'dark green']],
    ['columns with an empty last one', ['red', ' blue', 'dark green', '', null]],
    ['a list', [COLOURS]],
    ['a list with letters', [['A. red', 'B. blue', 'C. dark green']]],
    ['a list with letters in brackets', [['(A) red', '(B) blue', '(C) dark green']]],
    ['texts and labels', [{ text: COLOURS, label: ['A', 'B', 'C'] }]],
    ['by letter', [{ A: 'red', B: 'blue', C: 'dark green' }]],
    ['a list of objects', [COLOURS.map((text, i) => ({ label: 'ABC'[i], text }))]],
    ['JSON as text', [JSON.stringify(COLOURS)]],
    ['JSON by letter as text', [JSON.stringify({ A: 'red', B: 'blue', C: 'dark green' })]],
    ['Python', ["['red', 'blue', \"dark green\"]"]],
    ['NumPy', ["['red' 'blue' 'dark green']"]],
    ['We-Math', ['A. red; B. blue; C. dark green']],
    ['a line for each', ['A: red\nB: blue\nC: dark green']],
    ['lines without letters', ['red\nblue\ndark green']],
    ['letters in brackets', ['(A) red (B) blue (C) dark green']],
    ['bars', ['red | blue | dark green']],
  ])('reads %s', (_, values) => {
    expect(readOptions(values)).toEqual({ options: COLOURS });
  });

  it('keeps texts that only look like labels', () => {
    expect(readOptions([['A. Smith', 'C. Jones']])).toEqual({ options: ['A. Smith', 'C. Jones'] });
    expect(readOptions([[1, 2.5, true]])).toEqual({ options: ['1', '2.5', 'true'] });
    expect(readOptions(["['it\\'s', 'a, b']"])).toEqual({ options: ["it's", 'a, b'] });
  });

  it.each<[string, unknown[]]>([
    ['an empty list', [[]]],
    ['nothing', [null]],
    ['empty columns', ['', '', null]],
    ['a missing value as text', ['nan']],
  ])('takes %s for a question without options', (_, values) => {
    expect(readOptions(values)).toEqual({ options: null });
  });

  it.each<[string, unknown[], string]>([
    ['a gap', ['red', '', 'green'], 'option B is empty'],
    ['a single option', [['red']], 'only one option'],
    ['pictures', [[{ bytes: 'x' }, { bytes: 'y' }]], 'option A is not a text'],
    ['strange labels', [{ text: ['a', 'b'], label: ['X', 'Y'] }], 'labels are not A, B, C'],
    ['prose', ['red, blue'], 'in a form that is not read'],
    ['a number', [7], 'in a form that is not read'],
    ['too many', [Array(27).fill('x')], 'has 27 options'],
  ])('refuses %s', (_, values, reason) => {
    const read = readOptions(values);
    expect('reason' in read && read.reason).toContain(reason);
  });

  it('is linear in texts that never end', () => {
    for (const text of [`[${"'a' ".repeat(4000)}`, `A. ${'('.repeat(19_000)}`, `['${'\\'.repeat(19_000)}`]) {
      expect('reason' in readOptions([text])).toBe(true);
    }
  });
});

describe('withOptions', () => {
  it('writes them as the evaluation does', () => {
    expect(withOptions('Which colour?', ['red', 'blue', 'green', 'black'])).toBe(
      'Which colour?\n\nOptions: A. red; B. blue; C. green; D. black\nYour final answer must be one of A, B, C, or D.',
    );
    expect(withOptions('Which?', ['yes', 'no'])).toContain('must be one of A or B.');
    expect(withOptions('Which figure?', ['A', 'B', 'C'])).toContain('Options: A; B; C\n');
  });

  it('does not write them twice', () => {
    const listed = 'Which?\nA. red\nB. blue';
    expect(withOptions(listed, ['red', 'blue'])).toBe(listed);
    expect(withOptions('Is it red or blue?', ['red', 'blue'])).toContain('Options: A. red; B. blue');
    expect(withOptions('Choose. (A) 1 (B) 11', ['1', '11'])).toBe('Choose. (A) 1 (B) 11');
  });
});

describe('expectedOption', () => {
  it.each([
    ['B', 1],
    ['b', 1],
    ['(B)', 1],
    ['B.', 1],
    ['B. blue', 1],
    ['(B) Blue.', 1],
    ['Option C', 2],
    ['blue', 1],
    ['Dark  Green', 2],
  ])('finds %s', (answer, option) => {
    expect(expectedOption(answer, COLOURS)).toEqual({ option });
  });

  it('leaves numbers that count to all rows together', () => {
    expect(expectedOption('1', COLOURS)).toEqual({ counted: 1 });
    expect(expectedOption('1', ['3', '2', '1'])).toEqual({ option: 2 });
    expect(countsFrom([{ counted: 0, options: 3 }])).toBe(0);
    expect(
      countsFrom([
        { counted: 1, options: 3 },
        { counted: 3, options: 3 },
      ]),
    ).toBe(1);
    expect(countsFrom([{ counted: 1, options: 3 }])).toBeNull();
    expect(
      countsFrom([
        { counted: 0, options: 3 },
        { counted: 3, options: 3 },
      ]),
    ).toBeNull();
  });

  it.each([
    ['purple', 'none of the options A to C'],
    ['D', 'none of the options'],
    ['B. red', "another option's text"],
    ['7', 'none of the options'],
  ])('refuses %s', (answer, reason) => {
    const found = expectedOption(answer, COLOURS);
    expect('reason' in found && found.reason).toContain(reason);
  });

  it('refuses what may mean two options', () => {
    expect(expectedOption('red', ['red', 'Red'])).toHaveProperty('reason');
    expect(expectedOption('A', ['B', 'A'])).toHaveProperty('reason');
    expect(expectedOption('A', ['A', 'B'])).toEqual({ option: 0 });
    expect(optionLetter(3)).toBe('D');
  });
});

describe('guessOptionColumns', () => {
  it.each([
    [
      ['question', 'A', 'B', 'C', 'D', 'answer'],
      ['A', 'B', 'C', 'D'],
    ],
    [
      ['option_a', 'Option B', 'question'],
      ['option_a', 'Option B'],
    ],
    [
      ['Option 1', 'Option 2', 'Option 3'],
      ['Option 1', 'Option 2', 'Option 3'],
    ],
    [['choices', 'answer'], ['choices']],
    [['options'], ['options']],
    [['A', 'answer'], []],
    [['question', 'answer'], []],
  ])('%j', (columns, expected) => {
    expect(guessOptionColumns(columns)).toEqual(expected);
  });
});
