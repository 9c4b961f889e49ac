// Measures how much a picture helps a completion: the gain in log-probability of each of its tokens over the same
// prompt with a blank picture, under an adapter that does not learn.

import { meanOf } from '../answer/attention_phases';
import type { GeneratedAnswer } from '../generation/generate';
import { itemAt } from '../lib/invariant';
import { BlankPictures } from '../model/blank_pictures';
import type { LoraAdapter } from '../model/lora';
import type { CompletionGroup } from './packing';
import type { LoraPolicy } from './policy';
import type { StepHooks } from './trainer';

/**
 * Mean gain of a completion's tokens in nats: log π(token | picture) − log π(token | blank picture), by the adapter as
 * the run began.
 */
export interface VisualGainPhases {
  readonly whole: number;
  /** Inside the first look back, its tags left out; null without a look that has tokens. */
  readonly inBack: number | null;
}

/** Means the gains of an answer's tokens over its phases. */
export function visualGainPhases(answer: GeneratedAnswer, gains: Float32Array): VisualGainPhases {
  const { firstBack } = answer.reading();
  const look = firstBack && answer.tokenSpan(firstBack.start, firstBack.end);
  return {
    whole: meanOf([...gains]) ?? 0,
    inBack: look && meanOf([...gains.subarray(look.tokenStart, look.tokenEnd)]),
  };
}

/** Scores completions with and without their pictures. */
export class VisualGain {
  readonly #scorer: LoraAdapter;
  readonly #tokensPerMicroBatch: number;
  readonly #blanks = new BlankPictures();

  /** @param scorer the frozen adapter; its owner frees it after the last call */
  constructor(scorer: LoraAdapter, tokensPerMicroBatch: number) {
    [this.#scorer, this.#tokensPerMicroBatch] = [scorer, tokensPerMicroBatch];
  }

  /**
   * log π(token | picture) − log π(token | blank picture) of each token of each completion, in nats at the policy's
   * temperature; null for a group without a picture. Two forward passes over the groups with one.
   * @returns by group, then by completion, in order
   * @throws the signal's reason when aborted
   */
  async of(
    groups: readonly CompletionGroup[],
    policy: LoraPolicy,
    hooks: StepHooks = {},
  ): Promise<(readonly Float32Array[] | null)[]> {
    const seeing = groups.filter(({ prompt }) => prompt.images.length > 0);
    const seen = await this.#score(seeing, policy, hooks);
    const blind = await this.#score(seeing.map(this.#blinded), policy, hooks);
    const gains = seen.map((value, index) => value - itemAt(blind, index));
    let at = 0;
    const take = (length: number): Float32Array => {
      at += length;
      return gains.subarray(at - length, at);
    };
    return groups.map(({ prompt, completions }) =>
      prompt.images.length === 0 ? null : completions.map(({ length }) => take(length)),
    );
  }

  async #score(
    groups: readonly CompletionGroup[],
    policy: LoraPolicy,
    hooks: StepHooks,
  ): Promise<Float32Array> {
    const parts: Float32Array[] = [];
    if (groups.length === 0) return new Float32Array();
    for (const micro of policy.microBatches(groups, this.#tokensPerMicroBatch)) {
      hooks.signal?.throwIfAborted();
      parts.push((await policy.score(micro, hooks, this.#scorer)).logp);
    }
    return Float32Array.from(parts.flatMap((part) => [...part]));
  }

  readonly #blinded = ({ prompt, completions }: CompletionGroup): CompletionGroup => ({
    prompt: { ...prompt, images: prompt.images.map((image) => this.#blanks.of(image)) },
    completions,
  });
}
