// Typed reading of configs, with errors that name file and key.
import { describe, expect, it } from 'vitest';
import { JsonReader } from '../../src/lib/json_reader';

const reader = (value: unknown): JsonReader =>
  new JsonReader(value, 'c.json', (message) => new Error(message));

describe('JsonReader', () => {
  it('reads typed values', () => {
    const json = reader({ i: 3, f: 0.5, s: 'x', b: false, list: [1, 2], nums: [0.5, 1], o: { k: 7 } });
    expect(json.integer('i')).toBe(3);
    expect(json.number('f')).toBe(0.5);
    expect(json.string('s')).toBe('x');
    expect(json.boolean('b')).toBe(false);
    expect(json.integers('list')).toEqual([1, 2]);
    expect(json.numbers('nums', 2)).toEqual([0.5, 1]);
    expect(json.object('o').integer('k')).toBe(7);
  });

  it('names file and full key of what is missing or wrong', () => {
    const json = reader({ o: { k: 'seven' }, big: 2 ** 31, bad: [1, 'x'], neg: -1, n: null });
    expect(() => json.object('o').integer('k')).toThrow(
      'c.json: o.k must be an integer from 0 to 2147483647, not "seven"',
    );
    expect(() => json.integer('missing')).toThrow('c.json: missing is missing');
    expect(() => json.integer('n')).toThrow('c.json: n is missing');
    expect(() => json.integer('big')).toThrow('big must be an integer');
    expect(() => json.integers('bad')).toThrow('bad must be an integer');
    expect(() => json.integer('neg')).toThrow('neg must be');
    expect(() => json.numbers('bad', 2)).toThrow('bad must be a list of 2 numbers');
    expect(() => json.number('neg', true)).toThrow('positive number');
    expect(() => reader([1])).toThrow('c.json: the file must be a JSON object');
  });

  it('does not see inherited properties', () => {
    expect(reader({}).has('constructor')).toBe(false);
    expect(() => reader({}).object('__proto__')).toThrow('is missing');
  });
});
