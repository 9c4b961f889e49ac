// The tables that single experiments ask for: their cells by hand, and dashes for what was not measured.
import { describe, expect, it } from 'vitest';
import { type SceneOutcome, summarise } from '../../src/lookback/evaluation';
import { readExperiment } from '../../tools/experiment_plan';
import { experimentReport } from '../../tools/experiment_report';
import { type ExperimentResults, keptAnswers } from '../../tools/experiment_results';
import { extraTables } from '../../tools/experiment_tables';

const ARMS = ['own', 'neutral', 'later'];
const experiment = (tables: readonly string[], batch?: number) =>
  readExperiment(
    'small',
    JSON.stringify({
      ...{ question: 'Better?', protocol: {}, model: 'pocket', seeds: [1], stages: {}, tables, batch },
      arms: ARMS.map((name) => ({ name, says: `its ${name}`, mode: 'solution' })),
      sets: [{ name: 'sheets', split: 'test', visual: true, count: 2, seed: 1 }],
      comparisons: [],
    }),
  );

const outcome = (index: number, change: Partial<SceneOutcome>): SceneOutcome => ({
  ...{ index, kind: 'count', question: 'How many?', expected: '2', answer: '2', correct: true, text: '' },
  ...{ triggered: true, emptyBack: false, genuineScan: false, format: 'back', finishReason: 'eos' },
  ...{ length: 10 + index, firstCorrect: index === 0, backAt: 4, shares: [], promptTokens: 20, flops: 3e6 },
  attention: { early: null, late: 0.1, inBack: null, backPeak: null, afterBack: null },
  ...change,
});
const kept = (arm: string, change: (index: number) => Partial<SceneOutcome>) => {
  const outcomes = [0, 1].map((index) => outcome(index, change(index)));
  const report = summarise(outcomes);
  return keptAnswers({ arm, seed: null, set: 'sheets', report, device: 'test', commit: 'c' }, outcomes);
};
const OWN = kept('own', (index) => ({ seconds: 0.5 + index, cacheBytes: 2048 }));
const NEUTRAL = kept('neutral', (index) => ({
  ...{ seconds: 0.25, cacheBytes: 1024, correct: false },
  intervention: { look: 'neutral', looks: 2 * (1 - index), forcedTokens: 6 * (1 - index) },
}));

const results = (tables: readonly string[], batch?: number): ExperimentResults => ({
  ...{ experiment: experiment(tables, batch), configs: {}, missing: [], training: {} },
  answers: [OWN, NEUTRAL],
});

describe('extraTables', () => {
  it('says what answers take, of the arms that were asked', () => {
    const lines = extraTables(results(['cost'], 1), 'sheets');
    expect(lines[0]).toContain('one question at a time');
    expect(lines.filter((line) => line.startsWith('| its'))).toEqual([
      '| its own | 10.5 | 0.0 | 20.0 | 3.0 | 2.0 | 1.000 |',
      '| its neutral | 10.5 | 3.0 | 20.0 | 3.0 | 1.0 | 0.250 |',
    ]);
  });

  it('says how many looks are hollow, and nothing of results that do not tell', () => {
    const look = (back: string) =>
      `<think> i see 2 . </think> <back> ${back} </back> <think> 2 . </think> \\boxed{2}`;
    const full = 'check the sheet row one has two red stars here .';
    const texts = [look(full), look('i see 2 .')];
    const { hollow: _, ...old } = OWN;
    const found = extraTables(
      { ...results(['hollow']), answers: [kept('neutral', (index) => ({ text: texts[index] ?? '' })), old] },
      'sheets',
    );
    expect(found.filter((line) => line.startsWith('| its'))).toEqual([
      '| its own | 100.0 | – | 100.0 |',
      '| its neutral | 100.0 | 50.0 | 100.0 |',
    ]);
  });

  it('says what became of looks, and of the first thoughts before them', () => {
    const lines = extraTables(results(['looks']), 'sheets');
    expect(lines.filter((line) => line.startsWith('| its'))).toEqual([
      '| its own | 0 | 0 | 0 | 2 | 50.0 | 50.0 | 0.0 | 0.0 |',
      '| its neutral | 2 | 1 | 1 | 2 | 0.0 | 0.0 | 50.0 | 50.0 |',
    ]);
  });

  it('leaves out what results of earlier versions did not measure', () => {
    const before = results(['cost']);
    const { cost: _, ...report } = OWN.report;
    const [row] = extraTables({ ...before, answers: [{ ...OWN, report: report as never }] }, 'sheets').slice(
      -2,
    );
    expect(row).toBe('| its own | 10.5 | – | 20.0 | 3.0 | – | – |');
  });

  it('stands on the page of the experiments that ask for it, and of no other', () => {
    expect(experimentReport(results(['cost']))).toContain('keys and values, KiB');
    expect(experimentReport(results([]))).not.toContain('keys and values');
  });
});
