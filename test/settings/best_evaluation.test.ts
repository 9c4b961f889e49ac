// Which evaluation is the best by each metric, how long there was no better one, and the words for it.
import { describe, expect, it } from 'vitest';
import { bestWords, judgeEvaluations } from '../../src/settings/best_evaluation';

const losses = (...values: number[]) =>
  values.map((eval_loss, at) => ({ step: 10 * (at + 1), values: { eval_loss, eval_accuracy: eval_loss } }));

describe('judgeEvaluations', () => {
  it('wants a low loss and a high accuracy, and of equal ones the earlier', () => {
    const evaluations = losses(0.5, 0.25, 0.75, 0.25, 0.75);
    expect(judgeEvaluations(evaluations, 'loss')).toEqual({
      best: { step: 20, metric: 'loss', value: 0.25 },
      since: 3,
    });
    expect(judgeEvaluations(evaluations, 'accuracy')).toEqual({
      best: { step: 30, metric: 'accuracy', value: 0.75 },
      since: 2,
    });
    expect(judgeEvaluations([], 'loss')).toEqual({ best: null, since: 0 });
  });

  it('takes the other metric where none has the wanted one, and passes over evaluations without it', () => {
    const accuracy = [1, 2, 3].map((step) => ({ step, values: { eval_accuracy: step / 4 } }));
    expect(judgeEvaluations(accuracy, 'loss').best).toEqual({ step: 3, metric: 'accuracy', value: 0.75 });
    const mixed = [...losses(0.5), { step: 20, values: { eval_accuracy: 1 } }];
    expect(judgeEvaluations(mixed, 'loss')).toEqual({
      best: { step: 10, metric: 'loss', value: 0.5 },
      since: 0,
    });
  });
});

describe('bestWords', () => {
  it('names the metric and the step', () => {
    expect(bestWords({ step: 60, metric: 'accuracy', value: 0.71 })).toBe(
      'held-out accuracy 71.0 % at step 60',
    );
    expect(bestWords({ step: 5, metric: 'loss', value: 1 / 3 })).toBe('held-out loss 0.3333 at step 5');
  });
});
