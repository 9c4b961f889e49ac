// The rewards: the truth tables of both formats with every hack we know of, equality of the permissive one with its
// expression, the length penalty's corners, and hostile text in linear time.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_ATTENTION } from '../../src/answer/attention_phases';
import { LOOK_TAGS, type LookTags } from '../../src/answer/look_tags';
import { drawSample } from '../../src/data/world/world_sample';
import { ArgumentError } from '../../src/lib/errors';
import { REWARDS, rewardsOf } from '../../src/lookback/rewards';
import type { RewardSample } from '../../src/train/rewards';
import { ASKED } from '../train/scripted_group';

const BOX = '\\boxed{5}';
const THINK = '<think>i see 2 red squares. 2 + 3 = 5.</think>';
const CHECK = 'check the red squares: one at a1, one at b2, no other';
const BACK = `<back>${CHECK}</back>`;
const AGAIN = '<think>so 2. 2 + 3 = 5.</think>';

/** A finished sample whose tokens are words. */
function sampleOf(text: string, changes: Partial<RewardSample> = {}): RewardSample {
  const countTokens = (start: number, end: number): number =>
    text.slice(start, end).split(/\s+/).filter(Boolean).length;
  return {
    ...ASKED,
    text,
    expected: '5',
    finished: true,
    length: 10,
    maxLength: 100,
    countTokens,
    attention: NO_ATTENTION,
    visualGain: null,
    ...changes,
  };
}

describe('format', () => {
  it.each([
    ['good', `${THINK} ${BACK} ${AGAIN} ${BOX}`, 1],
    ['good over lines', `\n${THINK}\n${BACK}\n${AGAIN}\n\n${BOX}\n`, 1],
    ['words before the box', `${THINK} ${BACK} ${AGAIN} The answer is ${BOX}`, 1],
    ['two backs', `${THINK} ${BACK} ${AGAIN} ${BACK} ${AGAIN} ${BOX}`, 1],
    ['four backs', `${THINK} ${`${BACK} ${AGAIN} `.repeat(4)}${BOX}`, 1],
    ['five backs', `${THINK} ${`${BACK} ${AGAIN} `.repeat(5)}${BOX}`, 0],
    ['chain of thought', `${THINK} ${BOX}`, 0.667],
    ['empty back', `${THINK} <back></back> ${AGAIN} ${BOX}`, 0],
    ['white back', `${THINK} <back> \n\t </back> ${AGAIN} ${BOX}`, 0],
    ['one-word back', `${THINK} <back>ok</back> ${AGAIN} ${BOX}`, 0],
    ['seven tokens', `${THINK} <back>a b c d e f g</back> ${AGAIN} ${BOX}`, 0],
    ['eight tokens', `${THINK} <back>a b c d e f g h</back> ${AGAIN} ${BOX}`, 1],
    ['a good and an empty back', `${THINK} ${BACK} ${AGAIN} <back> </back> ${AGAIN} ${BOX}`, 0],
    ['punctuation back', `${THINK} <back>. . . . . . . . .</back> ${AGAIN} ${BOX}`, 0],
    ['copied back', `${THINK} <back>i see 2 red squares. 2 + 3 = 5.</back> ${AGAIN} ${BOX}`, 0],
    ['copied run', `${THINK} <back>see 2 red squares. 2 + 3 =</back> ${AGAIN} ${BOX}`, 0],
    [
      'copied in capitals and lines',
      `${THINK} <back>I  SEE 2\nred squares. 2 + 3 = 5.</back> ${AGAIN} ${BOX}`,
      0,
    ],
    [
      'copied with other punctuation',
      `${THINK} <back>i see 2 red squares ! 2 , 3 , 5 !</back> ${AGAIN} ${BOX}`,
      0,
    ],
    ['copied and gone on', `${THINK} <back>i see 2 red squares. 2 + 3 = 5. at a1</back> ${AGAIN} ${BOX}`, 1],
    [
      'copied from the second thought',
      `${THINK} ${BACK} ${AGAIN} <back>so 2. 2 + 3 = 5. . .</back> ${AGAIN} ${BOX}`,
      0,
    ],
    ['unclosed back', `${THINK} <back>${CHECK} ${AGAIN} ${BOX}`, 0],
    ['unopened back', `${THINK} ${CHECK}</back> ${AGAIN} ${BOX}`, 0],
    ['nested back', `<think>i see ${BACK} 2</think> ${AGAIN} ${BOX}`, 0],
    ['tag inside back', `${THINK} <back>${CHECK} <think>x</think></back> ${AGAIN} ${BOX}`, 0],
    ['no second thought', `${THINK} ${BACK} ${BOX}`, 0],
    ['two thoughts', `${THINK} ${AGAIN} ${BOX}`, 0],
    ['back first', `${BACK} ${THINK} ${BOX}`, 0],
    ['box inside back', `${THINK} <back>${CHECK} ${BOX}</back> ${AGAIN} ${BOX}`, 0],
    ['box only inside back', `${THINK} <back>${CHECK} ${BOX}</back> ${AGAIN}`, 0],
    ['no box', `${THINK} ${BACK} ${AGAIN} 5`, 0],
    ['empty box', `${THINK} ${BACK} ${AGAIN} \\boxed{ }`, 0],
    ['unclosed box', `${THINK} ${BACK} ${AGAIN} \\boxed{5`, 0],
    ['words after the box', `${THINK} ${BACK} ${AGAIN} ${BOX} or 6`, 0],
    ['plain with a spaced back tag', `<think>i see < back > 2</think> ${BOX}`, 0],
    ['plain with a back tag in capitals', `<think>i see </BACK> 2</think> ${BOX}`, 0],
    ['plain with half a back tag', `<think>i see <back 2</think> ${BOX}`, 0],
    ['nothing', '', 0],
  ])('%s', (_, text, score) => {
    expect(REWARDS.format(sampleOf(text)).score).toBe(score);
  });

  it('gives nothing to what did not end by itself', () => {
    expect(REWARDS.format(sampleOf(`${THINK} ${BOX}`, { finished: false })).score).toBe(0);
    expect(REWARDS.format(sampleOf(`${THINK} ${BACK} ${AGAIN} ${BOX}`, { finished: false })).score).toBe(0);
  });

  it('gives the oracle’s answers to visual questions their tiers', () => {
    for (let index = 0; index < 50; index++) {
      const { oracle } = drawSample({ split: 'train', seed: 2, index });
      expect(REWARDS.format(sampleOf(oracle.lookBack.solution)).score).toBe(1);
      expect(REWARDS.format(sampleOf(oracle.cot)).score).toBe(0.667);
    }
  });

  it('counts the content’s tokens, tags and white space around it left out', () => {
    const text = `${THINK}<back>  ${CHECK}\n</back>${AGAIN}${BOX}`;
    const asked: string[] = [];
    const countTokens = (start: number, end: number): number => asked.push(text.slice(start, end)) + 7;
    expect(REWARDS.format(sampleOf(text, { countTokens })).score).toBe(1);
    expect(asked).toEqual([CHECK]);
  });
});

/** The permissive tiers written as expressions, after the trainer's normalisation: slow, obvious. */
function paperTiers(text: string): number {
  const tight = text.replace(/\s*(<|>|\/)\s*/g, '$1');
  if (/^<think>.*<\/think>\s*<back>.*<\/back>\s*<think>.*<\/think>.*\\boxed\{.*\}.*$/s.test(tight)) return 1;
  return /^<think>.*<\/think>.*\\boxed\{.*\}.*$/s.test(tight) ? 0.667 : 0;
}

describe('format_paper', () => {
  it.each([
    ['good', `${THINK} ${BACK} ${AGAIN} ${BOX}`, 1],
    ['empty back', `${THINK}<back></back>${AGAIN}${BOX}`, 1],
    ['empty box', `${THINK}${BACK}${AGAIN}\\boxed{}`, 1],
    ['spaced tags', `< think >a< / think > < back > </ back > <think>b</think> ${BOX} and more`, 1],
    ['chain of thought', `${THINK} ${BOX}`, 0.667],
    ['unclosed back', `${THINK} <back>x ${AGAIN} ${BOX}`, 0.667],
    ['nested back', `<think>a ${BACK} b</think> ${BOX}`, 0.667],
    ['no box', `${THINK} ${BACK} ${AGAIN} 5`, 0],
    ['box only in the thought', `<think>${BOX}</think>`, 0],
    ['words before', `So ${THINK} ${BOX}`, 0],
    ['nothing', '', 0],
  ])('%s', (_, text, score) => {
    expect(REWARDS.format_paper(sampleOf(text)).score).toBe(score);
    expect(paperTiers(text)).toBe(score);
  });

  it('equals its expression on short texts', () => {
    const tags = ['<think>', '</think>', '<back>', '</back>', '\\boxed{', '}', '< /think>', '</ back >'];
    const part = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...tags) },
      { weight: 1, arbitrary: fc.constantFrom('<', '>', '/', ' ', '\n', 'a', '{', '\\') },
    );
    // Whole forms with a few parts cut out or put in: random parts alone hardly ever reach the upper tiers.
    const form = [
      '<think>',
      'a',
      '</think>',
      ' ',
      '<back>',
      '</back>',
      '<think>',
      '</think>',
      '\\boxed{',
      '}',
    ];
    const mutated = fc
      .tuple(fc.subarray(form, { minLength: 7 }), fc.array(fc.tuple(fc.nat(10), part), { maxLength: 3 }))
      .map(([kept, added]) => {
        const parts: string[] = [...kept];
        for (const [at, extra] of added) parts.splice(at, 0, extra);
        return parts.join('');
      });
    const text = fc.oneof(
      mutated,
      fc.array(part, { maxLength: 14 }).map((parts) => parts.join('')),
    );
    const seen = new Set<number>();
    fc.assert(
      fc.property(text, (given) => {
        const tier = paperTiers(given);
        seen.add(tier);
        expect(REWARDS.format_paper(sampleOf(given)).score).toBe(tier);
      }),
      { numRuns: 3000, seed: 7 },
    );
    expect([...seen].sort()).toEqual([0, 0.667, 1]);
  });
});

describe('accuracy', () => {
  it.each([
    [`${THINK} ${BOX}`, 1],
    [`${THINK} \\boxed{ 5.0 }`, 1],
    [`${THINK} \\boxed{6}`, 0],
    [`${THINK} \\boxed{6} ${BOX}`, 1],
    // The last whole box counts wherever it stands; the format reward refuses this place.
    [`${THINK} <back>${BOX}</back>`, 1],
    [`${THINK} ${BOX} <back> \\boxed{7}`, 0],
    [`${THINK} 5`, 0],
  ])('%s', (text, score) => {
    expect(REWARDS.accuracy(sampleOf(text)).score).toBe(score);
  });
});

describe('length', () => {
  it.each([
    [1, 100, 0],
    [80, 100, 0],
    [90, 100, -0.5],
    [95, 100, -0.75],
    [100, 100, -1],
    [101, 100, -1],
    [1, 1, -1],
  ])('%d of %d', (length, maxLength, score) => {
    expect(REWARDS.length(sampleOf('', { length, maxLength })).score).toBeCloseTo(score, 12);
  });
});

describe('rewardsOf', () => {
  it('reads other tags where they are given, and refuses rewards that cannot', () => {
    const { open, close } = LOOK_TAGS.words_check;
    const text = `${THINK} ${BACK} ${AGAIN} ${BOX}`.replace('<back>', open).replace('</back>', close);
    for (const name of ['format', 'format_paper']) {
      const scored = (look?: LookTags) =>
        rewardsOf(Object.fromEntries([[name, 1]]), look)[0]?.of(sampleOf(text)).score;
      expect([scored(LOOK_TAGS.words_check), scored(LOOK_TAGS.recheck)], name).not.toContain(undefined);
      expect(scored(LOOK_TAGS.words_check)).toBe(1);
      expect(scored()).toBeLessThan(1);
    }
    for (const name of ['visual_anchor', 'visual_dependence', 'custom']) {
      const weights = Object.fromEntries([[name, 0.5]]);
      expect(() => rewardsOf(weights, LOOK_TAGS.words_check)).toThrow(
        `"${name}" reads looks in <back> alone`,
      );
      expect(() => rewardsOf(weights)).not.toThrow();
    }
  });

  it('takes known rewards by name and leaves weight 0 out', () => {
    const rewards = rewardsOf({ accuracy: 1, format: 0.1, length: 0 });
    expect(rewards).toEqual([
      { name: 'accuracy', weight: 1, of: REWARDS.accuracy },
      { name: 'format', weight: 0.1, of: REWARDS.format },
    ]);
  });

  it.each(['acc', 'toString', '__proto__'])('refuses %s and lists what there is', (name) => {
    const asking = (): unknown => rewardsOf(Object.fromEntries([[name, 1]]));
    expect(asking).toThrow(ArgumentError);
    expect(asking).toThrow(/accuracy, format, format_paper, length/);
  });
});

describe('visual_anchor', () => {
  const whole = `${THINK} ${BACK} ${AGAIN} ${BOX}`;
  const score = (late: number | null, inBack: number | null, text = whole): number =>
    REWARDS.visual_anchor(sampleOf(text, { attention: { ...NO_ATTENTION, late, inBack } })).score;

  it.each([
    ['twice as much', 0.1, 0.2, 1 / 3],
    ['three times', 0.1, 0.3, 0.5],
    ['as much', 0.2, 0.2, 0],
    ['less', 0.3, 0.1, 0],
    ['all of it, from nothing', 0, 0.9, 1],
    ['nothing at all', 0, 0, 0],
    ['no look', 0.1, null, 0],
    ['no thought', null, 0.3, 0],
  ])('%s', (_, late, inBack, expected) => {
    expect(score(late, inBack)).toBeCloseTo(expected, 12);
  });

  it('pays nothing for a wrong answer, however it attends', () => {
    expect(score(0.1, 0.9, whole.replace(BOX, '\\boxed{6}'))).toBe(0);
  });

  it('says both shares and shows the look', () => {
    const sample = sampleOf(whole, { attention: { ...NO_ATTENTION, late: 0.1, inBack: 0.25 } });
    const { why, span } = REWARDS.visual_anchor(sample);
    expect(why).toBe(
      '25.0 % of the attention inside the look back is on the image, 10.0 % late in the thought.',
    );
    expect(whole.slice(span?.start, span?.end)).toBe(BACK);
  });
});

describe('visual_dependence', () => {
  const whole = `${THINK} ${BACK} ${AGAIN} ${BOX}`;
  const scored = (inBack: number | null, text = whole) =>
    REWARDS.visual_dependence(sampleOf(text, { visualGain: { whole: 0.5, inBack } }));

  it.each([
    ['one nat a token', 1, 1 - 1 / Math.E],
    ['ln 2', Math.LN2, 0.5],
    ['none', 0, 0],
    ['a picture that hinders', -3, 0],
    ['as much as there is', 1e9, 1],
    ['no look', null, 0],
  ])('%s', (_, inBack, expected) => {
    expect(scored(inBack).score).toBeCloseTo(expected, 12);
  });

  it('pays nothing where nothing was measured', () => {
    expect(REWARDS.visual_dependence(sampleOf(whole)).score).toBe(0);
  });

  it.each([
    ['a wrong answer', whole.replace(BOX, '\\boxed{6}'), /the answer is wrong/],
    ['seven tokens', whole.replace(CHECK, 'a b c d e f g'), /7 of at least 8 tokens/],
    ['an empty look', whole.replace(CHECK, ''), /0 of at least 8 tokens/],
  ])('pays nothing for %s, however much the picture gains it', (_, text, why) => {
    expect(scored(5, text)).toMatchObject({ score: 0, why: expect.stringMatching(why) });
  });

  it('says the gain and shows the look', () => {
    const { why, span } = scored(0.4);
    expect(why).toBe('The picture makes the look back 0.40 nats a token likelier than a blank one.');
    expect(whole.slice(span?.start, span?.end)).toBe(BACK);
  });
});

describe('hostile text', () => {
  // Quadratic work on any of these would take minutes; 30 s is the test's own limit.
  const long = 40_000;
  const good = (think: string, back: string): string =>
    `<think>${think}</think><back>${back}</back><think>a</think>${BOX}`;
  it.each([
    ['spaces', ' '.repeat(long)],
    ['a bracket and spaces', `<${' '.repeat(long)}`],
    ['openings', '<think>'.repeat(long)],
    ['whole halves', '<think></think><back>'.repeat(long)],
    ['boxes', '<think></think>\\boxed{'.repeat(long)],
    ['many backs', `<think>a</think>${'<back>b</back><think>a</think>'.repeat(long)}${BOX}`],
    ['a back that almost repeats the thought', good('a'.repeat(long), `${'a'.repeat(long / 2)}b`)],
    ['punctuation', good('.'.repeat(long), `${'. '.repeat(long)}b`)],
  ])('%s', (_, text) => {
    const sample = sampleOf(text, { countTokens: (start, end) => end - start });
    for (const reward of Object.values(REWARDS))
      expect(Math.abs(reward(sample).score)).toBeLessThanOrEqual(1);
  });
});
