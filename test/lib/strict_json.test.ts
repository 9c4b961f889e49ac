// Differs from JSON.parse only in refusing what is ambiguous or too deep.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson, type StrictJson } from '../../src/lib/strict_json';

/** Maps back to plain objects, for comparison with JSON.parse. */
function plain(value: StrictJson): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return value;
}

describe('parseStrictJson', () => {
  it('agrees with JSON.parse on any JSON text', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const expected: unknown = JSON.parse(text);
        // JSON.parse merges duplicate keys, which the strict parser refuses; generated objects have none.
        expect(plain(parseStrictJson(text, 32))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts only what JSON.parse accepts', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 20, unit: fc.constantFrom(...'{}[]",:0-1.eE+tru \\un') }),
        (text) => {
          let strict: unknown;
          try {
            strict = plain(parseStrictJson(text, 32));
          } catch {
            return;
          }
          expect(strict).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('refuses duplicate keys, also when spelled differently', () => {
    expect(() => parseStrictJson('{"a":1,"\\u0061":2}')).toThrow('duplicate key "a"');
    expect(() => parseStrictJson('{"a":{"b":1,"b":1}}')).toThrow('duplicate key "b"');
  });

  it('refuses deep nesting instead of overflowing the stack', () => {
    expect(() => parseStrictJson('['.repeat(1_000_000))).toThrow('nested deeper than 16');
    expect(parseStrictJson('[[]]', 1)).toEqual([[]]);
    expect(() => parseStrictJson('[[[]]]', 1)).toThrow('nested deeper');
  });

  it('keeps __proto__ as an ordinary key', () => {
    const value = parseStrictJson('{"__proto__":{"polluted":true}}') as Map<string, StrictJson>;
    expect([...value.keys()]).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('refuses trailing text, raw control characters and lone commas', () => {
    for (const text of [
      '{} x',
      '"a\nb"',
      '[1,]',
      '{"a":1,}',
      '01',
      '.5',
      '+1',
      'nul',
      '',
      '{"a"}',
      "{'a':1}",
      'NaN',
    ]) {
      expect(() => parseStrictJson(text), text).toThrow();
    }
  });
});
