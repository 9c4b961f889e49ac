// Says how a set of written answers is divided: what is held out for evaluation, what is trained on, and how often.
// The trainer, the page and the command line all ask here, so that what is said before a run is what happens.

import type { SftSettings } from './train_settings';

/** Of a set, this share is held out by default. */
const DEFAULT_SHARE = 0.1;

/** How a set is divided. */
export interface ExampleSplit {
  readonly train: number;
  readonly heldOut: number;
  readonly steps: number;
  /** Passes over the examples that are trained on. */
  readonly epochs: number;
}

/** The number of held-out examples that is proposed for a set of `count`: a tenth, and no more than `most`. */
export function proposedEvalSize(count: number, most: number): number {
  return Math.min(most, Math.floor(count * DEFAULT_SHARE));
}

/** Divides `count` examples. Nothing is held out where nothing is evaluated. `train` may be 0 or less: then none is left. */
export function exampleSplit(
  count: number,
  sft: Pick<SftSettings, 'batchSize' | 'numTrainEpochs' | 'evalSteps' | 'evalSize'>,
  maxSteps: number,
): ExampleSplit {
  const heldOut = sft.evalSteps > 0 ? sft.evalSize : 0;
  const train = count - heldOut;
  const steps =
    sft.numTrainEpochs > 0 ? Math.ceil((sft.numTrainEpochs * Math.max(train, 0)) / sft.batchSize) : maxSteps;
  return { train, heldOut, steps, epochs: train > 0 ? (steps * sft.batchSize) / train : 0 };
}

/** A split in words: `18 train, 2 held out, 2.3 epochs`. */
export function splitWords({ train, heldOut, epochs }: ExampleSplit): string {
  const passes = Number(epochs.toPrecision(epochs < 100 ? 2 : 3));
  return `${train} train, ${heldOut} held out, ${passes} ${passes === 1 ? 'epoch' : 'epochs'}`;
}
