// What a reward is to GRPO: a function of one finished completion, weighted and summed.
// No reward lives here (lookback/rewards.ts has them) and no advantages (losses.ts).
// Invariant: a total is finite, and it is the weighted sum of the rewards that are reported beside it.

import { LookBackError } from '../lib/errors';

/** One finished completion, as a reward sees it. */
export interface RewardSample {
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
}

/** Scores one completion. Pure; a number that is not finite is the function's fault. */
export type RewardFunction = (sample: RewardSample) => number;

/** A reward under the name it is logged by. */
export interface WeightedReward {
  readonly name: string;
  readonly weight: number;
  readonly of: RewardFunction;
}

/** Unweighted rewards by name, and their weighted sum. */
export interface RewardScores {
  readonly rewards: Record<string, number>;
  readonly total: number;
}

/**
 * Scores a completion: total = Σ weight · reward.
 * @throws LookBackError `train/reward` naming the reward that is not a finite number
 * @source TRL GRPOTrainer `reward_weights`
 */
export function scoreRewards(sample: RewardSample, rewards: readonly WeightedReward[]): RewardScores {
  const scores: Record<string, number> = {};
  let total = 0;
  for (const { name, weight, of } of rewards) {
    const score = of(sample);
    if (!Number.isFinite(score)) {
      throw new LookBackError('train/reward', `Reward "${name}" is ${score}; it must be a finite number.`, {
        name,
      });
    }
    scores[name] = score;
    total += weight * score;
  }
  return { rewards: scores, total };
}
