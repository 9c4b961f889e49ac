// command_line: options are read strictly, and whatever is wrong is a UsageError that says what would be right.
import { describe, expect, it } from 'vitest';
import { GENERATION_SETTINGS } from '../../src/settings/generation_settings';
import { oneOf, settingOption, UsageError, wholeNumber } from '../../tools/command_line';

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

describe('settingOption', () => {
  const { temperature, maxNewTokens, mode } = GENERATION_SETTINGS;

  it('reads a setting as the page does, and takes its default', () => {
    expect(settingOption('temperature', temperature, '0,7')).toBe(0.7);
    expect(settingOption('max-new-tokens', maxNewTokens, undefined)).toBeNull();
    expect(settingOption('mode', mode, 'cot')).toBe('cot');
  });

  it('changes nothing silently: what cannot be used is named with its range', () => {
    const option = (text: string) => () => settingOption('temperature', temperature, text);
    for (const text of ['', '-1', '3', 'x', 'NaN']) expect(option(text)).toThrow(UsageError);
    expect(option('3')).toThrow('--temperature must be a number from 0 to 2, not "3".');
    expect(() => settingOption('mode', mode, 'loud')).toThrow(/plain, cot, semantic, solution/);
    expect(() => settingOption('max-new-tokens', maxNewTokens, '0')).toThrow(/from 1 to/);
  });
});

describe('oneOf', () => {
  it('names the words there are', () => {
    expect(oneOf('mode', 'cot', ['plain', 'cot'])).toBe('cot');
    expect(() => oneOf('mode', 'loud', ['plain', 'cot'])).toThrow(/--mode.*plain, cot.*"loud"/);
  });
});
