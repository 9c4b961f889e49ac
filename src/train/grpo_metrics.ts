// Computes the metrics of a GRPO step under TRL's names; lookback/training_metrics.ts adds those of looking back.
// Every figure is over all sampled completions, dropped groups included, unless its name says otherwise.

import { itemAt } from '../lib/invariant';
import type { CandidateGroup } from './group_scoring';

/** Deviations below it are rounding of equal rewards; as torch.isclose to 0. */
const EQUAL = 1e-8;

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Unbiased, as torch's; 0 for a single value. */
function std(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/**
 * Rewards, lengths and accuracy of sampled groups.
 * @source TRL GRPOTrainer `_generate_and_score_completions`
 */
export function rolloutMetrics(groups: readonly CandidateGroup[]): Record<string, number> {
  const all = groups.flatMap(({ candidates }) => candidates.map(({ scored }) => scored));
  const stds = groups.map(({ candidates }) => std(candidates.map(({ scored }) => scored.reward)));
  const lengths = all.map(({ tokens }) => tokens);
  const ended = all.filter(({ truncated }) => !truncated).map(({ tokens }) => tokens);
  const metrics: Record<string, number> = {
    reward: mean(all.map(({ reward }) => reward)),
    reward_std: mean(stds),
    frac_reward_zero_std: mean(stds.map((value) => (value < EQUAL ? 1 : 0))),
    'completions/mean_length': mean(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    'completions/mean_terminated_length': mean(ended),
    'completions/clipped_ratio': mean(all.map(({ truncated }) => (truncated ? 1 : 0))),
    accuracy: mean(all.map(({ correct }) => (correct ? 1 : 0))),
    dropped_groups: mean(groups.map(({ dropped }) => (dropped === null ? 0 : 1))),
    step_tokens: lengths.reduce((sum, value) => sum + value, 0),
  };
  for (const name of Object.keys(all[0]?.rewards ?? {})) {
    const values = all.map(({ rewards }) => rewards[name] ?? 0);
    metrics[`rewards/${name}/mean`] = mean(values);
    metrics[`rewards/${name}/std`] = std(values);
  }
  for (const kind of new Set(groups.map(({ example }) => example.kind))) {
    const own = groups.filter(({ example }) => example.kind === kind).flatMap(({ candidates }) => candidates);
    metrics[`accuracy/${kind}`] = mean(own.map(({ scored }) => (scored.correct ? 1 : 0)));
  }
  return metrics;
}

/** Per-token figures of a step's updates, summed while their micro-batches run. */
export class UpdateMetrics {
  #updates = 0;
  #tokens = 0;
  #loss = 0;
  #entropy = 0;
  #kl = 0;
  #low = 0;
  #high = 0;

  /**
   * @param weights token weights of the loss
   * @param terms   [R, 4] loss, ratio, k3, clip side
   */
  add(weights: Float32Array, terms: Float32Array, entropy: Float32Array): void {
    weights.forEach((weight, index) => {
      this.#tokens++;
      this.#loss += weight * itemAt(terms, 4 * index);
      this.#kl += itemAt(terms, 4 * index + 2);
      const side = itemAt(terms, 4 * index + 3);
      if (side < 0) this.#low++;
      if (side > 0) this.#high++;
      this.#entropy += itemAt(entropy, index);
    });
  }

  /** Closes an update: the loss of a step is the mean of its updates'. */
  endUpdate(): void {
    this.#updates++;
  }

  /** Means over the updates' tokens; `kl` only when asked for. Empty when there was no update: no mean of nothing. */
  read(withKl: boolean): Record<string, number> {
    const count = this.#tokens;
    if (count === 0) return {};
    return {
      loss: this.#loss / this.#updates,
      entropy: this.#entropy / count,
      'clip_ratio/low_mean': this.#low / count,
      'clip_ratio/high_mean': this.#high / count,
      'clip_ratio/region_mean': (this.#low + this.#high) / count,
      ...(withKl ? { kl: this.#kl / count } : {}),
    };
  }
}
