// Which charts a run gets, and that a chart's columns, sentence and legend say the same.
import { describe, expect, it } from 'vitest';
import { axisEnds, nearestStep } from '../../../src/ui/chart/curves_chart';
import { lonePlaces } from '../../../src/ui/chart/step_chart';
import {
  type CurveChart,
  curveColumns,
  curveSentence,
  curvesOf,
  lastStepShown,
  trailingMeans,
  valuesAt,
  withEvaluations,
} from '../../../src/ui/train/curves';
import type { StepMetrics } from '../../../src/worker/protocol/training';

const steps = (...values: Record<string, number>[]): StepMetrics[] =>
  values.map((value, i) => ({ step: i + 1, values: value }));

const CHART: CurveChart = {
  ...{ id: 'c', title: 'C', definition: '', unit: 'share', range: [0, 1] },
  lines: [
    { metric: 'a', label: 'first', look: 'first' },
    { metric: 'b', label: 'seldom', look: 'second', sparse: true },
  ],
};

describe('curvesOf', () => {
  const names = (charts: readonly CurveChart[]) => charts.map(({ id }) => id);

  it('shows the charts that matter before anything is measured, and no others', () => {
    const grpo = curvesOf('grpo', []);
    expect(names(grpo.hero)).toEqual(['reward', 'backs', 'attention', 'length']);
    expect(grpo.more).toEqual([]);
    expect(names(curvesOf('sft', []).hero)).toEqual(['loss', 'answers']);
  });

  it('adds what was logged, under TRL’s names, and each metric once', () => {
    const logged = [
      ...['loss', 'learning_rate', 'grad_norm', 'entropy', 'step_tokens', 'step_time', 'reward', 'kl'],
      ...['reward_std', 'rewards/accuracy/mean', 'rewards/accuracy/std', 'rewards/format/mean', 'accuracy'],
      ...['rewards/length/mean', 'frac_reward_zero_std', 'completions/mean_length', 'dropped_groups'],
      ...['completions/clipped_ratio', 'clip_ratio/region_mean', 'look_back/trigger_rate'],
      ...['look_back/empty_back_rate', 'look_back/back_length', 'look_back/image_attention_before'],
      ...['look_back/image_attention_inside', 'look_back/image_attention_after', 'look_back/wrong_to_right'],
      ...['look_back/right_to_wrong', 'look_back/strict_format_rate', 'something/new'],
    ];
    const { hero, more } = curvesOf('grpo', steps(Object.fromEntries(logged.map((name) => [name, 1]))));
    const drawn = [...hero, ...more].flatMap(({ lines }) => lines.map(({ metric }) => metric));
    expect(drawn.toSorted()).toEqual(logged.filter((name) => name !== 'rewards/accuracy/std').toSorted());
    expect(hero[0]?.lines.map(({ label }) => label)).toEqual(['total', 'accuracy', 'format', 'length']);
    expect(more.at(-1)?.title).toBe('something/new');
  });
});

describe('columns, sentence and legend', () => {
  const metrics = steps({ a: 0.1 }, { a: 0.2, b: 0.9 }, { a: 0.3 });

  it('have the values as measured, and gaps', () => {
    expect(curveColumns(CHART, metrics, false)).toEqual([
      [1, 2, 3],
      [0.1, 0.2, 0.3],
      [null, 0.9, null],
    ]);
  });

  it('keep the measured values beside the means', () => {
    const [, raw, , mean] = curveColumns(CHART, metrics, true);
    expect(raw).toEqual([0.1, 0.2, 0.3]);
    expect(mean?.map((value) => value?.toFixed(3))).toEqual(['0.100', '0.150', '0.200']);
  });

  it('say the newest values, the last one of a sparse line', () => {
    expect(valuesAt(CHART, metrics, 3)).toEqual([0.3, 0.9]);
    expect(valuesAt(CHART, metrics, 1)).toEqual([0.1, null]);
    expect(curveSentence(CHART, metrics)).toBe('Step 3: first 30 %, seldom 90 %.');
    expect(curveSentence(CHART, [])).toBe('Nothing measured yet.');
    expect(curveSentence(CHART, steps({ other: 1 }))).toBe('Nothing measured yet.');
  });

  it('tell the change once there are ten steps', () => {
    const long = Array.from({ length: 10 }, (_, i) => ({ a: i < 5 ? 0.2 : 0.6 }));
    expect(curveSentence(CHART, steps(...long))).toBe(
      'Step 10: first 60 %. Mean of the first 5 steps: first 20 %; of the last 5: first 60 %.',
    );
    expect(curveSentence(CHART, steps(...long.slice(1)))).toBe('Step 9: first 60 %.');
  });
});

describe('withEvaluations', () => {
  it('adds the shares of the sampled answers at their step, and nothing without any', () => {
    const metrics = steps({ loss: 1 }, { loss: 2 });
    const sample = { question: '', expected: '1', text: '', answer: '1' };
    const samples = [
      { ...sample, correct: true, format: 'back' as const },
      { ...sample, correct: false, format: 'back' as const },
    ];
    const drawn = withEvaluations({
      runId: 'r',
      metrics,
      evaluations: [{ step: 2, samples }],
      groups: null,
      groupSteps: [],
    });
    expect(drawn).toEqual(steps({ loss: 1 }, { loss: 2, 'samples/right': 0.5, 'samples/looks_back': 1 }));
    expect(withEvaluations({ runId: 'r', metrics, evaluations: [], groups: null, groupSteps: [] })).toBe(
      metrics,
    );
    const answers = curvesOf('sft', drawn).hero[1];
    expect(answers && valuesAt(answers, drawn, 2)).toEqual([0.5, 1]);
  });
});

describe('trailingMeans', () => {
  it('averages recorded values only, as many as there are', () => {
    expect(trailingMeans([1, null, 3, 5], 2)).toEqual([1, null, 2, 4]);
    expect(trailingMeans([], 2)).toEqual([]);
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

  it('mark values that stand alone', () => {
    expect(lonePlaces([1, null, 2, 3, null, null, 4])).toEqual([0, 6]);
    expect(lonePlaces([1])).toEqual([0]);
    expect(lonePlaces([])).toEqual([]);
  });

  it('find the nearest step', () => {
    const metrics = [2, 4, 10].map((step) => ({ step, values: {} }));
    expect([1, 3.2, 6, 99].map((at) => nearestStep(metrics, at))).toEqual([2, 4, 4, 10]);
    expect(nearestStep([], 1)).toBeNull();
  });
});
