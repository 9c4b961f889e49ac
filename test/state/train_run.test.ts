// The record of a run: steps in order whatever comes, batches cut anywhere, steps taken again after a checkpoint.
import { describe, expect, it } from 'vitest';
import {
  alertsOf,
  recentMean,
  reduceShownRun,
  type ShownRun,
  secondsLeft,
  shownRunOf,
} from '../../src/state/train_run';
import type { EngineEvent } from '../../src/worker/protocol/messages';
import type { StepMetrics, TrainingStatus } from '../../src/worker/protocol/training';
import { detailOf, evaluated, grouped, metricsOf, runOf, statusOf, stepped } from './train_script';

const EMPTY: ShownRun = shownRunOf(detailOf(runOf('r1')));
const steps = (record: ShownRun) => record.metrics.map(({ step }) => step);

describe('reduceShownRun', () => {
  it('does not depend on how events are cut into batches', () => {
    const events: EngineEvent[] = [
      ...[stepped('r1', 1), grouped('r1', 1), stepped('r1', 2), evaluated('r1', 2, [true])],
      ...[stepped('r1', 3), stepped('r1', 2, { loss: 9 }), grouped('r1', 2), stepped('r1', 3, { loss: 8 })],
    ];
    const whole = reduceShownRun(EMPTY, events);
    for (let cut = 0; cut <= events.length; cut++) {
      const parts = reduceShownRun(reduceShownRun(EMPTY, events.slice(0, cut)), events.slice(cut));
      expect(parts, `cut at ${cut}`).toEqual(whole);
    }
    expect(steps(whole)).toEqual([1, 2, 3]);
    expect(whole.metrics.map(({ values }) => values.loss)).toEqual([1, 9, 8]);
  });

  it('replaces what came after the checkpoint that a run went back to', () => {
    const before = reduceShownRun(shownRunOf(detailOf(runOf('r1'), 9)), [evaluated('r1', 8, [false])]);
    const after = reduceShownRun(before, [stepped('r1', 6), evaluated('r1', 6, [true])]);
    expect(steps(after)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(after.evaluations.map(({ step }) => step)).toEqual([6]);
  });

  it('drops evaluations and groups of steps that are taken again', () => {
    const before = [stepped('r1', 4), evaluated('r1', 4, [true]), stepped('r1', 8)];
    const lost = reduceShownRun(EMPTY, [...before, evaluated('r1', 8, [false]), grouped('r1', 8)]);
    const again = reduceShownRun(lost, [stepped('r1', 6)]);
    expect(again.evaluations.map(({ step }) => step)).toEqual([4]);
    expect(again.groups).toBeNull();
    expect(again.groupSteps).toEqual([]);
  });

  it('stays the same object when nothing concerns it', () => {
    expect(reduceShownRun(EMPTY, [stepped('other', 1), statusOf('r1', 'running', 1)])).toBe(EMPTY);
  });

  it('has the groups of the last step, and knows of which steps more can be read', () => {
    const record = reduceShownRun(EMPTY, [grouped('r1', 1), grouped('r1', 2)]);
    expect([record.groups?.step, record.groupSteps]).toEqual([2, [1, 2]]);
    expect(reduceShownRun(record, [grouped('r1', 2)]).groupSteps).toEqual([1, 2]);
  });
});

describe('recentMean', () => {
  const metrics = [metricsOf(1), metricsOf(2, { kl: Number.NaN }), metricsOf(3, { kl: 0.5, loss: 2 })];

  it('averages the recorded ones of the last steps', () => {
    expect(recentMean(metrics, 'loss', 2)).toBe(1.25);
    expect(recentMean(metrics, 'kl', 3)).toBe(0.5);
    expect(recentMean(metrics, 'none', 3)).toBeNull();
  });
});

describe('secondsLeft', () => {
  const of = (event: EngineEvent) => secondsLeft((event as { status: TrainingStatus }).status);

  it('is the measured pace times the steps left, and nothing before it is measured', () => {
    expect(of(statusOf('r1', 'running', 4))).toBe(24);
    expect(of(statusOf('r1', 'running', 0, { secondsPerStep: null }))).toBeNull();
    expect(of(statusOf('r1', 'paused', 4))).toBeNull();
  });
});

describe('alertsOf', () => {
  const of = (values: Readonly<Record<string, number>>, count = 5): StepMetrics[] =>
    Array.from({ length: count }, (_, i) => metricsOf(i + 1, values));

  it('needs five steps and a mean above the bound', () => {
    expect(alertsOf(of({ frac_reward_zero_std: 1 }, 4))).toEqual([]);
    expect(alertsOf(of({ frac_reward_zero_std: 1 }))).toEqual(['no-signal']);
    expect(alertsOf(of({ frac_reward_zero_std: 0.8 }))).toEqual([]);
    expect(alertsOf(of({ 'look_back/empty_back_rate': 0.2, kl: 2 }))).toEqual(['empty-backs', 'kl']);
  });
});
