// Describes an experiment's results as the page receives them, a static file that `npm run experiment -- NAME --ship` writes,
// and reads the outcomes of single questions out of it.

import type { Split } from '../data/world/world_sample';
import { DataError } from '../lib/errors';
import type { ReasoningMode } from '../settings/reasoning_modes';

/** A mean with its 95 % interval. */
export interface ShippedFigure {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly seeds: number;
  readonly count: number;
}

/** What one arm came to on one set. */
export interface ShippedCell {
  readonly arm: string;
  readonly set: string;
  readonly accuracy: ShippedFigure;
  readonly triggerRate: number;
  readonly genuineScanRate: number;
  readonly emptyBackRate: number;
  readonly late: number | null;
  readonly inBack: number | null;
  readonly meanLength: number;
}

/** The second arm against the first on one set. */
export interface ShippedComparison {
  readonly first: string;
  readonly second: string;
  readonly set: string;
  readonly difference: ShippedFigure;
  readonly gained: number;
  readonly lost: number;
  readonly p: number | null;
}

/** An arm's answers to a set with one seed: a bit for each question, base64. */
export interface ShippedAnswers {
  readonly arm: string;
  /** Null for the base. */
  readonly seed: number | null;
  readonly set: string;
  readonly correct: string;
  readonly lookedBack: string;
}

/** A set of questions. */
export interface ShippedSet {
  readonly name: string;
  readonly split: Split;
  readonly visual: boolean;
  readonly count: number;
  readonly seed: number;
}

/** The file. */
export interface ShippedExperiment {
  readonly version: 1;
  readonly name: string;
  readonly question: string;
  readonly protocol: Readonly<Record<string, string>>;
  readonly model: string;
  readonly seeds: readonly number[];
  /** Commits of the sources that gave the answers. */
  readonly commits: readonly string[];
  readonly devices: readonly string[];
  /** Parts that have not been run, of all. */
  readonly missing: number;
  readonly arms: readonly {
    readonly name: string;
    readonly says: string;
    readonly mode: ReasoningMode;
    /** Whether it is the base without training. */
    readonly base: boolean;
  }[];
  readonly sets: readonly ShippedSet[];
  readonly cells: readonly ShippedCell[];
  readonly comparisons: readonly ShippedComparison[];
  /** What the paper found beside what was found here; `found` is null where it was not measured so far. */
  readonly paper: readonly {
    readonly says: string;
    readonly paper: string;
    readonly set: string;
    readonly found: string | null;
    readonly arms: readonly string[];
  }[];
  readonly answers: readonly ShippedAnswers[];
}

/** A line of the list of experiments that ship. */
export interface ShippedName {
  readonly name: string;
  readonly question: string;
}

/** Packs a row of `0` and `1` into bits, the first question in the highest bit of the first byte, as base64. */
export function packBits(row: string): string {
  const bytes = new Uint8Array(Math.ceil(row.length / 8));
  for (let i = 0; i < row.length; i++) {
    if (row[i] === '1') bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (128 >> (i & 7));
  }
  return btoa(String.fromCharCode(...bytes));
}

/** The bits of {@link packBits}. @throws DataError `data/row` for text of another length or form */
export function unpackBits(packed: string, count: number): boolean[] {
  let bytes = '';
  try {
    bytes = atob(packed);
  } catch {
    // Told below.
  }
  if (bytes.length !== Math.ceil(count / 8))
    throw new DataError('data/row', `These results are damaged: ${count} outcomes were expected.`);
  return Array.from({ length: count }, (_, i) => (bytes.charCodeAt(i >> 3) & (128 >> (i & 7))) !== 0);
}

/** What one arm did with one question, seed by seed. */
export interface ArmOutcome {
  readonly arm: string;
  readonly seeds: readonly {
    readonly seed: number | null;
    readonly correct: boolean;
    readonly lookedBack: boolean;
  }[];
}

/** One question with the outcome of every arm that was asked. */
export interface QuestionOutcomes {
  readonly index: number;
  readonly arms: readonly ArmOutcome[];
}

/** The outcomes of all questions of a set, by arm and seed. @throws DataError as {@link unpackBits} */
export function outcomesOf({ answers, arms }: ShippedExperiment, set: ShippedSet): QuestionOutcomes[] {
  const rows = answers
    .filter((own) => own.set === set.name)
    .map(({ arm, seed, correct, lookedBack }) => ({
      ...{ arm, seed },
      correct: unpackBits(correct, set.count),
      lookedBack: unpackBits(lookedBack, set.count),
    }));
  const known = arms.filter(({ name }) => rows.some(({ arm }) => arm === name));
  return Array.from({ length: set.count }, (_, index) => ({
    index,
    arms: known.map(({ name }) => ({
      arm: name,
      seeds: rows
        .filter(({ arm }) => arm === name)
        .map(({ seed, correct, lookedBack }) => ({
          seed,
          correct: correct[index] === true,
          lookedBack: lookedBack[index] === true,
        })),
    })),
  }));
}

/** Which questions of one arm, or of two against each other, are listed. */
export type OutcomeFilter = 'all' | 'right' | 'wrong' | 'lookedBack' | 'gained' | 'lost';

/** Share of seeds that are right; null where the arm was not asked. */
function rightOf({ arms }: QuestionOutcomes, arm: string): number | null {
  const seeds = arms.find((own) => own.arm === arm)?.seeds ?? [];
  return seeds.length === 0 ? null : seeds.filter(({ correct }) => correct).length / seeds.length;
}

/**
 * Questions that pass a filter. Of several seeds, an arm is right where most are; `gained` and `lost` are those where the
 * second arm has more, or fewer, right seeds than the first.
 */
export function filteredOutcomes(
  questions: readonly QuestionOutcomes[],
  filter: OutcomeFilter,
  [first, second]: readonly [first: string, second?: string],
): QuestionOutcomes[] {
  const passes = (one: QuestionOutcomes): boolean => {
    const [before, after] = [rightOf(one, first), second === undefined ? null : rightOf(one, second)];
    switch (filter) {
      case 'all':
        return true;
      case 'right':
        return (before ?? 0) > 0.5;
      case 'wrong':
        return before !== null && before <= 0.5;
      case 'lookedBack':
        return one.arms.some(({ arm, seeds }) => arm === first && seeds.some(({ lookedBack }) => lookedBack));
      case 'gained':
        return before !== null && after !== null && after > before;
      case 'lost':
        return before !== null && after !== null && after < before;
    }
  };
  return questions.filter(passes);
}
