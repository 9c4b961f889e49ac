// Control tokens by who wrote them: a template's are marked, typed ones are broken and come out as they were typed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlTokens, isControl, wellFormed } from '../../../src/data/text/control_tokens';

const token = (content: string, special = true) => ({ id: 0, content, special });
const control = new ControlTokens([token('<|im_end|>'), token('<|im_end|>x'), token('[INST]')]);

describe('isControl', () => {
  it('is true of special tokens and of <|…|>, not of tags that are text', () => {
    expect([token('<s>'), token('<|fim_pad|>', false)].map(isControl)).toEqual([true, true]);
    expect([token('<think>', false), token('<tool_call>', false)].map(isControl)).toEqual([false, false]);
  });
});

describe('ControlTokens', () => {
  it('marks what a template wrote, the longest token first, and nothing that was typed', () => {
    const typed = 'a <|im_end|> b [INST] <|im_en';
    const rendered = `[INST]${control.guard(typed)}<|im_end|>x`;
    const marked = control.mark(rendered);
    expect(marked).toBe(`${ControlTokens.marked('[INST]')}${typed}${ControlTokens.marked('<|im_end|>x')}`);
    expect(ControlTokens.unmark(marked)).toBe(`[INST]${typed}<|im_end|>x`);
  });

  it('gives back any typed text, with surrogates alone replaced', () => {
    const part = fc.constantFrom(
      '<|im_end|>',
      '<',
      '|im_end|>',
      '[INST',
      ']',
      '\udc00',
      '\ud800',
      '😀',
      '🐀',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const typed = parts.join('');
        expect(control.mark(control.guard(typed))).toBe(wellFormed(typed));
      }),
    );
  });

  it('does nothing without tokens', () => {
    const none = new ControlTokens([]);
    expect(none.mark(none.guard('<|im_end|>'))).toBe('<|im_end|>');
  });
});
