// Gives the lines of a chart, of one run or of several, as columns, as values at a step, as a sentence and as rows of a
// table, all out of the same columns, so that they cannot disagree. Smoothing happens only when asked for, and then the
// measured values stay visible.

import uPlot from 'uplot';
import { neededPlaces } from '../chart/thin_columns';
import type { CurveChart, CurveLine } from './curves';
import { metricText, type Unit } from './figures_text';
import type { Column, RunSeries } from './run_series';
import { TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.curves;
/** Steps of the means that a sentence compares. */
const CHANGE_STEPS = 5;

/** Runs that one chart can tell apart. */
export const RUN_LOOKS = ['run-a', 'run-b', 'run-c', 'run-d', 'run-e'] as const;

/** How a line is told from the others of its chart: dash and width, and for runs that are compared colour too. */
export type LineLook = CurveLine['look'] | (typeof RUN_LOOKS)[number];

/** A metric of a run as one line. */
export interface DrawnLine {
  /** Unlike that of any other line of the chart. */
  readonly id: string;
  readonly label: string;
  readonly look: LineLook;
  /** Measured at some steps only: points are marked, and joined. */
  readonly sparse: boolean;
  readonly metric: string;
  readonly run: RunSeries;
}

/** The lines of a chart of one run. */
export function linesOfRun(chart: CurveChart, run: RunSeries): readonly DrawnLine[] {
  return chart.lines.map(({ metric, label, look, sparse = false }) => ({
    ...{ id: metric, metric, label, look, sparse, run },
  }));
}

/** What distinguishes a run in a chart of several. */
export interface NamedSeries {
  readonly id: string;
  /** A letter. */
  readonly label: string;
  readonly look: LineLook;
  readonly series: RunSeries;
}

/** The lines of a chart of several runs: each run's own of the chart's first metric. */
export function linesOfRuns(chart: CurveChart, runs: readonly NamedSeries[]): readonly DrawnLine[] {
  const { metric = '', sparse = false } = chart.lines[0] ?? {};
  return runs.map(({ id, label, look, series }) => ({ id, metric, label, look, sparse, run: series }));
}

/** The largest step of any line; null before there is one. */
export function newestStep(lines: readonly Pick<DrawnLine, 'run'>[]): number | null {
  const steps = lines.flatMap(({ run }) => run.steps.at(-1) ?? []);
  return steps.length === 0 ? null : Math.max(...steps);
}

/** Place of the last of the ascending steps that is no later than `step`; −1 where none is. */
function placeAt(steps: readonly number[], step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as number) <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The step nearest to a position among those of the lines; null when there is none. Of two alike, the earlier. */
export function nearestStep(lines: readonly Pick<DrawnLine, 'run'>[], position: number): number | null {
  const near = lines.flatMap(({ run: { steps } }) => {
    const at = placeAt(steps, position);
    return [steps[at], steps[at + 1]].filter((step) => step !== undefined);
  });
  return near.reduce<number | null>((best, step) => {
    const closer = best === null ? 1 : Math.abs(best - position) - Math.abs(step - position);
    return best === null || closer > 0 || (closer === 0 && step < best) ? step : best;
  }, null);
}

/** A table for uPlot: steps, then one column for each line; undefined at steps that are another run's alone. */
export type CurveColumns = [steps: number[], ...lines: (number | null | undefined)[][]];

function tableOf(lines: readonly DrawnLine[], run: RunSeries, window: number): CurveColumns {
  const raw = lines.map(({ metric }) => run.column(metric));
  const means = window > 1 ? lines.map(({ metric }) => run.means(metric, window)) : [];
  const places = neededPlaces(raw, run.steps.length);
  const kept = <T>(values: readonly T[]) =>
    places === null ? [...values] : places.map((place) => values[place] as T);
  return [kept(run.steps), ...raw.map(kept), ...means.map(kept)];
}

/**
 * Columns of a chart: steps, then each line as measured, then, for a window of more than one step, the trailing mean of
 * each. Of long runs only the steps that the drawing needs.
 */
export function curveColumns(lines: readonly DrawnLine[], window: number): CurveColumns {
  const runs = [...new Set(lines.map(({ run }) => run))];
  const ofRun = runs.map((run) => lines.filter((line) => line.run === run));
  const tables = runs.map((run, i) => tableOf(ofRun[i] ?? [], run, window));
  const [first = [[]] as CurveColumns] = tables;
  if (tables.length < 2) return first;
  const [steps, ...columns] = uPlot.join(tables) as CurveColumns;
  // Joined, the columns stand run by run: put them back as the lines are, means last.
  const width = window > 1 ? 2 : 1;
  const starts = ofRun.map((_, i) => ofRun.slice(0, i).reduce((sum, own) => sum + own.length * width, 0));
  const places = lines.map((line) => {
    const of = runs.indexOf(line.run);
    const own = ofRun[of] ?? [];
    return { raw: (starts[of] ?? 0) + own.indexOf(line), mean: own.length };
  });
  const raw = places.map((at) => columns[at.raw] ?? []);
  return [steps, ...raw, ...(width === 2 ? places.map((at) => columns[at.raw + at.mean] ?? []) : [])];
}

/**
 * The value of each line at a step; a sparse line gives its last one up to there. Null where there is none, and after a
 * run's last step. Without a step, each run's newest.
 */
export function valuesAt(lines: readonly DrawnLine[], step: number | null): (number | null)[] {
  return lines.map(({ metric, run, sparse }) => {
    const last = run.steps.at(-1) ?? 0;
    const at = placeAt(run.steps, step ?? last);
    if (at < 0 || (step ?? last) > last) return null;
    const column = run.column(metric);
    let place = at;
    while (sparse && place > 0 && column[place] === null) place -= 1;
    return column[place] ?? null;
  });
}

/** `total 0.62, accuracy 0.55`; lines without a value are left out. */
function inWords(lines: readonly DrawnLine[], unit: Unit, values: readonly (number | null)[]): string {
  return lines
    .map(({ label }, i) => ({ label, value: values[i] ?? null }))
    .filter(({ value }) => value !== null)
    .map(({ label, value }) => `${label} ${metricText(value, unit)}`)
    .join(', ');
}

function meanOf(values: Column): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

/** How the lines of one run moved from its first steps to its last; empty before there are enough. */
export function curveChange(lines: readonly DrawnLine[], unit: Unit): string {
  const steps = lines[0]?.run.steps.length ?? 0;
  if (steps < 2 * CHANGE_STEPS) return '';
  const means = (from: number, to: number) =>
    inWords(
      lines,
      unit,
      lines.map(({ run, metric }) => meanOf(run.column(metric).slice(from, to))),
    );
  const first = means(0, CHANGE_STEPS);
  const last = means(steps - CHANGE_STEPS, steps);
  return first === '' || last === '' ? '' : WORDS.change(first, last, CHANGE_STEPS);
}

/** A chart of one run in words: the newest values, and how they moved since the beginning. */
export function curveSentence(lines: readonly DrawnLine[], unit: Unit): string {
  const step = newestStep(lines);
  const newest = step === null ? '' : inWords(lines, unit, valuesAt(lines, step));
  if (step === null || newest === '') return WORDS.none;
  return `${WORDS.sentence(step, newest)} ${curveChange(lines, unit)}`.trim();
}

/** A chart of several runs in words: the newest value of each, and of which step it is. */
export function comparedSentence(lines: readonly DrawnLine[], unit: Unit): string {
  const values = valuesAt(lines, null);
  const told = lines.flatMap(({ label, run }, i) => {
    const value = values[i] ?? null;
    return value === null ? [] : [WORDS.ofRun(label, metricText(value, unit), run.steps.at(-1) ?? 0)];
  });
  return told.length === 0 ? WORDS.none : `${told.join('; ')}.`;
}

/** A step of a table, with the value of each line. */
export interface CurveRow {
  readonly step: number;
  readonly values: readonly (number | null)[];
}

/** The last steps of the lines, `most` at most, ascending, and how many there are in all. */
export function lastRows(
  lines: readonly DrawnLine[],
  most: number,
): { readonly rows: readonly CurveRow[]; readonly all: number } {
  const runs = [...new Set(lines.map(({ run }) => run))];
  const last = new Set(runs.flatMap(({ steps }) => steps.slice(-most)));
  const all =
    runs.length < 2 ? (runs[0]?.steps.length ?? 0) : new Set(runs.flatMap(({ steps }) => steps)).size;
  const rows = [...last].sort((a, b) => a - b).slice(-most);
  return {
    all,
    rows: rows.map((step) => ({
      step,
      values: lines.map(({ run, metric }) => {
        const at = placeAt(run.steps, step);
        return run.steps[at] === step ? (run.column(metric)[at] ?? null) : null;
      }),
    })),
  };
}

/** The largest step of the x axis: all steps of a short run; of a long one, room to double. */
export function lastStepShown(done: number, maxSteps: number): number {
  if (maxSteps <= 200) return Math.max(1, maxSteps, done);
  let top = 100;
  while (top < done) top *= 2;
  return Math.max(Math.min(top, maxSteps), done);
}
