// command_line: options are read strictly, and whatever is wrong is a UsageError that says what would be right.
import { describe, expect, it } from 'vitest';
import { oneOf, UsageError, wholeNumber } from '../../tools/command_line';

describe('wholeNumber', () => {
  it('reads numbers and falls back', () => {
    expect(wholeNumber('n', '12', 1, 5)).toBe(12);
    expect(wholeNumber('n', undefined, 1, 5)).toBe(5);
    expect(wholeNumber('n', '0', 0, 5)).toBe(0);
  });

  it.each(['', ' ', '-1', '1.5', '1e3', 'x', '99999999999999999999', '0'])('refuses "%s"', (text) => {
    expect(() => wholeNumber('count', text, 1, 5)).toThrow(UsageError);
    expect(() => wholeNumber('count', text, 1, 5)).toThrow(/--count/);
  });
});

describe('oneOf', () => {
  it('names the words there are', () => {
    expect(oneOf('mode', 'cot', ['plain', 'cot'])).toBe('cot');
    expect(() => oneOf('mode', 'loud', ['plain', 'cot'])).toThrow(/--mode.*plain, cot.*"loud"/);
  });
});
