// Defines what a reward is to GRPO, a function of one finished completion, and sums rewards by weight. A total is
// finite, and it is the weighted sum of the rewards that are reported beside it; the rewards themselves are in
// lookback/rewards.ts.

import type { AttentionPhases } from '../answer/attention_phases';
import { LookBackError } from '../lib/errors';
import type { PlainColumns } from '../lib/plain_json';
import type { VisualGainPhases } from './visual_gain';

/** One finished completion, as a reward sees it. */
export interface RewardSample {
  /** The question as the row has it, without the words of the mode. */
  readonly question: string;
  /** Group of the question: `visual` or `text` of the built-in world, `row` of a data set. */
  readonly kind: string;
  /** Pictures of the prompt; a `text` question of the built-in world has one, too, which does not help. */
  readonly pictures: number;
  /** What the row has besides picture, question, answer and response, untrusted plain data; empty where it has nothing. */
  readonly columns: PlainColumns;
  /** The completion without its end token. */
  readonly text: string;
  /** The answer that counts as right. */
  readonly expected: string;
  /** True when the model ended it by itself, false when it was cut at the limit. */
  readonly finished: boolean;
  /** Generated tokens, the end token included. */
  readonly length: number;
  /** Most tokens that it could have had. */
  readonly maxLength: number;
  /** Number of tokens that wrote the characters [start, end) of `text`. */
  countTokens(start: number, end: number): number;
  /** Mean share of attention on the image by phase of the answer; null where there is no such phase or none was recorded. */
  readonly attention: AttentionPhases;
  /** What its tokens gain from the picture; null where there is no picture or no reward asks for it. */
  readonly visualGain: VisualGainPhases | null;
}

/** Why a reward is what it is, and the characters [start, end) that show it; null for the whole answer or none. */
export interface RewardReason {
  readonly why: string;
  readonly span: { readonly start: number; readonly end: number } | null;
}

/** An unweighted reward with its reason. */
export interface RewardOutcome extends RewardReason {
  readonly score: number;
}

/** Scores one completion. Pure; a number that is not finite is the function's fault. */
export type RewardFunction = (sample: RewardSample) => RewardOutcome;

/** A reward under the name it is logged by. */
export interface WeightedReward {
  readonly name: string;
  readonly weight: number;
  readonly of: RewardFunction;
}

/** Unweighted rewards and their reasons by name, and the weighted sum. */
export interface RewardScores {
  readonly rewards: Record<string, number>;
  readonly reasons: Record<string, RewardReason>;
  readonly total: number;
}

/**
 * Scores a completion: total = Σ weight · reward.
 * @throws LookBackError `train/reward` naming the reward that is not a finite number
 * @source TRL GRPOTrainer `reward_weights`
 */
export function scoreRewards(sample: RewardSample, rewards: readonly WeightedReward[]): RewardScores {
  const scores: Record<string, number> = {};
  const reasons: Record<string, RewardReason> = {};
  let total = 0;
  for (const { name, weight, of } of rewards) {
    const { score, why, span } = of(sample);
    if (!Number.isFinite(score)) {
      throw new LookBackError('train/reward', `Reward "${name}" is ${score}; it must be a finite number.`, {
        name,
      });
    }
    scores[name] = score;
    reasons[name] = { why, span };
    total += weight * score;
  }
  return { rewards: scores, reasons, total };
}
