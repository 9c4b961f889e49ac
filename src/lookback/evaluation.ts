// Scores finished answers as the Look-Back evaluation does, and sums them up: accuracy with its interval, how often
// the model looked back, and how much of its attention went to the image in each phase of the answer. A report is a
// function of the outcomes alone, so a resumed run reports what an unbroken one would.

import { type AnswerForm, readForm } from '../answer/answer_form';
import { gradeAnswer } from '../answer/answer_grading';
import { readAnswer } from '../answer/answer_reading';
import { type AttentionPhases, attentionPhases, meanOf } from '../answer/attention_phases';
import type { TokenSpan } from '../answer/token_spans';
import type { FinishReason } from '../generation/stopping_criteria';
import { isGenuineScan } from './genuine_scan';

/** One scored answer: a row of the evaluation's JSONL file. */
export interface SceneOutcome {
  readonly index: number;
  readonly kind: string;
  readonly expected: string;
  readonly answer: string | null;
  readonly correct: boolean;
  readonly triggered: boolean;
  readonly emptyBack: boolean;
  /** A `<back>` holds a whole scan of the picture, cell by cell; false for models that write no such thing. */
  readonly genuineScan: boolean;
  readonly format: AnswerForm;
  /** Generated tokens, the end token included. */
  readonly length: number;
  readonly finishReason: FinishReason;
  readonly attention: AttentionPhases;
  readonly text: string;
}

/** A finished answer, as generation leaves it. */
export interface FinishedAnswer {
  readonly text: string;
  readonly ids: readonly number[];
  readonly finishReason: FinishReason;
  /** Image share of each generated token; null where none was recorded. */
  readonly imageShares: readonly (number | null)[];
  /** Tokens that wrote the characters [start, end). */
  tokenSpan(start: number, end: number): TokenSpan;
}

/** A question with its expected answer. */
export interface ExpectedAnswer {
  readonly index: number;
  readonly kind: string;
  readonly expected: string;
}

/** Scores one finished answer. */
export function scoreAnswer(answer: FinishedAnswer, question: ExpectedAnswer): SceneOutcome {
  const { text, imageShares } = answer;
  const reading = readAnswer(text);
  const tokenSpan = (start: number, end: number): TokenSpan => answer.tokenSpan(start, end);
  return {
    ...question,
    answer: reading.answer,
    correct: gradeAnswer(reading.answer, question.expected).equal,
    triggered: reading.triggered,
    emptyBack: reading.emptyBack,
    genuineScan: reading.backs.some((back) => isGenuineScan(back.text)),
    format: readForm(text).form,
    length: answer.ids.length,
    finishReason: answer.finishReason,
    attention: attentionPhases({ reading, imageShares, tokenSpan }),
    text,
  };
}

/** A share of successes with its 95 % interval. */
export interface Proportion {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 % quantile of the normal distribution. */
const Z95 = 1.959963984540054;

/**
 * Wilson's score interval for `successes` of `count`; all zeros to one when nothing was counted.
 *
 * @source Wilson 1927, Journal of the American Statistical Association 22
 */
export function wilson(successes: number, count: number): Proportion {
  if (count === 0) return { mean: 0, low: 0, high: 1 };
  const p = successes / count;
  const z2 = Z95 ** 2;
  const centre = (p + z2 / (2 * count)) / (1 + z2 / count);
  const half = (Z95 * Math.sqrt((p * (1 - p)) / count + z2 / (4 * count ** 2))) / (1 + z2 / count);
  // At 0 and 1 the interval touches the mean; rounding must not push it past.
  return { mean: p, low: successes === 0 ? 0 : centre - half, high: successes === count ? 1 : centre + half };
}

/** Figures of one kind of question. */
export interface KindReport {
  readonly count: number;
  readonly accuracy: Proportion;
  readonly triggerRate: number;
}

/** What an evaluation found. Rates are shares of all answers, in [0, 1]. */
export interface EvaluationReport {
  readonly count: number;
  readonly accuracy: Proportion;
  /** Answers that hold `<back>`. */
  readonly triggerRate: number;
  /** Answers with a `<back>` that has nothing inside. */
  readonly emptyBackRate: number;
  /** Answers whose `<back>` holds a full scan. */
  readonly genuineScanRate: number;
  /** Answers in the strict Look-Back form, and in the plain one. */
  readonly formatRate: { readonly back: number; readonly cot: number };
  /** Answers cut at the length limit. */
  readonly truncatedRate: number;
  /** Generated tokens per answer, the end token included. */
  readonly meanLength: number;
  /** Means over the answers that have the phase; null when none has. */
  readonly attention: AttentionPhases;
  readonly byKind: Readonly<Record<string, KindReport>>;
}

function rate(outcomes: readonly SceneOutcome[], holds: (outcome: SceneOutcome) => boolean): number {
  return outcomes.length === 0 ? 0 : outcomes.filter(holds).length / outcomes.length;
}

function accuracyOf(outcomes: readonly SceneOutcome[]): Proportion {
  return wilson(outcomes.filter((outcome) => outcome.correct).length, outcomes.length);
}

function kindReports(outcomes: readonly SceneOutcome[]): Record<string, KindReport> {
  const kinds = [...new Set(outcomes.map((outcome) => outcome.kind))].sort();
  return Object.fromEntries(
    kinds.map((kind) => {
      const own = outcomes.filter((outcome) => outcome.kind === kind);
      const triggerRate = rate(own, (outcome) => outcome.triggered);
      return [kind, { count: own.length, accuracy: accuracyOf(own), triggerRate }];
    }),
  );
}

/** Sums up scored answers; their order does not matter. */
export function summarise(outcomes: readonly SceneOutcome[]): EvaluationReport {
  const phase = (name: keyof AttentionPhases): number | null =>
    meanOf(outcomes.map((outcome) => outcome.attention[name]));
  return {
    count: outcomes.length,
    accuracy: accuracyOf(outcomes),
    triggerRate: rate(outcomes, (outcome) => outcome.triggered),
    emptyBackRate: rate(outcomes, (outcome) => outcome.emptyBack),
    genuineScanRate: rate(outcomes, (outcome) => outcome.genuineScan),
    formatRate: {
      back: rate(outcomes, (outcome) => outcome.format === 'back'),
      cot: rate(outcomes, (outcome) => outcome.format === 'cot'),
    },
    truncatedRate: rate(outcomes, (outcome) => outcome.finishReason === 'length'),
    meanLength: meanOf(outcomes.map((outcome) => outcome.length)) ?? 0,
    attention: {
      early: phase('early'),
      late: phase('late'),
      inBack: phase('inBack'),
      backPeak: phase('backPeak'),
      afterBack: phase('afterBack'),
    },
    byKind: kindReports(outcomes),
  };
}
