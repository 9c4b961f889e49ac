// Turns sampled completions into what an update needs: rewards, advantages, and which groups and completions count.
// What is reported of a completion is what the update uses.

import { attentionPhases } from '../answer/attention_phases';
import type { GeneratedAnswer } from '../generation/generate';
import { itemAt } from '../lib/invariant';
import type { GrpoSettings } from '../settings/train_settings';
import { groupAdvantages } from './losses';
import {
  type RewardFunction,
  type RewardOutcome,
  type RewardSample,
  scoreRewards,
  type WeightedReward,
} from './rewards';
import type { PromptExample, ScoredCompletion, ScoredGroup } from './trainer';
import { visualGainPhases } from './visual_gain';

/** A completion with the answer it came from. */
export interface Candidate {
  readonly answer: GeneratedAnswer;
  readonly sample: RewardSample;
  readonly scored: ScoredCompletion;
}

/** The completions of one prompt before they are scored. */
export interface SampledGroup {
  readonly example: PromptExample;
  readonly answers: readonly GeneratedAnswer[];
  /** Of each answer's tokens, where they were measured. */
  readonly visualGains?: readonly Float32Array[] | null;
}

/** The completions of one prompt, each as rewards see it. */
export interface ReadGroup extends Pick<SampledGroup, 'example' | 'answers'> {
  readonly samples: readonly RewardSample[];
}

/** A scored group with what the update and the metrics read. */
export interface CandidateGroup {
  readonly example: PromptExample;
  readonly candidates: readonly Candidate[];
  readonly dropped: ScoredGroup['dropped'];
}

/** A reward that takes its time: a user's own. */
export interface CustomScoring {
  readonly weight: number;
  /** Outcomes in the order of the samples. Rejects with a LookBackError `reward/…`. */
  score(samples: readonly RewardSample[]): Promise<readonly RewardOutcome[]>;
}

/** How to score. */
export interface Scoring {
  readonly custom?: CustomScoring | null;
  readonly rewards: readonly WeightedReward[];
  /** 1 for a right answer; says which groups are uniform, whatever is rewarded. */
  readonly accuracy: RewardFunction;
  readonly settings: Pick<
    GrpoSettings,
    'maxCompletionLength' | 'scaleRewards' | 'stdFloor' | 'dropUniformGroups' | 'maskTruncatedCompletions'
  >;
}

/** Reads the completions of one prompt once for all rewards. */
export function readGroup(
  { example, answers, visualGains }: SampledGroup,
  { settings: { maxCompletionLength } }: Pick<Scoring, 'settings'>,
): ReadGroup {
  const samples = answers.map((answer, index) =>
    sampleOf(answer, example, maxCompletionLength, visualGains?.[index] ?? null),
  );
  return { example, answers, samples };
}

/** What a user's own reward says of the completions of one prompt; null without one. */
export async function customOutcomes(
  { samples }: ReadGroup,
  { custom }: Scoring,
): Promise<readonly RewardOutcome[] | null> {
  return custom ? custom.score(samples) : null;
}

/**
 * Scores the completions of one prompt. Throws what a reward throws.
 * @param outcomes what {@link customOutcomes} found
 */
export function scoreGroup(
  { example, answers, samples }: ReadGroup,
  { rewards, accuracy, settings, custom }: Scoring,
  outcomes: readonly RewardOutcome[] | null = null,
): CandidateGroup {
  const own = (index: number): WeightedReward[] =>
    custom && outcomes ? [{ name: 'custom', weight: custom.weight, of: () => itemAt(outcomes, index) }] : [];
  const scores = samples.map((sample, index) => scoreRewards(sample, [...rewards, ...own(index)]));
  const correct = samples.map((sample) => accuracy(sample).score === 1);
  const totals = scores.map(({ total }) => total);
  const { scaleRewards: scaling, stdFloor: floor } = settings;
  const advantages = groupAdvantages(totals, { scaling, floor });
  const candidates = answers.map((answer, index): Candidate => {
    const sample = samples[index] as RewardSample;
    const scored: ScoredCompletion = {
      text: sample.text,
      tokens: sample.length,
      truncated: !sample.finished,
      correct: correct[index] ?? false,
      rewards: scores[index]?.rewards ?? {},
      reasons: scores[index]?.reasons ?? {},
      reward: itemAt(totals, index),
      advantage: itemAt(advantages, index),
    };
    return { answer, sample, scored };
  });
  return { example, candidates, dropped: dropReason(candidates, settings) };
}

/** What the page and the log show of a group. */
export function scoredGroup({ example, candidates, dropped }: CandidateGroup): ScoredGroup {
  const { key, question, expected } = example;
  return { key, question, expected, dropped, completions: candidates.map(({ scored }) => scored) };
}

/** Completions that the update reads: truncated ones may be masked. */
export function unmasked(
  group: CandidateGroup,
  settings: Pick<GrpoSettings, 'maskTruncatedCompletions'>,
): Candidate[] {
  return group.candidates.filter(({ scored }) => !(settings.maskTruncatedCompletions && scored.truncated));
}

function sampleOf(
  answer: GeneratedAnswer,
  { question, kind, prompt, columns = {}, expected }: PromptExample,
  maxLength: number,
  gains: Float32Array | null,
): RewardSample {
  return {
    ...{ question, kind, pictures: prompt.images.length, columns },
    visualGain: gains && visualGainPhases(answer, gains),
    text: answer.text,
    expected,
    finished: answer.finishReason === 'eos',
    length: answer.ids.length,
    maxLength,
    countTokens: (start, end) => {
      const { tokenStart, tokenEnd } = answer.tokenSpan(start, end);
      return tokenEnd - tokenStart;
    },
    attention: attentionPhases({
      reading: answer.reading(),
      imageShares: answer.imageShares(),
      tokenSpan: (start, end) => answer.tokenSpan(start, end),
    }),
  };
}

function dropReason(candidates: readonly Candidate[], settings: Scoring['settings']): ScoredGroup['dropped'] {
  const { dropUniformGroups, maskTruncatedCompletions } = settings;
  if (maskTruncatedCompletions && candidates.every(({ scored }) => scored.truncated)) return 'truncated';
  if (dropUniformGroups === 'none') return null;
  const values = candidates.map(({ scored }) =>
    dropUniformGroups === 'accuracy' ? Number(scored.correct) : scored.reward,
  );
  return values.every((value) => value === values[0]) ? 'uniform' : null;
}
