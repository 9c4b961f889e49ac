// Sums what a policy scores of written answers over micro-batches: loss, entropy and how many tokens it would have
// chosen itself, over all response tokens.

import { itemAt } from '../lib/invariant';
import type { CompletionGroup } from './packing';
import type { MicroBatch, TokenScores } from './policy';
import type { LabelledExample } from './trainer';

/** An example as a policy packs it. */
export function groupOf({
  prompt,
  completion,
}: Pick<LabelledExample, 'prompt' | 'completion'>): CompletionGroup {
  return { prompt, completions: [completion] };
}

/** Sums over response tokens. */
export class TokenTotals {
  #tokens = 0;
  #loss = 0;
  #entropy = 0;
  #right = 0;

  add({ groups }: MicroBatch, scores: TokenScores): void {
    const labels = groups.flatMap(({ completions }) => completions.flat());
    scores.logp.forEach((logp, index) => {
      this.#tokens++;
      this.#loss -= logp;
      this.#entropy += itemAt(scores.entropy, index);
      if (scores.argmax[index] === labels[index]) this.#right++;
    });
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Mean negative log-likelihood of a token, in nats. */
  get meanLoss(): number {
    return this.#loss / this.#tokens;
  }

  /** Mean entropy of the next-token distribution, in nats. */
  get meanEntropy(): number {
    return this.#entropy / this.#tokens;
  }

  /** Share of the tokens that the policy puts first. */
  get accuracy(): number {
    return this.#right / this.#tokens;
  }
}
