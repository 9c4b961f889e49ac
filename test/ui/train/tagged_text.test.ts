// Cutting answers at their tags, whatever they hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spansOf, ticksOf } from '../../../src/ui/train/tagged_text';

const GOOD = '<think> i see 2 </think> <back> a1 red </back> <think> so 1 </think> \\boxed{ 1 }';
const kinds = (text: string) => spansOf(text).map(({ kind, text: piece }) => `${kind}:${piece}`);

describe('spansOf', () => {
  it('cuts tags from content', () => {
    expect(kinds('<think>a</think> <back>b</back>\\boxed{c}d')).toEqual([
      ...['tag:<think>', 'think:a', 'tag:</think>', 'text: ', 'tag:<back>', 'back:b', 'tag:</back>'],
      ...['tag:\\boxed{', 'answer:c', 'tag:}', 'text:d'],
    ]);
  });

  it('counts braces inside a box, and leaves an unclosed one as text', () => {
    expect(kinds('\\boxed{\\frac{1}{2}}.')).toEqual([
      ...['tag:\\boxed{', 'answer:\\frac{1}{2}', 'tag:}', 'text:.'],
    ]);
    expect(kinds('\\boxed{{1')).toEqual(['text:\\boxed{{1']);
  });

  it('leaves what is no tag as it is', () => {
    expect(kinds('<b>bold</b> <thinking>')).toEqual(['text:<b>bold</b> <thinking>']);
  });

  it('loses nothing', () => {
    const piece = fc.constantFrom(
      '<think>',
      '</think>',
      '<back>',
      '</back>',
      '\\boxed{',
      '}',
      '{',
      '<',
      'a ',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        expect(
          spansOf(text)
            .map((span) => span.text)
            .join(''),
        ).toBe(text);
      }),
    );
  });

  it('is linear in a text of unclosed tags', () => {
    expect(spansOf('\\boxed{'.repeat(100_000)).length).toBe(1);
    expect(spansOf('<back>'.repeat(100_000)).length).toBe(100_000);
  });
});

describe('ticksOf', () => {
  it('finds the parts of a good answer', () => {
    expect(ticksOf(GOOD)).toEqual({ think: 'yes', back: 'yes', box: 'yes' });
  });

  it('tells empty from missing and from unclosed', () => {
    expect(ticksOf('<think> </think><back></back>\\boxed{ }')).toEqual({
      ...{ think: 'empty', back: 'empty', box: 'empty' },
    });
    expect(ticksOf('<think>a <back>b \\boxed{1')).toEqual({ think: 'no', back: 'no', box: 'no' });
    expect(ticksOf('')).toEqual({ think: 'no', back: 'no', box: 'no' });
  });

  it('keeps a full part beside an empty one, in any order', () => {
    expect(ticksOf('<back>a</back><back></back>').back).toBe('yes');
    expect(ticksOf('<back></back><back>a</back>').back).toBe('yes');
  });
});
