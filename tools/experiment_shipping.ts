// Writes an experiment's results in the small form that the page draws: every figure worked out, the outcome of every
// question as a bit. The page then needs none of the sums.

import type { ShippedExperiment, ShippedFigure } from '../src/state/shipped_experiment';
import { packBits } from '../src/state/shipped_experiment';
import { paperRows } from './experiment_paper';
import { accuracyOf, commitsOf, differenceOf, type ExperimentResults, rowsOf } from './experiment_results';

/** Digits that are drawn. */
const PLACES = 5;

const round = (value: number): number => Number(value.toFixed(PLACES));
const figure = ({ mean, low, high, seeds, count }: ShippedFigure): ShippedFigure => ({
  ...{ mean: round(mean), low: round(low), high: round(high), seeds, count },
});

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : round(known.reduce((sum, value) => sum + value, 0) / known.length);
}

function cellsOf(results: ExperimentResults): ShippedExperiment['cells'] {
  const { arms, sets } = results.experiment;
  return sets.flatMap((set) =>
    arms.flatMap((arm) => {
      const accuracy = accuracyOf(results, arm.name, set.name);
      if (accuracy === null) return [];
      const reports = rowsOf(results, arm.name, set.name).map(({ report }) => report);
      const of = (which: (report: (typeof reports)[number]) => number | null) => mean(reports.map(which));
      return {
        ...{ arm: arm.name, set: set.name, accuracy: figure(accuracy) },
        triggerRate: of((own) => own.triggerRate) ?? 0,
        genuineScanRate: of((own) => own.genuineScanRate) ?? 0,
        emptyBackRate: of((own) => own.emptyBackRate) ?? 0,
        late: of((own) => own.attention.late),
        inBack: of((own) => own.attention.inBack),
        meanLength: of((own) => own.meanLength) ?? 0,
      };
    }),
  );
}

function comparisonsOf(results: ExperimentResults): ShippedExperiment['comparisons'] {
  const { comparisons, sets } = results.experiment;
  return sets.flatMap((set) =>
    comparisons.flatMap(([first, second]) => {
      const found = differenceOf(results, [first, second], set.name);
      if (found === null) return [];
      const { gained, lost, p } = found;
      return { first, second, set: set.name, difference: figure(found), gained, lost, p };
    }),
  );
}

/** The file that the page draws. */
export function shippedExperiment(results: ExperimentResults): ShippedExperiment {
  const { experiment, missing, answers } = results;
  const { name, question, protocol, model, seeds, arms, sets } = experiment;
  return {
    version: 1,
    ...{ name, question, protocol, model, seeds, commits: commitsOf(results), sets },
    devices: [...new Set(answers.map(({ device }) => device))],
    missing: missing.length,
    arms: arms.map((arm) => ({
      ...{ name: arm.name, says: arm.says, mode: arm.mode, base: arm.stages.length === 0 },
    })),
    cells: cellsOf(results),
    comparisons: comparisonsOf(results),
    paper: paperRows(results),
    answers: answers.map(({ arm, seed, set, correct, lookedBack }) => ({
      ...{ arm, seed, set, correct: packBits(correct), lookedBack: packBits(lookedBack) },
    })),
  };
}
