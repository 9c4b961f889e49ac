// answer_reading: what every reader of an answer agrees on, whole texts and growing ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAnswerParser } from '../../src/answer/answer_grammar';
import { readAnswer, readingOf } from '../../src/answer/answer_reading';
import { SEGMENT_TEXT } from '../harness/fuzz_properties';

describe('readAnswer', () => {
  it.each([
    ['a \\boxed{1} b \\boxed{ 2 }', '2'],
    ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
    ['\\boxed{3} and \\boxed{4', '3'],
    ['\\boxed{}', null],
    ['none', null],
    ['\\boxed{1', null],
    // The last whole box, wherever it stands, as the authors' grader reads it.
    ['<think> a </think> \\boxed{4} <back> \\boxed{7}', '7'],
    ['<think>a</think><back>\\boxed{9}</back>', '9'],
    ['<think>\\boxed{2}</think> so 3', '2'],
  ])('answer of %s', (text, answer) => {
    expect(readAnswer(text).answer).toBe(answer);
  });

  it('finds looks back, triggers and thoughts', () => {
    const text = '<think>a</think><back> </back><think>c</think><back>d</back><think>e</think>\\boxed{5}';
    const { firstThought, firstBack, secondThought, backs, triggered, emptyBack } = readAnswer(text);
    expect([firstThought?.text, firstBack?.text, secondThought?.text]).toEqual(['a', ' ', 'c']);
    expect([backs.map((back) => back.text), triggered, emptyBack]).toEqual([[' ', 'd'], true, true]);
  });

  it('counts an unclosed look back as triggered, not as empty', () => {
    expect(readAnswer('<think>a</think><back>')).toMatchObject({
      triggered: true,
      emptyBack: false,
      backs: [],
    });
  });

  it('reads a growing answer as the whole one', () => {
    fc.assert(
      fc.property(SEGMENT_TEXT, (text) => {
        const parser = createAnswerParser();
        for (const char of text.split('')) parser.push(char);
        parser.end();
        expect(readingOf(parser)).toEqual(readAnswer(text));
      }),
      { numRuns: 300 },
    );
  });
});
