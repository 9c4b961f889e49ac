// Numbers as text: no more digits than are honest, dashes for what is missing.
import { describe, expect, it } from 'vitest';
import {
  durationText,
  metricText,
  paceText,
  scoreText,
  signedText,
} from '../../../src/ui/train/figures_text';

describe('metricText', () => {
  it('writes a dash for what is missing or not finite', () => {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(metricText(value, 'number')).toBe('–');
    }
  });

  it('writes shares, numbers, tokens, seconds and tiny rates', () => {
    expect([0, 0.004, 0.0996, 0.54, 1].map((value) => metricText(value, 'share'))).toEqual([
      ...['0 %', '0.4 %', '10 %', '54 %', '100 %'],
    ]);
    expect([0, 0.001234, 0.6182, 1.5, 12.34, 1234.5, -0.5].map((v) => metricText(v, 'number'))).toEqual([
      ...['0', '1.2e-3', '0.618', '1.50', '12.3', '1235', '-0.500'],
    ]);
    expect([3.14, 86, 12_345].map((value) => metricText(value, 'tokens'))).toEqual(['3.1', '86', '12,345']);
    expect(metricText(0.001, 'tiny')).toBe('1.0e-3');
    expect(metricText(0, 'tiny')).toBe('0');
    expect(metricText(1.5, 'seconds')).toBe('1.50 s');
  });
});

describe('times', () => {
  it('are rough when they are guesses', () => {
    const seconds = [0, 4.4, 37, 56, 59 * 60 + 40, 3600, 4800, 47.5 * 3600, 52 * 3600, 72 * 3600];
    expect(seconds.map(durationText)).toEqual([
      ...['0 s', '4 s', '35 s', '1 min', '1 h', '1 h', '1 h 20 min', '47 h 30 min', '2 d 4 h', '3 d'],
    ]);
  });

  it('are exact to three digits when measured', () => {
    expect([0.31, 1.4242, 75.2].map(paceText)).toEqual(['310 ms', '1.42 s', '75 s']);
  });
});

describe('scoreText', () => {
  it('has no zeros that say nothing', () => {
    expect([1, 0, 0.6667, -0.5, 1.1000000000000001, Number.NaN].map(scoreText)).toEqual([
      ...['1', '0', '0.667', '−0.5', '1.1', '–'],
    ]);
  });
});

describe('signedText', () => {
  it('has a sign, except for nothing', () => {
    expect([1.321, -0.756, 0, -0.001, Number.NaN].map(signedText)).toEqual([
      '+1.32',
      '−0.76',
      '0.00',
      '0.00',
      '–',
    ]);
  });
});
