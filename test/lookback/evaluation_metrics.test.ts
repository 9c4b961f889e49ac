// A report as metrics of a run: TRL's names, the interval's ends, kinds where there are several, and nothing of what is not there.
import { expect, it } from 'vitest';
import { type FinishedAnswer, scoreAnswer, summarise } from '../../src/lookback/evaluation';
import { evaluationMetrics } from '../../src/lookback/evaluation_metrics';
import { wordAnswer } from './scripted_model';

function outcome(text: string, expected: string, index: number, kind: string, share: number | null = null) {
  const answer = wordAnswer(text, () => share);
  const finished: FinishedAnswer = {
    text: answer.text,
    length: answer.ids.length,
    ...{ finishReason: index === 3 ? 'length' : 'eos', promptTokens: 9, flops: 1000 },
    imageShares: answer.imageShares(),
    tokenSpan: (start, end) => answer.tokenSpan(start, end),
  };
  return scoreAnswer(finished, { index, kind, question: 'How many?', expected });
}

const PLAIN = '<think> a b </think> \\boxed{ 7 }';
const LOOK = '<think> a b </think> <back> c d </back> <think> e </think> \\boxed{ 7 }';

it('tells accuracy with its interval, lengths and looks', () => {
  const outcomes = [
    outcome(LOOK, '7', 0, 'count', 0.5),
    outcome(PLAIN, '8', 1, 'count'),
    outcome(PLAIN, '7', 2, 'take'),
    outcome(PLAIN, '8', 3, 'take'),
  ];
  const metrics = evaluationMetrics(summarise(outcomes));
  expect(metrics).toMatchObject({
    ...{ accuracy: 0.5, answers: 4, 'accuracy/count': 0.5, 'accuracy/take': 0.5 },
    ...{ 'completions/clipped_ratio': 0.25, 'look_back/trigger_rate': 0.25, 'look_back/empty_back_rate': 0 },
    'look_back/image_attention_inside': 0.5,
  });
  // Wilson's interval for 2 of 4.
  expect(metrics.accuracy_low).toBeCloseTo(0.15, 2);
  expect(metrics.accuracy_high).toBeCloseTo(0.85, 2);
  // One token a word, and the end token.
  const [look, plain] = [LOOK, PLAIN].map((text) => text.split(' ').length + 1) as [number, number];
  expect(metrics['completions/mean_length']).toBe((look + 3 * plain) / 4);
});

it('leaves out what nothing counts towards', () => {
  const names = Object.keys(evaluationMetrics(summarise([outcome(PLAIN, '7', 0, 'count')])));
  expect(names.filter((name) => /^accuracy\/|attention|wrong|right/.test(name))).toEqual([]);
});
