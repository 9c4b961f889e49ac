// What the completions of a training step say about looking back: how often, how long, how usefully.
// Not rewards (rewards.ts), not TRL's own metrics (the trainer's), and not the evaluation report (evaluation.ts).
// Invariant: a key is present only where at least one completion counts towards it: no mean of nothing is ever 0.

import { gradeAnswer } from '../answer/answer_grading';
import { closedBacks, extractBoxed, reflect } from '../answer/reflection';
import type { AttentionPhases } from './evaluation';
import { REWARDS } from './rewards';

/** One sampled completion, as the metrics see it. */
export interface CompletionSample {
  /** Without the end token. */
  readonly text: string;
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

const NUMBER = '-?\\d+(?:,\\d{3})*(?:\\.\\d+)?';
const RESULT = new RegExp(`=\\s*(${NUMBER})`, 'g');
/** A number on its own: not the end of a cell's name, and no minus between two numbers. */
const LONE_NUMBER = new RegExp(`(?<![\\w.,])(${NUMBER})`, 'g');

function lastMatch(text: string, pattern: RegExp): string | null {
  let last: string | null = null;
  for (const match of text.matchAll(pattern)) last = match[1] ?? null;
  return last;
}

/**
 * The answer that a thought arrives at: its box, else the last result of a sum (`= 12`), else its last number.
 * Null when it names none.
 */
function candidateOf(thought: string): string | null {
  return extractBoxed(thought) ?? lastMatch(thought, RESULT) ?? lastMatch(thought, LONE_NUMBER);
}

/** The thought before the first look back; null when there is no look back or no closed thought before it. */
function firstThought(text: string): string | null {
  const back = text.indexOf('<back>');
  const open = text.indexOf('<think>');
  const close = open < 0 ? -1 : text.indexOf('</think>', open);
  return close < 0 || back < close ? null : text.slice(open + '<think>'.length, close);
}

/** Whether the first thought's candidate and the final box are right; null where nothing was looked back on. */
function turn({ text, expected }: CompletionSample): { before: boolean; after: boolean } | null {
  const thought = firstThought(text);
  const candidate = thought === null ? null : candidateOf(thought);
  if (candidate === null) return null;
  return { before: gradeAnswer(candidate, expected), after: gradeAnswer(reflect(text).answer, expected) };
}

function backLengths(sample: CompletionSample): number[] {
  return closedBacks(sample.text).map(({ start, end }) =>
    sample.text.slice(start, end).trim() === '' ? 0 : sample.countTokens(start, end),
  );
}

function isStrict(sample: CompletionSample): boolean {
  const { text, expected, truncated, length } = sample;
  const countTokens = (start: number, end: number): number => sample.countTokens(start, end);
  const rewarded = { text, expected, finished: !truncated, length, maxLength: length, countTokens };
  return REWARDS.format(rewarded) === 1;
}

/**
 * Look-Back's metrics over the completions of a step, each under `look_back/`:
 * - `trigger_rate`, `empty_back_rate`, `strict_format_rate`: shares of all completions;
 * - `back_length`: mean tokens inside a closed `<back>`;
 * - `image_attention_before`, `_inside`, `_after`: mean image shares of the late first thought, the look back and the
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
  const reflections = samples.map(({ text }) => reflect(text));
  const turns = samples.map(turn).filter((found) => found !== null);
  mean(
    'trigger_rate',
    reflections.map(({ triggered }) => triggered),
  );
  mean(
    'empty_back_rate',
    reflections.map(({ emptyBack }) => emptyBack),
  );
  mean('strict_format_rate', samples.map(isStrict));
  mean('back_length', samples.flatMap(backLengths));
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
