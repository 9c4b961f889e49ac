// Offsets from normalised text back to the text as typed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignNormalized } from '../../../src/data/text/text_alignment';

const nfc = (text: string): string => text.normalize('NFC');
const align = (text: string, normalize: (part: string) => string): [number, number][] =>
  alignNormalized(text, normalize(text), normalize);

describe('alignNormalized', () => {
  it('maps unchanged text to itself, surrogate pairs as one', () => {
    expect(align('a😀b', nfc)).toEqual([
      [0, 1],
      [1, 3],
      [1, 3],
      [3, 4],
    ]);
  });

  it('maps a composed character to its base, and keeps its neighbours', () => {
    // e + acute, space, n + tilde: what Rust tokenizers report is the base character alone.
    expect(align('e\u0301 n\u0303', nfc)).toEqual([
      [0, 1],
      [2, 3],
      [3, 4],
    ]);
  });

  it('composes Hangul and singletons', () => {
    expect(align('\u1112\u1161\u11ab\u212b', nfc)).toEqual([
      [0, 1],
      [3, 4],
    ]);
    expect(align('\uac00\u11a8x', nfc)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('maps lower case of another length to its source', () => {
    expect(align('İx', (text) => text.toLowerCase())).toEqual([
      [0, 1],
      [0, 1],
      [1, 2],
    ]);
  });

  it('follows deletions and replacements that look at neighbours', () => {
    const tidy = (text: string): string =>
      text
        .toLowerCase()
        .replace(/[,;]/g, '.')
        .replace(/\s+(?=[.?])/g, '');
    const text = 'Red ,  blue ?';
    const normalized = tidy(text);
    expect(normalized).toBe('red.  blue?');
    const alignment = align(text, tidy);
    expect(alignment[7]).toEqual([8, 9]);
    expect(text.slice(...(alignment[normalized.indexOf('b')] as [number, number]))).toBe('b');
    expect(text.slice(...(alignment[normalized.indexOf('?')] as [number, number]))).toBe('?');
  });

  it('gives every character a range inside the text, in order, for any normaliser', () => {
    const normalizers = [
      nfc,
      (s: string) => s.normalize('NFD'),
      (s: string) => s.toLowerCase(),
      (s: string) => s.replace(/\s+/g, ' '),
    ];
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.constantFrom(...normalizers),
        (text, normalize) => {
          const normalized = normalize(text);
          const alignment = alignNormalized(text, normalized, normalize);
          expect(alignment).toHaveLength(normalized.length);
          let last = 0;
          for (const [start, end] of alignment) {
            expect(start).toBeGreaterThanOrEqual(last);
            expect(end).toBeGreaterThanOrEqual(start);
            expect(end).toBeLessThanOrEqual(text.length);
            last = start;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
