// Computes advantages and token weights of the GRPO family: everything about a loss that is not per-token arithmetic,
// which the grpo_loss kernel does. Names are TRL's. Padding tokens have weight 0, and the weights of a batch
// implement its loss type's normaliser exactly.

import { ArgumentError } from '../lib/errors';
import { type AdvantageSettings, advantageTerms } from '../settings/advantage_scaling';
import type { GrpoLossType } from '../settings/train_settings';

/**
 * Advantages of one group of completions of the same prompt: (r − mean) / divisor, as {@link advantageTerms} says.
 * @param rewards at least two
 * @source Shao et al. 2024, arXiv:2402.03300; TRL GRPOTrainer; Liu et al. 2025, arXiv:2503.20783
 */
export function groupAdvantages(rewards: ArrayLike<number>, settings: AdvantageSettings): Float64Array {
  const count = rewards.length;
  if (count < 2) throw new ArgumentError(`A group needs at least two completions, not ${count}.`);
  const { mean, divisor } = advantageTerms(rewards, settings);
  return Float64Array.from(rewards, (r) => (r - mean) / divisor);
}

/** Settings of {@link tokenWeights}. */
export interface NormaliserSettings {
  readonly type: GrpoLossType;
  /** Divisor of `dr_grpo`, per completion. */
  readonly maxCompletionLength: number;
  /** Completions of the whole optimiser step, masked ones included, when `lengths` is a part of it; default: those given. */
  readonly stepCompletions?: number;
  /** Tokens of the whole optimiser step, those of masked completions included, for `dapo`; default: those given. */
  readonly stepTokens?: number;
  /** Micro-batches of the optimiser step, for `bnpo`, whose normaliser is local; default 1. */
  readonly microBatches?: number;
}

/**
 * Weight of each token of each completion, so that loss = Σ weight · token loss.
 * @param lengths unmasked tokens per completion; 0 drops it (e.g. a truncated one)
 * @source TRL GRPOTrainer `_compute_loss`, loss_type
 */
export function tokenWeights(lengths: readonly number[], settings: NormaliserSettings): Float64Array {
  const { type, maxCompletionLength, microBatches = 1 } = settings;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const completions = settings.stepCompletions ?? lengths.length;
  const stepTokens = settings.stepTokens ?? tokens;
  return Float64Array.from(lengths, (length) => {
    if (length === 0) return 0;
    if (type === 'grpo') return 1 / (length * completions);
    if (type === 'dr_grpo') return 1 / (completions * maxCompletionLength);
    return type === 'bnpo' ? 1 / (tokens * microBatches) : 1 / stepTokens;
  });
}
