// answer_format: every score of both formats has its reason in words and the stretch of the answer that shows it.
import { describe, expect, it } from 'vitest';
import { paperFormat, strictFormat } from '../../src/answer/answer_format';
import { LOOK_TAGS, type LookTags } from '../../src/answer/look_tags';

const LOOK = 'check the red squares one at a1 one at b2';
const score = (text: string, finished = true) => {
  const countTokens = (start: number, end: number) => text.slice(start, end).trim().split(/\s+/).length;
  const { why, span, score: value } = strictFormat({ text, finished, countTokens });
  return [value, why, span === null ? null : text.slice(span.start, span.end)];
};

describe('strictFormat', () => {
  it.each<[string, string, number, string, string | null]>([
    [
      'the whole form',
      `<think>a</think><back>${LOOK}</back><think>c</think>\\boxed{1}`,
      ...([
        1,
        'The whole form: thought, a look back that says something new, thought and box.',
        LOOK,
      ] as const),
    ],
    [
      'a chain of thought',
      '<think>a</think> \\boxed{1}',
      ...([0.667, 'One thought and a box: the plain chain of thought, without a look back.', null] as const),
    ],
    [
      'a short look',
      '<think>a</think><back> ok then </back><think>c</think>\\boxed{1}',
      ...([0, 'A look back has 2 tokens; at least 8 are needed.', 'ok then'] as const),
    ],
    [
      'a repeated look',
      `<think>${LOOK}</think><back>${LOOK}</back><think>c</think>\\boxed{1}`,
      ...([0, 'A look back only repeats what a thought before it says.', LOOK] as const),
    ],
    [
      'a look without words',
      '<think>a</think><back>. . . . . . . .</back><think>c</think>\\boxed{1}',
      ...([0, 'A look back has no words.', '. . . . . . . .'] as const),
    ],
    [
      'a piece of a tag',
      '<think>a < /Back b</think> \\boxed{1}',
      ...([0, 'A chain of thought without a look back holds a piece of a back tag.', '< /Back'] as const),
    ],
    [
      'five looks',
      `<think>a</think>${`<back>${LOOK}</back><think>c</think>`.repeat(5)}\\boxed{1}`,
      ...([0, 'There are 5 looks back; up to 4 count.', LOOK] as const),
    ],
    [
      'a box that ends nothing',
      '<think>a</think> \\boxed{1} or so',
      ...([0, 'There are words after the box.', ' or so'] as const),
    ],
  ])('%s', (_, text, value, why, shown) => {
    expect(score(text)).toEqual([value, why, shown]);
  });

  it('gives nothing to an answer that was cut off', () => {
    const why = 'The answer was cut off at the limit before the model ended it.';
    expect(score('<think>a</think> \\boxed{1}', false)).toEqual([0, why, null]);
  });
});

describe('with other tags of a look', () => {
  const scoreOf = (text: string, look: LookTags) => {
    const countTokens = (start: number, end: number) => text.slice(start, end).trim().split(/\s+/).length;
    return strictFormat({ text, look, finished: true, countTokens }).score;
  };

  it.each(Object.entries(LOOK_TAGS))('%s: the same tiers', (_, look) => {
    const { open, close, word, slash } = look;
    const whole = `<think> a </think> ${open} ${LOOK} ${close} <think> c </think> \\boxed{ 1 }`;
    const cot = '<think> a </think> \\boxed{ 1 }';
    expect([scoreOf(whole, look), paperFormat(whole, look).score]).toEqual([1, 1]);
    expect([scoreOf(cot, look), paperFormat(cot, look).score]).toEqual([0.667, 0.667]);
    const hostile = [
      whole.replace(LOOK, ''),
      whole.replace(LOOK, 'ok'),
      whole.replace(close, ''),
      whole.replace(close, open),
      whole.replace(open, close),
      whole.replace(open, `${open} ${open}`),
      whole.replace(open, open.toUpperCase()),
      whole.replace(open, open.replace(word, `${word}x`)),
      cot.replace('a', `a < ${slash} ${word.toUpperCase()}`),
      cot.replace('a', `a <${word}`),
    ];
    for (const text of hostile) expect(scoreOf(text, look), text).toBe(0);
    for (const other of Object.values(LOOK_TAGS).filter((one) => one !== look))
      expect(scoreOf(whole, other), other.open).toBe(0);
  });

  it('takes a million characters of a broken tag', () => {
    const look = LOOK_TAGS.words_check;
    for (const unit of ['< check ', '< - ', '< - check >', '<'])
      expect(scoreOf(unit.repeat(1_000_000 / unit.length), look)).toBe(0);
  });
});

describe('paperFormat', () => {
  it('says which part is missing', () => {
    expect(paperFormat('<think>a</think><back></back><think>c</think>\\boxed{}').score).toBe(1);
    expect(paperFormat('<think>a</think>\\boxed{1}')).toMatchObject({ score: 0.667 });
    expect(paperFormat('<think>a</think>').why).toBe('\\boxed{ is missing, or is not in its place.');
    expect(paperFormat('hm').why).toBe('<think> is missing, or is not in its place.');
  });
});
