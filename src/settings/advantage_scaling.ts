// Says what the setting `grpo.scaleRewards` means: by what the advantages of one group are divided. The trainer computes
// with it, and the group inspector shows the same numbers.

import type { AdvantageScaling } from './train_settings';

/** How the advantages of a group are scaled. */
export interface AdvantageSettings {
  readonly scaling: AdvantageScaling;
  /** Added to the standard deviation with `group`; TRL uses 1e-4. */
  readonly epsilon?: number;
  /** Smallest divisor with `std_floor`. */
  readonly floor?: number;
}

/** What the advantages of one group are made of: (reward − mean) / divisor. */
export interface AdvantageTerms {
  readonly mean: number;
  /** Unbiased standard deviation of the rewards. */
  readonly deviation: number;
  readonly divisor: number;
}

/**
 * Mean, deviation and divisor of a group: the deviation plus epsilon (`group`), one (`none`, Dr. GRPO), or the deviation but
 * at least a floor (`std_floor`).
 * @param rewards at least two
 * @source Shao et al. 2024, arXiv:2402.03300; TRL GRPOTrainer; Liu et al. 2025, arXiv:2503.20783
 */
export function advantageTerms(
  rewards: ArrayLike<number>,
  { scaling, epsilon = 1e-4, floor = 0.25 }: AdvantageSettings,
): AdvantageTerms {
  const values = Float64Array.from(rewards);
  const mean = values.reduce((sum, r) => sum + r, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (values.length - 1));
  const divisor =
    scaling === 'none' ? 1 : scaling === 'group' ? deviation + epsilon : Math.max(deviation, floor);
  return { mean, deviation, divisor };
}
