// Computes what the completions of a training step say about looking back: how often, how long, how usefully. A key
// is present only where at least one completion counts towards it: no mean of nothing is ever 0.

import { strictFormat } from '../answer/answer_format';
import { type AnswerReading, readAnswer } from '../answer/answer_reading';
import type { AttentionPhases } from '../answer/attention_phases';
import { turnOf } from '../answer/first_answer';
import type { LookTags } from '../answer/look_tags';

/** One sampled completion, as the metrics see it. */
export interface CompletionSample {
  /** Without the end token. */
  readonly text: string;
  /** Tags of a look back; by default the method's own. */
  readonly look?: LookTags | undefined;
  readonly expected: string;
  /** Cut at the length limit. */
  readonly truncated: boolean;
  /** Generated tokens, the end token included. */
  readonly length: number;
  /** Where image attention was recorded. */
  readonly attention?: AttentionPhases | undefined;
  /** Number of tokens that wrote the characters [start, end) of `text`. */
  countTokens(start: number, end: number): number;
}

interface ReadSample {
  readonly sample: CompletionSample;
  readonly reading: AnswerReading;
}

function backLengths({ sample, reading }: ReadSample): number[] {
  return reading.backs.map(({ text, start, end }) =>
    text.trim() === '' ? 0 : sample.countTokens(start, end),
  );
}

function isStrict({ sample }: ReadSample): boolean {
  const countTokens = (start: number, end: number): number => sample.countTokens(start, end);
  return (
    strictFormat({ text: sample.text, look: sample.look, finished: !sample.truncated, countTokens }).score ===
    1
  );
}

/**
 * Look-Back's metrics over the completions of a step, each under `look_back/`:
 * - `trigger_rate`, `empty_back_rate`, `strict_format_rate`: shares of all completions;
 * - `back_length`: mean tokens inside a closed `<back>`;
 * - `looks`: mean number of closed `<back>` blocks, over the completions that have one;
 * - `image_attention_before`, `_inside`, `_after`: mean image shares of the late first thought, the first look back and the
 *   thought after it, over the completions that have them;
 * - `wrong_to_right`, `right_to_wrong`: shares of the completions that looked back after arriving at an answer.
 */
export function completionMetrics(samples: readonly CompletionSample[]): Record<string, number> {
  const metrics: Record<string, number> = {};
  const mean = (name: string, values: readonly (number | boolean | null | undefined)[]): void => {
    const known = values.filter((value) => value !== null && value !== undefined).map(Number);
    if (known.length > 0) {
      metrics[`look_back/${name}`] = known.reduce((sum, value) => sum + value, 0) / known.length;
    }
  };
  const read = samples.map(
    (sample): ReadSample => ({ sample, reading: readAnswer(sample.text, sample.look) }),
  );
  const turns = read
    .map(({ sample, reading }) => turnOf(reading, sample.expected))
    .filter((found) => found !== null);
  mean(
    'trigger_rate',
    read.map(({ reading }) => reading.triggered),
  );
  mean(
    'empty_back_rate',
    read.map(({ reading }) => reading.emptyBack),
  );
  mean('strict_format_rate', read.map(isStrict));
  mean('back_length', read.flatMap(backLengths));
  mean(
    'looks',
    read.map(({ reading }) => reading.backs.length || null),
  );
  mean(
    'image_attention_before',
    // Without a look back there is no before.
    samples.map(({ attention }) => (attention?.inBack == null ? null : attention.late)),
  );
  mean(
    'image_attention_inside',
    samples.map(({ attention }) => attention?.inBack),
  );
  mean(
    'image_attention_after',
    samples.map(({ attention }) => attention?.afterBack),
  );
  mean(
    'wrong_to_right',
    turns.map(({ before, after }) => !before && after),
  );
  mean(
    'right_to_wrong',
    turns.map(({ before, after }) => before && !after),
  );
  return metrics;
}
