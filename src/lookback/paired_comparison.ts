// Compares two evaluations of the same questions: the difference of their accuracies with an interval over questions, and
// whether the questions that changed did so more often one way than chance allows. Pure.

import { createPrng } from '../lib/prng';
import { type SceneOutcome, wilson } from './evaluation';

/** What an arm answered to one question. */
export type PairedOutcome = Pick<SceneOutcome, 'index' | 'kind' | 'expected' | 'correct'>;

/** The second arm against the first on the same questions. */
export interface PairedComparison {
  readonly count: number;
  readonly first: number;
  readonly second: number;
  /** Accuracy of the second minus that of the first, with the 95 % percentile interval of the bootstrap over questions. */
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number };
  /** Questions that only the second answered right, and that only the first did. */
  readonly gained: number;
  readonly lost: number;
  /** Two-sided exact p of McNemar's test: `gained` against `lost` as tosses of a fair coin; 1 where nothing changed. */
  readonly p: number;
}

/** Draws of the bootstrap: the interval's ends are good to about 0.05 of its width. */
const DRAWS = 2000;
const BOOTSTRAP = 0xb0075;

/** ln(n!) summed up: exact enough for some hundred thousand questions. */
function logFactorials(n: number): Float64Array {
  const table = new Float64Array(n + 1);
  for (let i = 1; i <= n; i++) table[i] = (table[i - 1] as number) + Math.log(i);
  return table;
}

/**
 * Two-sided exact p of McNemar's test.
 * @source McNemar 1947, Psychometrika 12; exact by the binomial distribution of the changed pairs
 */
export function mcnemar(gained: number, lost: number): number {
  const n = gained + lost;
  if (n === 0) return 1;
  const log = logFactorials(n);
  const term = (k: number): number =>
    Math.exp((log[n] as number) - (log[k] as number) - (log[n - k] as number) - n * Math.LN2);
  let tail = 0;
  for (let k = 0; k <= Math.min(gained, lost); k++) tail += term(k);
  return Math.min(1, 2 * tail);
}

/**
 * Percentile interval of the mean of paired differences.
 * @param gained questions with +1
 * @param lost   questions with −1
 * @source Efron 1979, Annals of Statistics 7
 */
function bootstrap(gained: number, lost: number, count: number): { low: number; high: number } {
  const prng = createPrng(BOOTSTRAP, gained, lost, count);
  const means = Float64Array.from({ length: DRAWS }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const drawn = prng.nextInt(count);
      if (drawn < gained) sum++;
      else if (drawn < gained + lost) sum--;
    }
    return sum / count;
  }).sort();
  const at = (share: number): number => means[Math.round(share * (DRAWS - 1))] as number;
  return { low: at(0.025), high: at(0.975) };
}

/**
 * Pairs outcomes by their index.
 * @throws RangeError naming the first question that only one arm has, or that differs between them
 */
export function pairOutcomes<T extends PairedOutcome>(first: readonly T[], second: readonly T[]): [T, T][] {
  const others = new Map(second.map((outcome) => [outcome.index, outcome]));
  const pairs = first.map((one): [T, T] => {
    const other = others.get(one.index);
    if (other === undefined) throw new RangeError(`Question ${one.index} is in the first file alone.`);
    if (other.expected !== one.expected || other.kind !== one.kind)
      throw new RangeError(`Question ${one.index} is another one in the second file.`);
    return [one, other];
  });
  if (others.size !== pairs.length || first.length !== pairs.length) {
    const known = new Set(first.map(({ index }) => index));
    const extra = second.find(({ index }) => !known.has(index));
    throw new RangeError(
      `Question ${extra?.index ?? ''} is in the second file alone, or stands twice in one.`,
    );
  }
  return pairs;
}

/** The second of each pair against the first. */
export function compareOutcomes(
  pairs: readonly (readonly [PairedOutcome, PairedOutcome])[],
): PairedComparison {
  const count = pairs.length;
  const right = (arm: 0 | 1): number => pairs.filter((pair) => pair[arm].correct).length;
  const gained = pairs.filter(([first, second]) => !first.correct && second.correct).length;
  const lost = pairs.filter(([first, second]) => first.correct && !second.correct).length;
  const mean = count === 0 ? 0 : (gained - lost) / count;
  const interval = count === 0 ? { low: -1, high: 1 } : bootstrap(gained, lost, count);
  return {
    count,
    first: wilson(right(0), count).mean,
    second: wilson(right(1), count).mean,
    difference: { mean, ...interval },
    gained,
    lost,
    p: mcnemar(gained, lost),
  };
}

/** {@link compareOutcomes} for each kind of question, by name. */
export function compareKinds(
  pairs: readonly (readonly [PairedOutcome, PairedOutcome])[],
): Record<string, PairedComparison> {
  const kinds = [...new Set(pairs.map(([{ kind }]) => kind))].sort();
  return Object.fromEntries(
    kinds.map((kind) => [kind, compareOutcomes(pairs.filter(([first]) => first.kind === kind))]),
  );
}
