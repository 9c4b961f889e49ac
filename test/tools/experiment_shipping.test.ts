// What ships of an experiment's results: every figure of the full results, outcomes that come back, the paper beside it.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreAnswer, summarise } from '../../src/lookback/evaluation';
import { outcomesOf } from '../../src/state/shipped_experiment';
import { paperRows } from '../../tools/experiment_paper';
import { readExperiment } from '../../tools/experiment_plan';
import { experimentReport } from '../../tools/experiment_report';
import {
  accuracyOf,
  differenceOf,
  type ExperimentResults,
  keptAnswers,
} from '../../tools/experiment_results';
import { shippedExperiment } from '../../tools/experiment_shipping';
import { wordAnswer } from '../lookback/scripted_model';

const experiment = readExperiment('main', readFileSync('experiments/main.json', 'utf8'));

function answers(arm: string, seed: number | null, set: string, right: string) {
  const outcomes = [...right].map((bit, index) => {
    const text = `<think> 1 </think> <back> a look </back> <think> so </think> \\boxed{ ${bit === '1' ? 2 : 3} }`;
    const answer = wordAnswer(text, () => 0.25);
    const finished = {
      ...{ text, length: answer.ids.length, finishReason: 'eos' as const, promptTokens: 1, flops: 1 },
      imageShares: answer.imageShares(),
      tokenSpan: (start: number, end: number) => answer.tokenSpan(start, end),
    };
    return scoreAnswer(finished, { index, kind: 'count', question: 'How many?', expected: '2' });
  });
  return keptAnswers(
    { arm, seed, set, report: summarise(outcomes), device: 'test', commit: 'abc' },
    outcomes,
  );
}

const results: ExperimentResults = {
  experiment,
  ...{ configs: {}, missing: ['seed1/x', 'seed1/y'], training: {} },
  answers: [
    answers('base_cot', null, 'sheets', '1100110010'),
    answers('base_solution', null, 'sheets', '1110110010'),
    answers('solution', 1, 'sheets', '1111111010'),
  ],
};

describe('shippedExperiment', () => {
  const shipped = shippedExperiment(results);

  it('has the figures of the whole results, and none of what has not been run', () => {
    expect(shipped.cells.map(({ arm }) => arm)).toEqual(['base_cot', 'base_solution', 'solution']);
    expect(shipped.cells[2]?.accuracy.mean).toBeCloseTo(
      accuracyOf(results, 'solution', 'sheets')?.mean ?? Number.NaN,
      5,
    );
    const [only] = shipped.comparisons;
    expect(shipped.comparisons).toHaveLength(1);
    expect(only).toMatchObject({ first: 'base_cot', second: 'base_solution', gained: 1, lost: 0 });
    expect(only?.difference.high).toBeCloseTo(
      differenceOf(results, ['base_cot', 'base_solution'], 'sheets')?.high ?? Number.NaN,
      5,
    );
    expect(shipped).toMatchObject({ missing: 2, devices: ['test'] });
    expect(shipped.arms).toHaveLength(13);
    expect(shipped.arms.find(({ name }) => name === 'base_cot')?.base).toBe(true);
  });

  it('keeps the outcome of every question', () => {
    const set = { ...(shipped.sets[0] ?? ({} as never)), count: 10 };
    const asked = outcomesOf(shipped, set);
    const of = (arm: string) =>
      asked.map(({ arms }) => Number(arms.find((own) => own.arm === arm)?.seeds[0]?.correct)).join('');
    expect(of('base_cot')).toBe('1100110010');
    expect(of('solution')).toBe('1111111010');
  });
});

describe('paperRows', () => {
  it('puts what was found beside the paper, and says what was not measured', () => {
    const rows = paperRows(results);
    const of = (says: string, set = 'sheets') =>
      rows.find((row) => row.says.startsWith(says) && row.set === set);
    expect(of('A prompt alone')?.found).toBe('100.0 %');
    expect(of('A prompt that asks')?.found).toMatch(/^\+10\.0 points \(/);
    expect(of('Solution-back whole')?.found).toMatch(/^\+30\.0 points \(/);
    expect(of('Semantic-back whole')?.found).toBeNull();
    expect(of('Attention on the picture')?.found).toBe('0.250 → 0.250');
    expect(of('A prompt alone', 'photographs')?.found).toBeNull();
    expect(rows.every(({ set }) => set !== 'mixed')).toBe(true);
    expect(experimentReport(results)).toContain(
      '| Semantic-back whole, against the base | +7.0 points (mathematics) | sheets | not measured |',
    );
  });

  it('is empty for an experiment that the paper has no counterpart of', () => {
    expect(paperRows({ ...results, experiment: { ...experiment, name: 'other' } })).toEqual([]);
  });
});
