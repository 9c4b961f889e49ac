// evaluation: Wilson's interval against published values, sums over outcomes.
import { describe, expect, it } from 'vitest';
import { LOOK_TAGS, type LookTags } from '../../src/answer/look_tags';
import { type FinishedAnswer, scoreAnswer, summarise, wilson } from '../../src/lookback/evaluation';
import { wordAnswer } from './scripted_model';

/** An answer whose tokens are the words of `text`, each with the space before it, and whose shares are given. */
function answerOf(text: string, share: (token: number) => number | null): FinishedAnswer {
  const answer = wordAnswer(text, share);
  return {
    text: answer.text,
    length: answer.ids.length,
    ...{ finishReason: 'eos', promptTokens: 9, flops: 1000 },
    imageShares: answer.imageShares(),
    tokenSpan: (start, end) => answer.tokenSpan(start, end),
  };
}

const THOUGHT = Array.from({ length: 20 }, (_, i) => `w${i}`).join(' ');
// Tokens: 0 <think>, 1…20 words, 21 </think>, 22 <back>, 23 24 25 words, 26 </back>, 27 <think>, 28 29 words, 30 </think>.
const LOOK_BACK = `<think> ${THOUGHT} </think> <back> p q r </back> <think> s t </think> \\boxed{ 7 }`;

describe('wilson', () => {
  it.each([
    // Published for the recipe's runs: 368, 716 of 1000.
    [368, 1000, 0.339, 0.398],
    [716, 1000, 0.687, 0.743],
    // Wilson's interval for 0 and all of 10.
    [0, 10, 0, 0.2775],
    [10, 10, 0.7225, 1],
  ])('%i of %i', (successes, count, low, high) => {
    const interval = wilson(successes, count);
    expect(interval.mean).toBe(successes / count);
    expect(interval.low).toBeCloseTo(low, 3);
    expect(interval.high).toBeCloseTo(high, 3);
  });

  it('knows nothing of nothing', () => {
    expect(wilson(0, 0)).toEqual({ mean: 0, low: 0, high: 1 });
  });
});

describe('summarise', () => {
  const outcome = (text: string, expected: string, index: number, kind: string, share: number) =>
    scoreAnswer(
      answerOf(text, () => share),
      { index, kind, question: 'How many?', expected },
    );
  const outcomes = [
    outcome(LOOK_BACK, '7', 0, 'count', 0.5),
    outcome(LOOK_BACK, '8', 1, 'take', 0.3),
    outcome('<think> a </think> \\boxed{ 7 }', '7', 2, 'count', 0.1),
    outcome('<think> a </think> <back> </back> <think> b </think> \\boxed{ 7 }', '7', 3, 'take', 0.1),
  ];

  it('reads looks in the tags that they have, their attention, too', () => {
    const { open, close } = LOOK_TAGS.words_check;
    const text = LOOK_BACK.replace('<back>', open).replace('</back>', close);
    const question = { index: 0, kind: 'count', question: 'How many?', expected: '7' };
    const share = (token: number) => (token >= 22 && token < 28 ? 1 : 0);
    const of = (look: LookTags) => scoreAnswer({ ...answerOf(text, share), look }, question);
    expect(of(LOOK_TAGS.words_check)).toMatchObject({
      ...{ triggered: true, looks: 1, format: 'back', backAt: 22, attention: { late: 0, inBack: 1 } },
    });
    expect(of(LOOK_TAGS.back)).toMatchObject({ triggered: false, looks: 0, format: 'none', backAt: null });
  });

  it('counts what the outcomes say', () => {
    const report = summarise(outcomes);
    expect(report).toMatchObject({
      count: 4,
      accuracy: { mean: 0.75 },
      triggerRate: 0.75,
      emptyBackRate: 0.25,
      genuineScanRate: 0,
      formatRate: { back: 0.5, cot: 0.25 },
      truncatedRate: 0,
    });
    expect(report.byKind.count).toMatchObject({ count: 2, accuracy: { mean: 1 }, triggerRate: 0.5 });
    expect(report.byKind.take).toMatchObject({ count: 2, accuracy: { mean: 0.5 }, triggerRate: 1 });
    expect(report.attention.early).toBeCloseTo(0.25, 9);
    // An empty back still holds its opening tag.
    expect(report.attention.inBack).toBeCloseTo((0.5 + 0.3 + 0.1) / 3, 9);
    expect(report.meanLength).toBeCloseTo(outcomes.reduce((sum, { length }) => sum + length, 0) / 4, 9);
  });

  it('says what looking back changed, and how right answers are with it and without', () => {
    const turned = (first: number, last: number) =>
      `<think> i see ${first} </think> <back> a b c </back> <think> so ${last} </think> \\boxed{ ${last} }`;
    const texts = [turned(3, 7), turned(7, 3), turned(7, 7), turned(3, 4), '<think> 7 </think> \\boxed{ 7 }'];
    const report = summarise(texts.map((text, i) => outcome(text, '7', i, 'count', 0.2)));
    expect(report.flips).toEqual({
      judged: 4,
      wrongToRight: 1,
      rightToWrong: 1,
      stayedRight: 1,
      stayedWrong: 1,
    });
    expect(report.givenBack).toMatchObject({ count: 4, accuracy: { mean: 0.5 } });
    expect(report.givenNoBack).toMatchObject({ count: 1, accuracy: { mean: 1 } });
    expect(report).toMatchObject({ meanPromptTokens: 9, meanFlops: 1000 });
  });

  it('follows the attention token by token, and around the look', () => {
    const { decay, aroundBack } = summarise(outcomes.slice(0, 2));
    expect(decay.mean[0]).toBeCloseTo(0.4, 9);
    expect(outcomes[0]?.backAt).toBe(22);
    expect(aroundBack.mean[-aroundBack.from]).toBeCloseTo(0.4, 9);
    expect(aroundBack.count[-aroundBack.from]).toBe(2);
  });

  it('survives a round trip through JSON', () => {
    const again = JSON.parse(JSON.stringify(outcomes)) as typeof outcomes;
    expect(summarise(again)).toEqual(summarise(outcomes));
  });

  it('has a report for no outcome at all', () => {
    expect(summarise([])).toMatchObject({ count: 0, accuracy: { mean: 0, low: 0, high: 1 }, meanLength: 0 });
  });
});
