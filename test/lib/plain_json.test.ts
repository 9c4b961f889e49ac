// Plain copies of values of unknown origin: what is kept, what is refused, and that no prototype is ever set.
import { describe, expect, it } from 'vitest';
import { MAX_JSON_DEPTH, plainJson } from '../../src/lib/plain_json';

describe('plainJson', () => {
  it('copies texts, numbers, lists and objects', () => {
    const value = { a: [1, 'x', true, null, { b: [] }], constructor: 2 };
    const copy = plainJson(value);
    expect(copy).toEqual(value);
    expect(copy).not.toBe(value);
    expect(plainJson(Number.NEGATIVE_INFINITY)).toBe('-Infinity');
  });

  it.each<[string, unknown]>([
    ['bytes', new Uint8Array(1)],
    ['bytes within', { image: { bytes: new Uint8Array(1) } }],
    ['a date', new Date(0)],
    ['a function', [() => 1]],
    ['nothing', [undefined]],
    ['a hole', new Array(1)],
    ['a large integer', 1n],
    ['a key that sets a prototype', JSON.parse('{"__proto__": {"a": 1}}')],
    ['what is inherited', Object.create({ a: 1 })],
  ])('refuses %s', (_, value) => {
    expect(plainJson(value)).toBeUndefined();
  });

  it('takes own properties only', () => {
    const bare = Object.assign(Object.create(null), { a: 1 });
    expect(plainJson(bare)).toEqual({ a: 1 });
  });

  it('refuses what lies too deep, however deep', () => {
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    expect(plainJson(nested(MAX_JSON_DEPTH))).toEqual(nested(MAX_JSON_DEPTH));
    expect(plainJson(nested(MAX_JSON_DEPTH + 1))).toBeUndefined();
    expect(plainJson(nested(5000))).toBeUndefined();
  });
});
