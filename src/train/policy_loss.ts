// Says what a policy can be trained on: the losses, what of them is traced into a program, and what is its data.

import type { TrainOptions } from './train_program';

/** Cross-entropy: dLoss/dlogp of each supervised token. */
export interface SftLoss {
  readonly objective: 'sft';
  readonly weights: Float32Array;
}

/** The clipped policy gradient; each array has one value per supervised token. */
export interface GrpoLoss {
  readonly objective: 'grpo';
  /** Weights of the tokens' losses in the batch's. */
  readonly weights: Float32Array;
  readonly advantages: Float32Array;
  /** Log-probabilities under the policy that sampled; null where that is the one that trains. */
  readonly oldLogp: Float32Array | null;
  /** Log-probabilities under the reference; null without a KL term. */
  readonly refLogp: Float32Array | null;
  readonly epsilonLow: number;
  readonly epsilonHigh: number;
  readonly beta: number;
}

/** A loss to accumulate. */
export type Loss = SftLoss | GrpoLoss;

/** What of a loss is traced into its program; `score` is no loss. */
export type Objective = Pick<TrainOptions, 'objective' | 'onPolicy' | 'withoutReference'>;

/** The objective of a loss, or of scoring alone. */
export function objectiveOf(loss: Loss | null): Objective {
  if (loss?.objective !== 'grpo') return { objective: loss?.objective ?? 'score' };
  return { objective: 'grpo', onPolicy: loss.oldLogp === null, withoutReference: loss.refLogp === null };
}

/** What of a loss is data: inputs of its program by name. */
export function inputsOf(loss: Loss | null): Record<string, Float32Array> {
  if (loss === null) return {};
  if (loss.objective === 'sft') return { weights: loss.weights };
  const { weights, advantages, oldLogp, refLogp, epsilonLow, epsilonHigh, beta } = loss;
  return {
    weights,
    advantages,
    grpo_settings: Float32Array.of(epsilonLow, epsilonHigh, beta),
    ...(oldLogp === null ? {} : { old_logp: oldLogp }),
    ...(refLogp === null ? {} : { ref_logp: refLogp }),
  };
}
