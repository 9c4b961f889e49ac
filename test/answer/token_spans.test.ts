// token_spans: characters to tokens where tags are split and merged by the tokenizer.
import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/answer/answer_grammar';
import { TokenSpanMap } from '../../src/answer/token_spans';

describe('TokenSpanMap', () => {
  it('maps segments to the tokens that hold their characters', () => {
    // Tokens: "<", "think", ">The", " end", ".</", "think", ">"
    const deltas = ['<', 'think', '>The', ' end', '.</', 'think', '>'];
    const map = new TokenSpanMap();
    for (const delta of deltas) map.push(delta);
    const [segment] = parseAnswer(deltas.join('')).segments;
    expect(segment?.text).toBe('The end.');
    expect(map.rangeOf(segment?.start ?? -1, segment?.end ?? -1)).toEqual({ tokenStart: 2, tokenEnd: 5 });
    expect(map.tokens).toBe(7);
  });

  it('gives the tokens of one character the same range', () => {
    const map = new TokenSpanMap();
    for (const delta of ['a', '', '', '😀', 'b', '']) map.push(delta);
    map.end('\ufffd');
    expect(map.rangeOf(1, 3)).toEqual({ tokenStart: 1, tokenEnd: 4 });
    expect(map.rangeOf(0, 1)).toEqual({ tokenStart: 0, tokenEnd: 1 });
    expect(map.rangeOf(4, 5)).toEqual({ tokenStart: 5, tokenEnd: 6 });
  });

  it('gives an empty segment an empty range at its place', () => {
    const map = new TokenSpanMap();
    for (const delta of ['<back>', '</back>']) map.push(delta);
    expect(map.rangeOf(6, 6)).toEqual({ tokenStart: 1, tokenEnd: 1 });
    expect(new TokenSpanMap().rangeOf(0, 0)).toEqual({ tokenStart: 0, tokenEnd: 0 });
  });
});
