// Says which of a run's evaluations was the best, and how long there has been no better one. It is a function of the
// recorded metrics alone, so that a resumed run judges as an unbroken one would.

import type { BestMetric } from './held_out_settings';

/** The best evaluation of a run. */
export interface BestEvaluation {
  /** Steps done then. */
  readonly step: number;
  readonly metric: BestMetric;
  /** Nats a token of `loss`, a share of `accuracy`. */
  readonly value: number;
}

/** Metrics of a step that was evaluated. */
interface EvaluatedStep {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** What a run's evaluations come to. */
export interface Judgement {
  /** Null before the first. */
  readonly best: BestEvaluation | null;
  /** Evaluations since the best. */
  readonly since: number;
}

const BETTER: Readonly<Record<BestMetric, (value: number, than: number) => boolean>> = {
  loss: (value, than) => value < than,
  accuracy: (value, than) => value > than,
};

/**
 * Judges evaluations in the order of their steps. Of equal ones, the earlier is the best.
 * @param wanted the metric that decides; the other does where no evaluation has it
 * @source transformers `metric_for_best_model` and `EarlyStoppingCallback`, threshold 0
 */
export function judgeEvaluations(evaluations: readonly EvaluatedStep[], wanted: BestMetric): Judgement {
  const other = wanted === 'loss' ? 'accuracy' : 'loss';
  const metric = evaluations.some(({ values }) => `eval_${wanted}` in values) ? wanted : other;
  let best: BestEvaluation | null = null;
  let since = 0;
  for (const { step, values } of evaluations) {
    const value = values[`eval_${metric}`];
    if (value === undefined) continue;
    since++;
    if (best !== null && !BETTER[metric](value, best.value)) continue;
    best = { step, metric, value };
    since = 0;
  }
  return { best, since };
}

/** The best evaluation in words: `accuracy 71.0 % at step 60`. */
export function bestWords({ step, metric, value }: BestEvaluation): string {
  const figure = metric === 'accuracy' ? `${(100 * value).toFixed(1)} %` : value.toPrecision(4);
  return `held-out ${metric} ${figure} at step ${step}`;
}
