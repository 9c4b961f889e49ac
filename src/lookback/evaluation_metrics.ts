// Turns a report of the Look-Back evaluation into metrics of a training run, under TRL's names where TRL has one. A
// metric is present only where something counts towards it.

import type { EvaluationReport } from './evaluation';

/**
 * Figures of greedy answers, for charts and logs:
 * - `accuracy`, with the ends of its 95 % interval as `accuracy_low` and `accuracy_high`, and `accuracy/<kind>` where
 *   there are several kinds of question; `answers` counts them;
 * - `completions/mean_length` in tokens, `completions/clipped_ratio`;
 * - `look_back/…` as the metrics of a training step have them.
 */
export function evaluationMetrics(report: EvaluationReport): Record<string, number> {
  const { accuracy, attention, flips, byKind } = report;
  const metrics: Record<string, number> = {
    accuracy: accuracy.mean,
    accuracy_low: accuracy.low,
    accuracy_high: accuracy.high,
    answers: report.count,
    'completions/mean_length': report.meanLength,
    'completions/clipped_ratio': report.truncatedRate,
    'look_back/trigger_rate': report.triggerRate,
    'look_back/empty_back_rate': report.emptyBackRate,
  };
  const kinds = Object.entries(byKind);
  if (kinds.length > 1) for (const [kind, own] of kinds) metrics[`accuracy/${kind}`] = own.accuracy.mean;
  if (attention.inBack !== null) {
    metrics['look_back/image_attention_inside'] = attention.inBack;
    if (attention.late !== null) metrics['look_back/image_attention_before'] = attention.late;
  }
  if (flips.judged > 0) {
    metrics['look_back/wrong_to_right'] = flips.wrongToRight / flips.judged;
    metrics['look_back/right_to_wrong'] = flips.rightToWrong / flips.judged;
  }
  return metrics;
}
