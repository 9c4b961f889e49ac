// Values against their settings, ranges in words, and numbers as people type them.
import { describe, expect, it } from 'vitest';
import {
  choice,
  faultOf,
  mustBe,
  number,
  optionalWhole,
  parseNumber,
  pattern,
  rangeWords,
  text,
  toggle,
  whole,
} from '../../src/settings/setting';

const WORDS = { label: 'x', group: 'g' };

describe('faultOf', () => {
  it.each([
    ['a number below', number(1, { min: 0, below: 1 }, WORDS), -1e-9, 'range'],
    ['a bound that is allowed', number(1, { min: 0, below: 1 }, WORDS), 0, null],
    ['a bound that is not', number(1, { min: 0, below: 1 }, WORDS), 1, 'range'],
    ['the other bound that is not', number(1, { above: 0, max: 1 }, WORDS), 0, 'range'],
    ['a number as text', number(1, { min: 0 }, WORDS), '1e-4', 'number'],
    ['no number', number(1, {}, WORDS), Number.NaN, 'number'],
    ['null', number(1, {}, WORDS), null, 'number'],
    ['null where the model decides', optionalWhole({ min: 1 }, WORDS), null, null],
    ['a fraction', whole(1, { min: 0 }, WORDS), 1.5, 'whole'],
    ['a choice', choice('a', { a: 'A', b: 'B' }, WORDS), 'b', null],
    ['no choice', choice('a', { a: 'A', b: 'B' }, WORDS), 'toString', 'choice'],
    ['a word for a toggle', toggle(true, WORDS), 'no', 'toggle'],
    ['a toggle', toggle(true, WORDS), false, null],
    ['empty text', text('a', WORDS), ' ', 'text'],
    ['no text where it may be absent', text(null, WORDS), null, null],
    ['a broken pattern', pattern('.*', 'all', WORDS), 'q_proj(', 'pattern'],
    ['a list', pattern('.*', 'all', WORDS), ['q_proj'], 'text'],
  ])('of %s', (_, setting, value, fault) => {
    expect(faultOf(setting, value)).toBe(fault);
  });
});

describe('mustBe', () => {
  it('says range and choices', () => {
    expect(mustBe(whole(1, { min: 1, max: 9 }, WORDS))).toBe('a whole number from 1 to 9');
    expect(mustBe(number(1, { min: 0, below: 1 }, WORDS))).toBe('a number from 0 to below 1');
    expect(mustBe(number(1, { above: 0, max: 1 }, WORDS))).toBe('a number above 0 and at most 1');
    expect(mustBe(choice('a', { a: '', b: '' }, WORDS))).toBe('one of a, b');
    expect([rangeWords({}), rangeWords({ max: 3 }), rangeWords({ min: 2 })]).toEqual([
      '',
      'at most 3',
      'from 2',
    ]);
  });
});

describe('parseNumber', () => {
  it.each([
    ['0.001', 0.001],
    ['0,001', 0.001],
    [' 1e-4 ', 1e-4],
    ['1E4', 1e4],
    ['2,5', 2.5],
    ['-0,5', -0.5],
    ['\u22121', -1],
    [',5', 0.5],
    ['3.', 3],
  ])('reads %s', (typed, value) => {
    expect(parseNumber(typed)).toBe(value);
  });

  it.each([
    '',
    ' ',
    '1,000',
    '12,345',
    '1.000,5',
    '1,000.5',
    '1 000',
    '0x10',
    'NaN',
    'Infinity',
    '1e999',
    '1e',
    '--1',
    '1;2',
  ])('refuses %j, which is no number or could be two', (typed) => {
    expect(parseNumber(typed)).toBeNull();
  });
});
