// Prompts cut at their tags, and what a square cuts off.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promptPieces } from '../../../src/ui/data/row_words';

describe('promptPieces', () => {
  it('tells template, picture and reasoning tags from text', () => {
    const prompt = '<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Use <back></back> & <b>.';
    expect(promptPieces(prompt)).toEqual([
      { kind: 'template', text: '<|im_start|>' },
      { kind: 'plain', text: 'user\n' },
      { kind: 'template', text: '<|vision_start|>' },
      { kind: 'image', text: '<|image_pad|>' },
      { kind: 'template', text: '<|vision_end|>' },
      { kind: 'plain', text: 'Use ' },
      { kind: 'back', text: '<back>' },
      { kind: 'back', text: '</back>' },
      { kind: 'plain', text: ' & <b>.' },
    ]);
    expect(promptPieces('<think>')).toEqual([{ kind: 'think', text: '<think>' }]);
  });

  it('loses no character', () => {
    const part = fc.constantFrom('<think>', '</back>', '<|im_end|>', '<', '|>', 'a', '\n', '<|');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const prompt = parts.join('');
        expect(
          promptPieces(prompt)
            .map(({ text }) => text)
            .join(''),
        ).toBe(prompt);
      }),
      { numRuns: 200 },
    );
  });
});
