// Values of rows: what counts as an object, and that nothing inherited is read.
import { describe, expect, it } from 'vitest';
import { isObject, ownValue, Refusal, refuse } from '../../../src/data/dataset/row_values';

describe('values', () => {
  it.each<[unknown, boolean]>([
    [{}, true],
    [[], false],
    [null, false],
    ['{}', false],
  ])('%j is an object: %s', (value, expected) => expect(isObject(value)).toBe(expected));

  it('are read where they are own, and null counts as absent', () => {
    expect(ownValue({ a: 0 }, 'a')).toBe(0);
    expect(ownValue({ a: null }, 'a')).toBeUndefined();
    expect(ownValue({}, 'constructor')).toBeUndefined();
  });
});

describe('refuse', () => {
  it('throws the reason', () => {
    expect(() => refuse('has no picture')).toThrow(new Refusal('has no picture'));
  });
});
