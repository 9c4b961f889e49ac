// A run's columns: what was measured and what was not, and that a run that grows step by step has
// the columns of the same run read at once.
import { describe, expect, it } from 'vitest';
import { type RunSeries, SeriesReader } from '../../../src/ui/train/run_series';
import type { StepMetrics } from '../../../src/worker/protocol/training';

const METRICS: StepMetrics[] = [
  { step: 1, values: { loss: 4, kl: Number.NaN } },
  { step: 2, values: { loss: 2 } },
  { step: 5, values: { loss: 6, kl: 0.5 } },
  { step: 6, values: { loss: 0 } },
];
const all = (series: RunSeries) => ({
  steps: [...series.steps],
  columns: Object.fromEntries(series.names.map((name) => [name, [...series.column(name)]])),
  means: Object.fromEntries(series.names.map((name) => [name, [...series.means(name, 2)]])),
});

describe('the columns of a run', () => {
  const series = new SeriesReader().read({ metrics: METRICS });

  it('have null where a metric is missing or not finite', () => {
    expect(series.steps).toEqual([1, 2, 5, 6]);
    expect(series.names).toEqual(['loss', 'kl']);
    expect(series.column('kl')).toEqual([null, null, 0.5, null]);
    expect(series.column('unknown')).toEqual([null, null, null, null]);
  });

  it('average recorded values only, as many as there are', () => {
    expect(series.means('loss', 2)).toEqual([4, 3, 4, 3]);
    expect(series.means('loss', 3)).toEqual([4, 3, 4, 8 / 3]);
    expect(series.means('kl', 5)).toEqual([null, null, 0.5, null]);
  });
});

describe('a run that is read again', () => {
  it('is as if it were read for the first time, whatever came before', () => {
    const reader = new SeriesReader();
    const back = [...METRICS.slice(0, 2), { step: 3, values: { loss: 9 } }];
    const evaluated = [...METRICS.slice(0, 3), { step: 6, values: { loss: 0, eval_loss: 1 } }];
    const rewritten = [
      ...METRICS.slice(0, 2),
      { step: 5, values: { loss: 1 } },
      { step: 7, values: { x: 1 } },
    ];
    const runs = [
      ...[0, 1, 3, 4, 4].map((count) => ({ metrics: METRICS.slice(0, count) })),
      { metrics: METRICS },
      // An evaluation adds to the last step.
      { metrics: evaluated },
      { metrics: back },
      { metrics: [] },
      ...[METRICS, rewritten].map((metrics) => ({ metrics })),
    ];
    for (const [i, one] of runs.entries())
      expect(all(reader.read(one)), `reading ${i}`).toEqual(all(new SeriesReader().read(one)));
  });

  it('takes from the record only the steps that are new', () => {
    const reader = new SeriesReader();
    let asked = 0;
    const counted = METRICS.map(({ step, values }) => ({
      step,
      get values() {
        asked += 1;
        return values;
      },
    }));
    reader.read({ metrics: counted.slice(0, 3) }).column('loss');
    const before = asked;
    reader.read({ metrics: counted }).column('loss');
    expect(asked - before).toBe(2);
  });
});
