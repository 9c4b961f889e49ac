// Lines cut from bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../src/data/dataset/row_scanner';

describe('LineSplitter', () => {
  it('splits like a regular expression does, however the bytes are cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), maxLength: 20 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 5 }), (source, piece) => {
        const lines: string[] = [];
        const splitter = new LineSplitter(100, (line) =>
          lines.push(new TextDecoder().decode(line ?? undefined)),
        );
        for (let at = 0; at < source.length; at += piece) {
          splitter.push(new TextEncoder().encode(source.slice(at, at + piece)));
        }
        splitter.end();
        const expected = source.split(/\r\n|\n|\r/);
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });
});
