// Holds what the paper found beside what an experiment found, where the experiment asks the same: a table paper ↔ pocket.
// Figures of the paper are those of its public summaries and of a later paper's table (reference in each row).

import { accuracyOf, differenceOf, type ExperimentResults, rowsOf } from './experiment_results';

/** One finding of the paper, and how an experiment measures the same. */
interface Finding {
  readonly says: string;
  readonly paper: string;
  readonly measure:
    | { readonly kind: 'difference'; readonly pair: readonly [string, string] }
    | { readonly kind: 'looked back' | 'empty looks'; readonly arm: string }
    /** The late thought is that of `thinking`, an arm which may be another: one that never looks back. */
    | { readonly kind: 'late thought and look'; readonly arm: string; readonly thinking: string };
}

/** One row of the table; `found` is null where the experiment has not been run so far. */
export interface PaperRow {
  readonly says: string;
  readonly paper: string;
  readonly set: string;
  readonly found: string | null;
  /** The arms behind the number: the questions that it counts. */
  readonly arms: readonly string[];
}

const difference = (first: string, second: string) =>
  ({ kind: 'difference', pair: [first, second] }) as const;

/** Findings by the name of the experiment that asks about them. */
const FINDINGS: Readonly<Record<string, readonly Finding[]>> = {
  main: [
    {
      says: 'A prompt alone makes the untrained model look back',
      paper: 'in 62.5 % of the answers',
      measure: { kind: 'looked back', arm: 'base_solution' },
    },
    {
      says: 'A prompt that asks for a look back, against chain of thought',
      paper: 'about +2 points',
      measure: difference('base_cot', 'base_solution'),
    },
    {
      says: 'Semantic-back whole, against the base',
      paper: '+7.0 points (mathematics)',
      measure: difference('base_cot', 'semantic'),
    },
    {
      says: 'Solution-back whole, against the base',
      paper: '+7.9 points (mathematics)',
      measure: difference('base_cot', 'solution'),
    },
    {
      says: 'Semantic-back without GRPO, against Semantic-back whole',
      paper: '−9.1 points (67.6 → 58.5)',
      measure: difference('semantic', 'semantic_sft'),
    },
    {
      says: 'Solution-back without SFT, against Solution-back whole',
      paper: '−0.6 to −1.0 points',
      measure: difference('solution', 'solution_grpo'),
    },
    {
      says: 'Attention on the picture, late in the first thought and in the look',
      paper: 'falls while the model reasons, rises in the look',
      measure: { kind: 'late thought and look', arm: 'solution', thinking: 'solution' },
    },
    {
      says: 'The same of Semantic-back, which looks after a thought of a few tokens',
      paper: 'falls while the model reasons, rises in the look',
      measure: { kind: 'late thought and look', arm: 'semantic', thinking: 'semantic' },
    },
    {
      says: 'Late in the thought of the trained chain of thought, and in the look of Semantic-back',
      paper: 'falls while the model reasons, rises in the look',
      measure: { kind: 'late thought and look', arm: 'semantic', thinking: 'cot_sft_grpo' },
    },
    {
      says: 'Looks with nothing inside',
      paper: 'seen in weaker models',
      measure: { kind: 'empty looks', arm: 'solution' },
    },
  ],
};

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const points = (value: number): string => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`;

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function foundOf(results: ExperimentResults, measure: Finding['measure'], set: string): string | null {
  if (measure.kind === 'difference') {
    const found = differenceOf(results, measure.pair, set);
    return found === null
      ? null
      : `${points(found.mean)} points (${points(found.low)} to ${points(found.high)})`;
  }
  if (accuracyOf(results, measure.arm, set) === null) return null;
  const reportsOf = (arm: string) => rowsOf(results, arm, set).map(({ report }) => report);
  const reports = reportsOf(measure.arm);
  if (measure.kind === 'late thought and look') {
    const late = mean(reportsOf(measure.thinking).map(({ attention }) => attention.late));
    const inBack = mean(reports.map(({ attention }) => attention.inBack));
    return late == null || inBack == null ? null : `${late.toFixed(3)} → ${inBack.toFixed(3)}`;
  }
  const rate = mean(
    reports.map((report) => (measure.kind === 'looked back' ? report.triggerRate : report.emptyBackRate)),
  );
  return rate === null ? null : percent(rate);
}

function armsOf(measure: Finding['measure']): readonly string[] {
  if (measure.kind === 'difference') return measure.pair;
  const thinking = measure.kind === 'late thought and look' ? [measure.thinking] : [];
  return [...new Set([...thinking, measure.arm])];
}

/**
 * The table, a row for each finding and each set whose questions all need the picture; empty for an experiment that the
 * paper has no counterpart of.
 */
export function paperRows(results: ExperimentResults): PaperRow[] {
  const { name, sets } = results.experiment;
  return (FINDINGS[name] ?? []).flatMap(({ says, paper, measure }) =>
    sets
      .filter(({ visual }) => visual)
      .map((set): PaperRow => {
        const arms = armsOf(measure);
        return { says, paper, set: set.name, found: foundOf(results, measure, set.name), arms };
      }),
  );
}
