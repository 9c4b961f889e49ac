// A chart's columns, sentence, legend and table say the same, of one run and of several; and how they are read at a step.
import { describe, expect, it } from 'vitest';
import { axisEnds } from '../../../src/ui/chart/curves_chart';
import {
  comparedSentence,
  curveColumns,
  curveSentence,
  lastRows,
  lastStepShown,
  linesOfRun,
  linesOfRuns,
  type NamedSeries,
  nearestStep,
  newestStep,
  valuesAt,
} from '../../../src/ui/train/curve_lines';
import type { CurveChart } from '../../../src/ui/train/curves';
import { type RunSeries, SeriesReader } from '../../../src/ui/train/run_series';

/** A run with these values at steps 1, 2, …, or at the steps that are named. */
function run(values: readonly Record<string, number>[], steps = values.map((_, i) => i + 1)): RunSeries {
  const metrics = values.map((value, i) => ({ step: steps[i] as number, values: value }));
  return new SeriesReader().read({ metrics });
}

const CHART: CurveChart = {
  ...{ id: 'c', title: 'C', definition: '', unit: 'share', range: [0, 1] },
  lines: [
    { metric: 'a', label: 'first', look: 'first' },
    { metric: 'b', label: 'seldom', look: 'second', sparse: true },
  ],
};

describe('a chart of one run', () => {
  const lines = linesOfRun(CHART, run([{ a: 0.1 }, { a: 0.2, b: 0.9 }, { a: 0.3 }]));

  it('has the values as measured, and gaps', () => {
    expect(curveColumns(lines, 1)).toEqual([
      [1, 2, 3],
      [0.1, 0.2, 0.3],
      [null, 0.9, null],
    ]);
  });

  it('keeps the measured values beside the means', () => {
    const [, raw, , mean, seldom] = curveColumns(lines, 2);
    expect(raw).toEqual([0.1, 0.2, 0.3]);
    expect(mean?.map((value) => value?.toFixed(3))).toEqual(['0.100', '0.150', '0.250']);
    expect(seldom).toEqual([null, 0.9, null]);
  });

  it('says the newest values, the last one of a sparse line', () => {
    expect(valuesAt(lines, 3)).toEqual([0.3, 0.9]);
    expect(valuesAt(lines, null)).toEqual([0.3, 0.9]);
    expect(valuesAt(lines, 1)).toEqual([0.1, null]);
    expect(valuesAt(lines, 0)).toEqual([null, null]);
    const nothing = 'Nothing measured yet.';
    expect(curveSentence(lines, 'share')).toBe('Step 3: first 30 %, seldom 90 %.');
    expect(curveSentence(linesOfRun(CHART, run([])), 'share')).toBe(nothing);
    expect(curveSentence(linesOfRun(CHART, run([{ other: 1 }])), 'share')).toBe(nothing);
  });

  it('tells the change once there are ten steps', () => {
    const long = Array.from({ length: 10 }, (_, i) => ({ a: i < 5 ? 0.2 : 0.6 }));
    expect(curveSentence(linesOfRun(CHART, run(long)), 'share')).toBe(
      'Step 10: first 60 %. Mean of the first 5 steps: first 20 %; of the last 5: first 60 %.',
    );
    expect(curveSentence(linesOfRun(CHART, run(long.slice(1))), 'share')).toBe('Step 9: first 60 %.');
  });

  it('has its last steps as a table, and says how many there are', () => {
    const { rows, all } = lastRows(lines, 2);
    expect(all).toBe(3);
    expect(rows).toEqual([
      { step: 2, values: [0.2, 0.9] },
      { step: 3, values: [0.3, null] },
    ]);
  });

  it('draws few of many steps, the extremes among them', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ a: i === 54_321 ? 99 : Math.sin(i) }));
    const [steps, values = []] = curveColumns(linesOfRun(CHART, run(many)).slice(0, 1), 1);
    expect(steps.length).toBeLessThan(2100);
    expect(steps[values.indexOf(99)]).toBe(54_322);
    expect([steps[0], steps.at(-1)]).toEqual([1, 100_000]);
  });
});

describe('a chart of several runs', () => {
  const long = run([{ a: 0.1 }, { a: 0.2 }, { a: 0.3 }, {}]);
  const seldom = run([{ a: 0.6 }, { a: 0.8 }], [2, 6]);
  const named: [NamedSeries, NamedSeries] = [
    { id: 'r1', label: 'A', look: 'run-a', series: long },
    { id: 'r2', label: 'B', look: 'run-b', series: seldom },
  ];
  const lines = linesOfRuns(CHART, named);

  it('has a line for each, undefined at steps that are another’s alone', () => {
    expect(curveColumns(lines, 1)).toEqual([
      [1, 2, 3, 4, 6],
      [0.1, 0.2, 0.3, null, undefined],
      [undefined, 0.6, undefined, undefined, 0.8],
    ]);
  });

  it('has the means last, in the order of the lines', () => {
    const [, , , first, second] = curveColumns(lines, 2);
    expect(first?.map((value) => value?.toFixed(2))).toEqual(['0.10', '0.15', '0.25', undefined, undefined]);
    expect(second?.map((value) => value?.toFixed(2))).toEqual([
      undefined,
      '0.60',
      undefined,
      undefined,
      '0.70',
    ]);
  });

  it('gives the value of each at a step, and none after a run’s end', () => {
    expect(valuesAt(lines, 2)).toEqual([0.2, 0.6]);
    expect(valuesAt(lines, 3)).toEqual([0.3, 0.6]);
    expect(valuesAt(lines, 6)).toEqual([null, 0.8]);
    expect(valuesAt(lines, 1)).toEqual([0.1, null]);
  });

  it('says the newest of each, and of which step', () => {
    const other = linesOfRuns(CHART, [{ ...named[0], series: run([{ a: 0.5 }]) }, named[1]]);
    expect(comparedSentence(other, 'share')).toBe('A 50 % at step 1; B 80 % at step 6.');
    expect(comparedSentence([], 'share')).toBe('Nothing measured yet.');
  });

  it('has a table of all their steps, empty where a run has none', () => {
    expect(lastRows(lines, 3)).toEqual({
      all: 5,
      rows: [
        { step: 3, values: [0.3, null] },
        { step: 4, values: [null, null] },
        { step: 6, values: [null, 0.8] },
      ],
    });
  });

  it('finds the nearest step of any', () => {
    expect([0, 1.4, 4.9, 5.1, 99].map((at) => nearestStep(lines, at))).toEqual([1, 1, 4, 6, 6]);
    expect(nearestStep(lines, 5)).toBe(4);
    expect([nearestStep([], 1), newestStep([]), newestStep(lines)]).toEqual([null, null, 6]);
  });
});

describe('axes', () => {
  it('show all of a short run, and of a long one room to double', () => {
    expect([lastStepShown(0, 20), lastStepShown(3, 200), lastStepShown(25, 20)]).toEqual([20, 200, 25]);
    expect([lastStepShown(0, 1000), lastStepShown(101, 1000), lastStepShown(900, 1000)]).toEqual([
      100, 200, 1000,
    ]);
  });

  it('keep the chart’s own range unless the data leave it', () => {
    expect(axisEnds([0, 1], 0.2, 0.5)).toEqual([0, 1]);
    expect(axisEnds([0, 1], null, null)).toEqual([0, 1]);
    const [low, high] = axisEnds([0, 1], -0.5, 1.5);
    expect(low).toBeLessThan(-0.5);
    expect(high).toBeGreaterThan(1.5);
  });

  it('never have no height', () => {
    expect(axisEnds([0, 0], null, null)).toEqual([0, 1]);
    expect(axisEnds(null, 2, 2)).toEqual([2, 3]);
  });
});
