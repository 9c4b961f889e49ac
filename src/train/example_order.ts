// Decides which examples a step takes: shuffled epochs of a finite set, or consecutive positions of a generator.
// Positions follow from seed and step alone, so data order needs no state of its own to resume.

import { itemAt } from '../lib/invariant';
import { createPrng } from '../lib/prng';

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
