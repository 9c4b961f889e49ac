// Says how a set of examples is divided: what is held out for evaluation, what is trained on, and how often.
// The trainers, the page and the command line all ask here, so that what is said before a run is what happens.

import type { HeldOutPlan } from './held_out_settings';

/** Of a set, this share is held out by default. */
const DEFAULT_SHARE = 0.1;
/** Keeps 0.1 · 30, which is a little above 3 in binary, from being rounded up to 4. */
const ROUNDING = 1e-9;

/** How a set is divided. */
export interface ExampleSplit {
  readonly train: number;
  readonly heldOut: number;
  readonly steps: number;
  /** Passes over the examples that are trained on. */
  readonly epochs: number;
}

/** What decides the division. */
export interface SplitSettings extends Pick<HeldOutPlan, 'evalSteps' | 'evalSize'> {
  readonly maxSteps: number;
  /** Examples of a step: written answers of SFT, questions of GRPO. */
  readonly batchSize: number;
  /** Above 0, it decides the steps. */
  readonly numTrainEpochs: number;
}

/** The number of held-out examples that is proposed for a set of `count`: a tenth, and no more than `most`. */
export function proposedEvalSize(count: number, most: number): number {
  return Math.min(most, Math.floor(count * DEFAULT_SHARE));
}

/** How many of `count` examples are evaluated on: a share is rounded up. None where nothing is evaluated. */
export function heldOutSize(
  count: number,
  { evalSteps, evalSize }: Pick<HeldOutPlan, 'evalSteps' | 'evalSize'>,
): number {
  if (evalSteps === 0) return 0;
  return evalSize < 1 ? Math.max(0, Math.ceil(count * evalSize - ROUNDING)) : evalSize;
}

/**
 * Divides `count` examples. `train` may be 0 or less: then none is left.
 * @param separate the run is evaluated on another set, so that nothing of this one is held out
 */
export function exampleSplit(count: number, settings: SplitSettings, separate = false): ExampleSplit {
  const { batchSize, numTrainEpochs, maxSteps } = settings;
  const heldOut = separate ? 0 : heldOutSize(count, settings);
  const train = count - heldOut;
  const steps = numTrainEpochs > 0 ? Math.ceil((numTrainEpochs * Math.max(train, 0)) / batchSize) : maxSteps;
  return { train, heldOut, steps, epochs: train > 0 ? (steps * batchSize) / train : 0 };
}

/** A split in words: `18 train, 2 held out, 2.3 epochs`. */
export function splitWords({ train, heldOut, epochs }: ExampleSplit): string {
  const passes = Number(epochs.toPrecision(epochs < 100 ? 2 : 3));
  return `${train} train, ${heldOut} held out, ${passes} ${passes === 1 ? 'epoch' : 'epochs'}`;
}
