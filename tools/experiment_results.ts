// Sums up an experiment from the answers of its arms: what each arm got right with an interval over questions and seeds,
// and each comparison question by question. What is kept of every answer is enough to do the sums again.

import { isHollow } from '../src/answer/answer_format';
import { createPrng } from '../src/lib/prng';
import {
  type EvaluationReport,
  type Proportion,
  type SceneOutcome,
  wilson,
} from '../src/lookback/evaluation';
import { mcnemar } from '../src/lookback/paired_comparison';
import type { Configs, Experiment } from './experiment_plan';

/** What is kept of one arm's answers to one set. A character or word stands for a question, in the set's order. */
export interface KeptAnswers {
  readonly arm: string;
  /** The training seed; null where nothing was trained. */
  readonly seed: number | null;
  readonly set: string;
  readonly report: EvaluationReport;
  readonly device: string;
  /** Commit of the sources that gave the answers, and whether they had been changed. */
  readonly commit: string;
  /** `1` where the answer is right. */
  readonly correct: string;
  /** `1` where it looked back. */
  readonly lookedBack: string;
  /** `1` where a look back is empty. */
  readonly empty: string;
  /** `1` where a look is hollow: fewer than eight words, none, or a copy. Absent in results of earlier versions. */
  readonly hollow?: string;
  /** Tokens of each answer. */
  readonly lengths: readonly number[];
  /** FNV-1a of each answer's text, base 36, separated by spaces: `--verify` compares them. */
  readonly digests: string;
}

/** What is kept of one stage of training. */
export interface KeptTraining {
  readonly steps: number;
  /** Sampled or learned tokens of all steps. */
  readonly tokens: number;
  /** Commit of the sources that trained it, and whether they had been changed. */
  readonly commit: string;
}

/** What an experiment found; the file `docs/results/NAME.json`. */
export interface ExperimentResults {
  readonly experiment: Experiment;
  /** The configurations that its stages start from, by their paths, as they were when it ran; of given adapters a digest. */
  readonly configs: Configs;
  /** Folders of what has not been run. */
  readonly missing: readonly string[];
  /** Every stage of training, by its folder. */
  readonly training: Readonly<Record<string, KeptTraining>>;
  readonly answers: readonly KeptAnswers[];
}

/** A mean with its 95 % interval over questions and seeds. */
export interface ArmFigure extends Proportion {
  readonly seeds: number;
  readonly count: number;
}

/** The second arm against the first, question by question. */
export interface ArmDifference extends ArmFigure {
  readonly gained: number;
  readonly lost: number;
  /** McNemar's exact p over all seeds' questions; null with several seeds, whose answers hang together. */
  readonly p: number | null;
}

const DRAWS = 2000;
const BOOTSTRAP = 0xe9be;

/** 32-bit FNV-1a of a text's UTF-16 units, base 36. */
export function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}

const bits = (outcomes: readonly SceneOutcome[], holds: (outcome: SceneOutcome) => boolean): string =>
  outcomes.map((outcome) => (holds(outcome) ? '1' : '0')).join('');

/** Stands for the tokens of a stretch, which outcomes do not keep; a token of pocket is a word or a mark behind one. */
const countWords =
  (text: string) =>
  (start: number, end: number): number =>
    text.slice(start, end).split(/\s+/).filter(Boolean).length;

/** Keeps what {@link KeptAnswers} says of the outcomes, which are in the set's order. */
export function keptAnswers(
  where: Pick<KeptAnswers, 'arm' | 'seed' | 'set' | 'report' | 'device' | 'commit'>,
  outcomes: readonly SceneOutcome[],
): KeptAnswers {
  return {
    ...where,
    correct: bits(outcomes, ({ correct }) => correct),
    lookedBack: bits(outcomes, ({ triggered }) => triggered),
    empty: bits(outcomes, ({ emptyBack }) => emptyBack),
    hollow: bits(outcomes, ({ text }) => isHollow({ text, countTokens: countWords(text) })),
    lengths: outcomes.map(({ length }) => length),
    digests: outcomes.map(({ text }) => digest(text)).join(' '),
  };
}

/**
 * Mean and percentile interval of values [seed][question], seeds and questions drawn anew independently, as every seed
 * answers the same questions.
 * @source Efron 1979, Annals of Statistics 7; crossed: Owen 2007, Annals of Applied Statistics 1
 */
export function crossedBootstrap(values: readonly (readonly number[])[]): Proportion {
  const [seeds, count] = [values.length, values[0]?.length ?? 0];
  if (count === 0) return { mean: 0, low: 0, high: 0 };
  const total = values.reduce((sum, row) => sum + row.reduce((own, value) => own + value, 0), 0);
  const prng = createPrng(BOOTSTRAP, seeds, count);
  const means = Float64Array.from({ length: DRAWS }, () => {
    const drawn = new Float64Array(count);
    for (let s = 0; s < seeds; s++) {
      const row = values[prng.nextInt(seeds)] ?? [];
      for (let q = 0; q < count; q++) drawn[q] = (drawn[q] ?? 0) + (row[q] ?? 0);
    }
    let sum = 0;
    for (let q = 0; q < count; q++) sum += drawn[prng.nextInt(count)] ?? 0;
    return sum / (seeds * count);
  }).sort();
  const at = (share: number): number => means[Math.round(share * (DRAWS - 1))] ?? 0;
  return { mean: total / (seeds * count), low: at(0.025), high: at(0.975) };
}

const asNumbers = (row: string): number[] => [...row].map(Number);

/** The commits whose sources gave the answers, in the order of the answers. */
export function commitsOf({ answers }: Pick<ExperimentResults, 'answers'>): readonly string[] {
  return [...new Set(answers.map(({ commit }) => commit))];
}

/** Rows of an arm on a set, one a seed. */
export function rowsOf({ answers }: ExperimentResults, arm: string, set: string): readonly KeptAnswers[] {
  return answers.filter((own) => own.arm === arm && own.set === set);
}

/** Accuracy of an arm on a set; null when it has not been asked. */
export function accuracyOf(results: ExperimentResults, arm: string, set: string): ArmFigure | null {
  const rows = rowsOf(results, arm, set).map(({ correct }) => asNumbers(correct));
  const [first] = rows;
  if (first === undefined) return null;
  const of = { seeds: rows.length, count: first.length };
  const right = first.reduce((sum, value) => sum + value, 0);
  return { ...of, ...(rows.length === 1 ? wilson(right, first.length) : crossedBootstrap(rows)) };
}

/** The second arm against the first on a set; seeds that only one of two trained arms has are left out. */
export function differenceOf(
  results: ExperimentResults,
  [first, second]: readonly [string, string],
  set: string,
): ArmDifference | null {
  const [before, after] = [rowsOf(results, first, set), rowsOf(results, second, set)];
  const pairs = pairedRows(before, after);
  const differences = pairs.map(([one, other]) =>
    asNumbers(other.correct).map((value, q) => value - Number(one.correct[q])),
  );
  const [row] = differences;
  if (row === undefined) return null;
  const all = differences.flat();
  const [gained, lost] = [all.filter((d) => d > 0).length, all.filter((d) => d < 0).length];
  const p = differences.length === 1 ? mcnemar(gained, lost) : null;
  return {
    ...{ seeds: differences.length, count: row.length, gained, lost, p },
    ...crossedBootstrap(differences),
  };
}

/** A base answers once and is held against every seed of the other. */
function pairedRows(before: readonly KeptAnswers[], after: readonly KeptAnswers[]) {
  const same = (one: KeptAnswers, other: KeptAnswers): boolean =>
    one.seed === null || other.seed === null || one.seed === other.seed;
  return before.flatMap((one) =>
    after.filter((other) => same(one, other)).map((other): [KeptAnswers, KeptAnswers] => [one, other]),
  );
}
