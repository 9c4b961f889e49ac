// JSON with every number as it is written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/data/dataset/json_text';

describe('parseJson', () => {
  it.each([
    '12345678901234567891',
    '-12345678901234567891',
    '9007199254740993',
    '1.10',
    '1.0',
    '-0',
    '-0.0',
    '1e400',
    '1E5',
    '1e-5',
    '0.1000000000000000055511151231257827',
    '1e1000000',
  ])('keeps %s as it is written', (number) => {
    expect(parseJson(`{"a": ${number}}`)).toEqual({ a: number });
    expect(parseJson(`[${number},${number}]`)).toEqual([number, number]);
    expect(parseJson(number)).toBe(number);
  });

  it.each([['0', 0] as const, ['-7', -7] as const, ['0.5', 0.5] as const, ['1e+21', 1e21] as const])(
    'leaves %s a number',
    (text, value) => expect(parseJson(`{"a":${text}}`)).toEqual({ a: value }),
  );

  it('reads what Python writes for numbers that JSON lacks', () => {
    const text = '{"a": NaN, "b": Infinity, "c": [-Infinity, NaN], "NaN": "NaN, 1.10"}';
    expect(parseJson(text)).toEqual({ a: null, b: 'Infinity', c: ['-Infinity', null], NaN: 'NaN, 1.10' });
  });

  it('touches nothing in texts', () => {
    const row = { 'x "1.10': '\\', y: '"1e400"\\"', z: 'true 1.10, NaN' };
    expect(parseJson(JSON.stringify(row))).toEqual(row);
  });

  it.each([
    '{"a": 01}',
    '{"a": 1.}',
    '{"a": .5}',
    '{"a": +1}',
    '{1.10: 2}',
    '{NaN: 2}',
    '{"a": nan}',
    '"x',
    '-',
  ])('refuses %s', (text) => expect(() => parseJson(text)).toThrow(SyntaxError));

  it('agrees with JSON.parse on every value without such numbers', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = JSON.parse(text, (_, value: unknown) => (typeof value === 'number' ? 1 : value));
        expect(parseJson(JSON.stringify(plain))).toEqual(plain);
      }),
    );
  });

  it('reads long texts and deep nesting', () => {
    const long = `{"a":"${'\\\\'.repeat(500_000)}","b":${'['.repeat(100_000)}1.0${']'.repeat(100_000)}}`;
    expect(parseJson(long)).toHaveProperty('a');
  });
});
