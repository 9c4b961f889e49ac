// Mixes examples that look back with plain ones at a wanted rate: the reflection rate of the cold start, which the paper
// finds best between 30 and 50 per cent. Source: Look-Back, arXiv 2507.03019, table 5.

import { createPrng } from '../../lib/prng';

const MIX = 0x3f1ec7;

/** How many examples of each kind a mix takes. */
export interface MixCounts {
  readonly looks: number;
  readonly plains: number;
}

/**
 * The largest mix at a rate, in [0, 1], that the examples allow.
 * @param most examples at most; default all
 */
export function mixCounts(
  looks: number,
  plains: number,
  rate: number,
  most = Number.POSITIVE_INFINITY,
): MixCounts {
  const byLooks = rate > 0 ? looks / rate : Number.POSITIVE_INFINITY;
  const byPlains = rate < 1 ? plains / (1 - rate) : Number.POSITIVE_INFINITY;
  const total = Math.floor(Math.min(byLooks, byPlains, most));
  const taken = Math.min(looks, Math.round(total * rate));
  return { looks: taken, plains: Math.min(plains, total - taken) };
}

/** The first of both kinds, as many as {@link mixCounts} says, in an order that the seed decides. */
export function mixExamples<T>(
  looks: readonly T[],
  plains: readonly T[],
  { rate, most, seed }: { readonly rate: number; readonly most?: number; readonly seed: number },
): T[] {
  const counts = mixCounts(looks.length, plains.length, rate, most);
  const mixed = [...looks.slice(0, counts.looks), ...plains.slice(0, counts.plains)];
  const prng = createPrng(MIX, seed);
  return mixed
    .map((item) => ({ item, key: prng.nextFloat() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
