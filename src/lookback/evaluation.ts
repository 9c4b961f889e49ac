// Scores finished answers as the Look-Back evaluation does, and sums them up: accuracy with its interval, how often
// the model looked back and what that changed, and how much of its attention went to the image in each phase of the
// answer. A report is a function of the outcomes alone, so a resumed run reports what an unbroken one would, but for seconds.

import { type AnswerForm, readForm } from '../answer/answer_form';
import { type GraderName, gradeAnswer } from '../answer/answer_grading';
import { readAnswer } from '../answer/answer_reading';
import { type AttentionPhases, attentionPhases, meanOf } from '../answer/attention_phases';
import { turnOf } from '../answer/first_answer';
import type { LookTags } from '../answer/look_tags';
import type { TokenSpan } from '../answer/token_spans';
import type { FinishReason } from '../generation/stopping_criteria';
import { type AttentionCurve, curveAroundBack, decayCurve } from './attention_curves';
import { holdGenuineScan } from './genuine_scan';
import type { Intervention } from './look_interventions';

/** One scored answer: a row of the evaluation's JSONL file. */
export interface SceneOutcome {
  readonly index: number;
  readonly kind: string;
  readonly question: string;
  readonly expected: string;
  readonly answer: string | null;
  readonly correct: boolean;
  /** Whether the first thought had arrived at a right answer; null where it did not look back or names no answer. */
  readonly firstCorrect: boolean | null;
  readonly triggered: boolean;
  readonly emptyBack: boolean;
  /** Looks back that were closed; absent in outcomes of before they were counted. */
  readonly looks?: number;
  /** Its looks hold a whole scan of the picture, cell by cell; false for models that write no such thing. */
  readonly genuineScan: boolean;
  readonly format: AnswerForm;
  /** Generated tokens, the end token included. */
  readonly length: number;
  readonly finishReason: FinishReason;
  /** Tokens of the prompt, those of its picture included. */
  readonly promptTokens: number;
  /** Floating-point operations of the answer's matrix products. */
  readonly flops: number;
  /** Bytes of the keys and values of prompt and answer; absent from outcomes of earlier versions. */
  readonly cacheBytes?: number;
  /** Wall-clock seconds, of a wave an equal share; absent from outcomes of earlier versions and of trainings. */
  readonly seconds?: number;
  /** What was done at its looks; absent where they are the model's own. */
  readonly intervention?: Intervention;
  readonly attention: AttentionPhases;
  /** Number of the token that opens the first look back; null without one. */
  readonly backAt: number | null;
  /** Image share of each generated token, to four places; null where none was recorded. */
  readonly shares: readonly (number | null)[];
  readonly text: string;
}

/** A finished answer, as generation leaves it. */
export interface FinishedAnswer {
  readonly text: string;
  /** Tags of a look back; by default the method's own. */
  readonly look?: LookTags | undefined;
  /** Generated tokens. */
  readonly length: number;
  readonly finishReason: FinishReason;
  readonly promptTokens: number;
  readonly flops: number;
  /** Image share of each generated token; null where none was recorded. */
  readonly imageShares: readonly (number | null)[];
  /** Tokens that wrote the characters [start, end). */
  tokenSpan(start: number, end: number): TokenSpan;
}

/** A question with its expected answer. */
export interface ExpectedAnswer {
  readonly index: number;
  readonly kind: string;
  readonly question: string;
  readonly expected: string;
}

/** Shares are kept to this many places: what is drawn of them shows no more. */
const SHARE_PLACES = 4;

/**
 * Scores one finished answer.
 * @param grader by default the one that the expected answer asks for
 */
export function scoreAnswer(
  answer: FinishedAnswer,
  question: ExpectedAnswer,
  grader?: GraderName,
): SceneOutcome {
  const { text, look, imageShares, length, finishReason, promptTokens, flops } = answer;
  const reading = readAnswer(text, look);
  const { firstBack } = reading;
  const tokenSpan = (start: number, end: number): TokenSpan => answer.tokenSpan(start, end);
  return {
    ...question,
    answer: reading.answer,
    correct: gradeAnswer(reading.answer, question.expected, grader).equal,
    firstCorrect: turnOf(reading, question.expected, grader)?.before ?? null,
    triggered: reading.triggered,
    emptyBack: reading.emptyBack,
    looks: reading.backs.length,
    genuineScan: holdGenuineScan(reading.backs.map((back) => back.text)),
    format: readForm(text, look).form,
    ...{ length, finishReason, promptTokens, flops },
    attention: attentionPhases({ reading, imageShares, tokenSpan }),
    backAt: firstBack === null ? null : tokenSpan(firstBack.outerStart, firstBack.outerEnd).tokenStart,
    shares: imageShares.map((share) => (share === null ? null : Number(share.toFixed(SHARE_PLACES)))),
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

/** A share of some of the answers, with how many they are. */
export interface PartReport {
  readonly count: number;
  readonly accuracy: Proportion;
}

/** What looking back changed, over the answers whose first thought names an answer before they look. */
export interface FlipReport {
  readonly judged: number;
  readonly wrongToRight: number;
  readonly rightToWrong: number;
  readonly stayedRight: number;
  readonly stayedWrong: number;
}

/** What answers take beside tokens and operations; null where it was not measured. */
export interface CostReport {
  /** Tokens per answer that were put there and not generated. */
  readonly meanForcedTokens: number;
  /** Keys and values per answer, in bytes, at its end. */
  readonly meanCacheBytes: number | null;
  /** Seconds per answer, of a wave an equal share: the median, as the first answers also wait for what is made once. */
  readonly medianSeconds: number | null;
}

/** What was done at the looks of answers. */
export interface InterventionReport {
  readonly look: Intervention['look'];
  /** Answers with a look that it was made at, and answers without one, which are as the model wrote them. */
  readonly applied: number;
  readonly withoutLook: number;
  /** Looks over all answers. */
  readonly looks: number;
}

/** What an evaluation found. Rates are shares of all answers, in [0, 1]. */
export interface EvaluationReport {
  readonly count: number;
  readonly accuracy: Proportion;
  /** Answers that hold `<back>`. */
  readonly triggerRate: number;
  /** Answers with a `<back>` that has nothing inside. */
  readonly emptyBackRate: number;
  /** Answers whose looks hold a full scan. */
  readonly genuineScanRate: number;
  /** Closed looks per answer that has one; null where none has, absent in reports of before they were counted. */
  readonly meanLooks?: number | null;
  /** Answers in the strict Look-Back form, and in the plain one. */
  readonly formatRate: { readonly back: number; readonly cot: number };
  /** Answers cut at the length limit. */
  readonly truncatedRate: number;
  /** Answers that hold `<back>`, and those that do not. */
  readonly givenBack: PartReport;
  readonly givenNoBack: PartReport;
  readonly flips: FlipReport;
  /** Generated tokens per answer, the end token included. */
  readonly meanLength: number;
  /** Tokens per prompt, and floating-point operations per answer. */
  readonly meanPromptTokens: number;
  readonly meanFlops: number;
  readonly cost: CostReport;
  /** Null where all looks are the model's own. */
  readonly intervention: InterventionReport | null;
  /** Means over the answers that have the phase, of the first look; null when none has. */
  readonly attention: AttentionPhases;
  /** Mean image share by position in the answer, and around the token that opens the look back. */
  readonly decay: AttentionCurve;
  readonly aroundBack: AttentionCurve;
  readonly byKind: Readonly<Record<string, KindReport>>;
}

function rate(outcomes: readonly SceneOutcome[], holds: (outcome: SceneOutcome) => boolean): number {
  return outcomes.length === 0 ? 0 : outcomes.filter(holds).length / outcomes.length;
}

function accuracyOf(outcomes: readonly SceneOutcome[]): Proportion {
  return wilson(outcomes.filter((outcome) => outcome.correct).length, outcomes.length);
}

function partOf(outcomes: readonly SceneOutcome[]): PartReport {
  return { count: outcomes.length, accuracy: accuracyOf(outcomes) };
}

/** Which way looking back turned an answer; null where that cannot be said. */
export type Flip = Exclude<keyof FlipReport, 'judged'>;

/** Which way looking back turned an answer. */
export function flipOf({
  firstCorrect,
  correct,
}: Pick<SceneOutcome, 'firstCorrect' | 'correct'>): Flip | null {
  if (firstCorrect === null) return null;
  if (firstCorrect) return correct ? 'stayedRight' : 'rightToWrong';
  return correct ? 'wrongToRight' : 'stayedWrong';
}

function flipsOf(outcomes: readonly SceneOutcome[]): FlipReport {
  const flips = outcomes.map(flipOf).filter((flip) => flip !== null);
  const of = (wanted: Flip): number => flips.filter((flip) => flip === wanted).length;
  return {
    judged: flips.length,
    ...{ wrongToRight: of('wrongToRight'), rightToWrong: of('rightToWrong') },
    ...{ stayedRight: of('stayedRight'), stayedWrong: of('stayedWrong') },
  };
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

function attentionOf(outcomes: readonly SceneOutcome[]): AttentionPhases {
  const phase = (name: keyof AttentionPhases): number | null =>
    meanOf(outcomes.map((outcome) => outcome.attention[name]));
  return {
    early: phase('early'),
    late: phase('late'),
    inBack: phase('inBack'),
    backPeak: phase('backPeak'),
    afterBack: phase('afterBack'),
  };
}

function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function costOf(outcomes: readonly SceneOutcome[]): CostReport {
  return {
    meanForcedTokens: meanOf(outcomes.map(({ intervention }) => intervention?.forcedTokens ?? 0)) ?? 0,
    meanCacheBytes: meanOf(outcomes.map(({ cacheBytes }) => cacheBytes ?? null)),
    medianSeconds: medianOf(outcomes.map(({ seconds }) => seconds).filter((own) => own !== undefined)),
  };
}

function interventionOf(outcomes: readonly SceneOutcome[]): InterventionReport | null {
  const made = outcomes.map(({ intervention }) => intervention).filter((one) => one !== undefined);
  const [first] = made;
  if (first === undefined) return null;
  const applied = made.filter(({ looks }) => looks > 0).length;
  const looks = made.reduce((sum, own) => sum + own.looks, 0);
  return { look: first.look, applied, withoutLook: made.length - applied, looks };
}

/** Sums up scored answers; their order does not matter. */
export function summarise(outcomes: readonly SceneOutcome[]): EvaluationReport {
  const mean = (of: (outcome: SceneOutcome) => number): number => meanOf(outcomes.map(of)) ?? 0;
  return {
    count: outcomes.length,
    accuracy: accuracyOf(outcomes),
    triggerRate: rate(outcomes, (outcome) => outcome.triggered),
    emptyBackRate: rate(outcomes, (outcome) => outcome.emptyBack),
    genuineScanRate: rate(outcomes, (outcome) => outcome.genuineScan),
    meanLooks: meanOf(outcomes.map(({ looks }) => looks || null)),
    formatRate: {
      back: rate(outcomes, (outcome) => outcome.format === 'back'),
      cot: rate(outcomes, (outcome) => outcome.format === 'cot'),
    },
    truncatedRate: rate(outcomes, (outcome) => outcome.finishReason === 'length'),
    givenBack: partOf(outcomes.filter((outcome) => outcome.triggered)),
    givenNoBack: partOf(outcomes.filter((outcome) => !outcome.triggered)),
    flips: flipsOf(outcomes),
    meanLength: mean((outcome) => outcome.length),
    meanPromptTokens: mean((outcome) => outcome.promptTokens),
    meanFlops: mean((outcome) => outcome.flops),
    cost: costOf(outcomes),
    intervention: interventionOf(outcomes),
    attention: attentionOf(outcomes),
    decay: decayCurve(outcomes),
    aroundBack: curveAroundBack(outcomes),
    byKind: kindReports(outcomes),
  };
}
