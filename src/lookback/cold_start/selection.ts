// Chooses which problems get a look back and from which chain of the base it starts. Problems that the base solves now
// and then come first, by the variance of its outcomes; a share is kept for hard ones, where a look can mend a wrong
// thought. The paper selects "by variance and difficulty" without saying how; this is the rule used here.
// Source: Look-Back, arXiv 2507.03019, cold-start data.

import { createPrng, type Prng } from '../../lib/prng';
import type { Chain, SampledProblem } from './rollouts';

/** How to choose. */
export interface SelectionSettings {
  /** Problems to choose for a look back, at most; null for all that serve. */
  readonly looks: number | null;
  /** Share of them that is drawn from hard problems, with a wrong chain each; in [0, 1]. */
  readonly hardShare: number;
  /** Chance that a problem which the base solves now and then starts from a wrong chain; in [0, 1]. */
  readonly wrongFirstShare: number;
  readonly seed: number;
}

/** A problem with the chain that its example starts from. */
export interface SelectedChain {
  readonly sampled: SampledProblem;
  readonly chain: Chain;
}

/** What was chosen, and of how many. */
export interface Selection {
  readonly looks: readonly SelectedChain[];
  /** Right chains of the other problems, in the order in which they are to be taken. */
  readonly plains: readonly SelectedChain[];
  readonly counts: {
    readonly problems: number;
    /** Without one whole chain. */
    readonly withoutChain: number;
    readonly alwaysRight: number;
    readonly neverRight: number;
    readonly nowAndThen: number;
  };
}

/** Problems of at most this accuracy are hard. */
export const HARD_ACCURACY = 0.25;

const SELECT = 0x5e1ec7;

function pick<T>(items: readonly T[], prng: Prng): T | undefined {
  return items[prng.nextInt(items.length)];
}

/**
 * Items in a random order in which heavier ones come earlier: the k-th is drawn from the rest in proportion to its weight.
 * @source Efraimidis & Spirakis 2006, "Weighted random sampling with a reservoir", keys u^(1/w)
 */
function weightedOrder<T>(items: readonly T[], weight: (item: T) => number, prng: Prng): T[] {
  return items
    .map((item) => ({ item, key: Math.log(1 - prng.nextFloat()) / weight(item) }))
    .sort((a, b) => b.key - a.key)
    .map(({ item }) => item);
}

/** Chooses chains for looks back and for plain examples; the same settings and problems give the same choice. */
export function selectChains(all: readonly SampledProblem[], settings: SelectionSettings): Selection {
  const prng = createPrng(SELECT, settings.seed);
  const most = settings.looks ?? Number.MAX_SAFE_INTEGER;
  const usable = all.filter(({ chains }) => chains.length > 0);
  const visual = usable.filter(({ problem }) => problem.visual);
  const wrongOf = ({ chains }: SampledProblem): Chain[] => chains.filter(({ correct }) => !correct);
  const hard = visual.filter((one) => one.accuracy <= HARD_ACCURACY && wrongOf(one).length > 0);
  const mixed = visual.filter(({ variance }) => variance > 0);

  const looks: SelectedChain[] = [];
  const taken = new Set<string>();
  const take = (sampled: SampledProblem, chains: readonly Chain[]): void => {
    const chain = pick(chains, prng);
    if (chain === undefined || taken.has(sampled.problem.id)) return;
    taken.add(sampled.problem.id);
    looks.push({ sampled, chain });
  };
  const hardCount = Math.round(most * settings.hardShare);
  for (const one of weightedOrder(hard, () => 1, prng).slice(0, hardCount)) take(one, wrongOf(one));
  for (const one of weightedOrder(mixed, ({ variance }) => variance, prng)) {
    if (looks.length >= most) break;
    const wrong = wrongOf(one);
    const fromWrong = wrong.length > 0 && prng.nextFloat() < settings.wrongFirstShare;
    take(one, fromWrong ? wrong : one.chains.filter(({ correct }) => correct));
  }
  const plains = weightedOrder(usable, () => 1, prng).flatMap((sampled): SelectedChain[] => {
    const chain = pick(
      sampled.chains.filter(({ correct }) => correct),
      prng,
    );
    return chain === undefined || taken.has(sampled.problem.id) ? [] : [{ sampled, chain }];
  });
  const counts = {
    problems: all.length,
    withoutChain: all.length - usable.length,
    alwaysRight: usable.filter(({ accuracy }) => accuracy === 1).length,
    neverRight: usable.filter(({ accuracy }) => accuracy === 0).length,
    nowAndThen: usable.filter(({ variance }) => variance > 0).length,
  };
  return { looks, plains, counts };
}
