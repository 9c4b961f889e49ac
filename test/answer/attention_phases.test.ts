// attention_phases: the four phases on token-by-token examples, also where the tokenizer splits the tags.
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/answer/answer_reading';
import { type AttentionPhases, attentionPhases as phasesOf } from '../../src/answer/attention_phases';
import { TokenSpanMap } from '../../src/answer/token_spans';

/** Phases of an answer whose tokens are these pieces of text. */
function phases(tokens: readonly string[], share: (token: number) => number | null): AttentionPhases {
  const text = tokens.join('');
  const spans = new TokenSpanMap();
  for (const token of tokens) spans.push(token);
  return phasesOf({
    reading: readAnswer(text),
    imageShares: tokens.map((_, token) => share(token)),
    tokenSpan: (start, end) => {
      const inner = text.slice(start, end);
      const from = start + inner.length - inner.trimStart().length;
      return spans.rangeOf(from, Math.max(from, start + inner.trimEnd().length));
    },
  });
}

/** The same for tokens that are words, each with the space before it. */
const attentionPhases = (text: string, share: (token: number) => number | null): AttentionPhases =>
  phases(text.split(/(?= )/), share);

const THOUGHT = Array.from({ length: 20 }, (_, i) => `w${i}`).join(' ');
// Tokens: 0 <think>, 1…20 words, 21 </think>, 22 <back>, 23 24 25 words, 26 </back>, 27 <think>, 28 29 words, 30 </think>.
const LOOK_BACK = `<think> ${THOUGHT} </think> <back> p q r </back> <think> s t </think> \\boxed{ 7 }`;

describe('attentionPhases', () => {
  it('takes the tokens that the definition names', () => {
    const phases = attentionPhases(LOOK_BACK, (token) => token);
    expect(phases.early).toBeCloseTo((1 + 8) / 2, 9);
    expect(phases.late).toBeCloseTo((9 + 20) / 2, 9);
    expect(phases.inBack).toBeCloseTo((22 + 25) / 2, 9);
    expect(phases.backPeak).toBe(25);
    expect(phases.afterBack).toBeCloseTo(28.5, 9);
  });

  it('leaves out phases that are not there, and tokens without attention', () => {
    const phases = attentionPhases('<think> a b </think> \\boxed{ 7 }', (token) =>
      token === 1 ? null : token,
    );
    expect(phases).toMatchObject({ late: 2, inBack: null, backPeak: null, afterBack: null });
    expect(attentionPhases('7', () => null)).toMatchObject({ early: null, late: null });
  });

  it('takes all of a short first thought as late', () => {
    expect(attentionPhases('<think> a b </think>', (token) => token).late).toBe(1.5);
  });

  it('looks for the back after the first thought alone', () => {
    const phases = attentionPhases('<back> x </back> <think> a </think>', (token) => token);
    expect(phases.inBack).toBeNull();
  });

  it('finds the tokens of tags that the tokenizer splits and merges', () => {
    const tokens = [
      '<',
      'think',
      '>The',
      ' end',
      '.</',
      'think',
      '>\n',
      '<',
      'back',
      '>a',
      ' b',
      '</',
      'back',
      '>',
    ];
    const { late, inBack } = phases(tokens, (token) => token);
    expect(late).toBeCloseTo((2 + 3 + 4) / 3, 9);
    expect(inBack).toBeCloseTo((7 + 8 + 9 + 10) / 4, 9);
  });

  it('takes the last twelve tokens of a longer thought, and no other thought', () => {
    const words = Array.from({ length: 20 }, (_, i) => ` w${i}`);
    const tokens = ['<think>', ...words, '</think>', '<think>', ' x', '</think>'];
    const { late, inBack, afterBack } = phases(tokens, (token) => (token >= 9 && token <= 20 ? 0.25 : 1));
    expect([late, inBack, afterBack]).toEqual([0.25, null, null]);
  });
});
