// Text of the picture of an answer: broken at spaces, nothing lost, nothing wider than its column.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrapText } from '../../../src/ui/look/answer_picture';

const measure = (text: string) => text.length;

describe('wrapText', () => {
  it('breaks at spaces, at line ends, and inside a word that is too long', () => {
    expect(wrapText('how many red circles', 9, measure)).toEqual(['how many', 'red', 'circles']);
    expect(wrapText('a\nb', 9, measure)).toEqual(['a', 'b']);
    expect(wrapText('abcdefgh ij', 3, measure)).toEqual(['abc', 'def', 'gh', 'ij']);
    expect(wrapText('', 3, measure)).toEqual(['']);
  });

  it('loses no character but spaces, and keeps to the width', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        const lines = wrapText(text, width, measure);
        expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});
