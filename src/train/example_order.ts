// Decides which examples a step takes: shuffled epochs of a finite set, or consecutive positions of a generator.
// Positions follow from seed and step alone, so data order needs no state of its own to resume.

import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { createPrng } from '../lib/prng';
import type { ExampleSplit } from '../settings/held_out';

/** Positions 0..count−1 in an order that depends on the seed words. Fisher and Yates. */
export function shuffled(count: number, ...seed: readonly number[]): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  const prng = createPrng(...seed);
  for (let last = count - 1; last > 0; last--) {
    const other = prng.nextInt(last + 1);
    const [a = 0, b = 0] = [order[last], order[other]];
    order[last] = b;
    order[other] = a;
  }
  return order;
}

/** Deals examples out to steps. */
export class ExampleOrder {
  readonly #count: number;
  readonly #seed: number;
  #epoch = -1;
  #order: number[] = [];

  /** @param count examples, or Infinity for a generator */
  constructor(count: number, seed: number) {
    this.#count = count;
    this.#seed = seed;
  }

  /** Positions of a step that takes `size` examples; a small set comes round within one step. */
  positions(step: number, size: number): number[] {
    return Array.from({ length: size }, (_, index) => this.#at(step * size + index));
  }

  #at(number: number): number {
    if (!Number.isFinite(this.#count)) return number;
    const epoch = Math.floor(number / this.#count);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = shuffled(this.#count, 0x0e90c4, this.#seed, epoch);
    }
    return itemAt(this.#order, number % this.#count);
  }
}

/** Positions of a set of written answers: those held out for evaluation, and those that are trained on. */
export function dealExamples(
  count: number,
  heldOut: number,
  seed: number,
): { readonly held: readonly number[]; readonly train: readonly number[] } {
  const dealt = shuffled(count, 0x5f7e1d, seed);
  return { held: dealt.slice(0, heldOut), train: dealt.slice(heldOut) };
}

/**
 * Positions of a set of questions, as {@link dealExamples} deals them; those that are trained on in the order of the
 * set. `train` is null where nothing is held out, as of a generator: then every position is its own.
 */
export function dealQuestions(
  count: number,
  heldOut: number,
  seed: number,
): { readonly held: readonly number[]; readonly train: readonly number[] | null } {
  if (heldOut === 0) return { held: [], train: null };
  const { held, train } = dealExamples(count, heldOut, seed);
  return { held, train: [...train].sort((a, b) => a - b) };
}

/** Throws ArgumentError where a split leaves nothing to train on, or would hold out of a set without end. */
export function checkSplit(count: number, { train, heldOut }: ExampleSplit): void {
  if (heldOut > 0 && !Number.isFinite(count)) {
    throw new ArgumentError('Nothing can be held out of a set without end: evaluate on another set.');
  }
  if (train >= 1) return;
  const message = `The set has ${count} examples; evalSize holds ${heldOut} out for evaluation: none is left to train on.`;
  throw new ArgumentError(message, { count });
}
