// The sums over an experiment's answers, checked against cases that are known by hand or by formula.
import { describe, expect, it } from 'vitest';
import { createPrng } from '../../src/lib/prng';
import { type SceneOutcome, summarise } from '../../src/lookback/evaluation';
import { readExperiment } from '../../tools/experiment_plan';
import { experimentReport } from '../../tools/experiment_report';
import {
  accuracyOf,
  crossedBootstrap,
  differenceOf,
  digest,
  type ExperimentResults,
  type KeptAnswers,
  keptAnswers,
} from '../../tools/experiment_results';

const outcome = (index: number, correct: boolean, text = `answer ${index}`): SceneOutcome => ({
  ...{
    index,
    kind: 'count',
    question: 'How many?',
    expected: '2',
    answer: correct ? '2' : '3',
    correct,
    text,
  },
  ...{ triggered: index % 2 === 0, emptyBack: false, genuineScan: false, format: 'cot' as const },
  ...{ length: 10 + index, finishReason: 'eos' as const, firstCorrect: null, backAt: null, shares: [] },
  ...{ promptTokens: 20, flops: 1 },
  attention: { early: null, late: 0.1, inBack: null, backPeak: null, afterBack: null },
});
const answers = (arm: string, seed: number | null, right: string): KeptAnswers => {
  const outcomes = [...right].map((bit, i) => outcome(i, bit === '1'));
  return keptAnswers(
    { arm, seed, set: 'sheets', report: summarise(outcomes), device: 'test', commit: 'abc' },
    outcomes,
  );
};
const experiment = readExperiment(
  'small',
  JSON.stringify({
    ...{
      question: 'Better?',
      protocol: { primary: 'accuracy | of sheets' },
      model: 'pocket',
      seeds: [1, 2],
      stages: {},
    },
    arms: ['base', 'one', 'two'].map((name) => ({ name, says: `arm ${name}`, mode: 'cot' })),
    sets: [{ name: 'sheets', split: 'test', visual: true, count: 8, seed: 1 }],
    comparisons: [
      ['base', 'one'],
      ['one', 'two'],
    ],
  }),
);
const results = (...kept: KeptAnswers[]): ExperimentResults => ({
  ...{ experiment, configs: {}, missing: [], training: {}, answers: kept },
});

describe('what is kept of answers', () => {
  it('has a place for every question', () => {
    const kept = answers('one', 1, '1001');
    expect(kept).toMatchObject({
      correct: '1001',
      lookedBack: '1010',
      empty: '0000',
      lengths: [10, 11, 12, 13],
    });
    expect(kept.digests.split(' ')).toEqual([0, 1, 2, 3].map((i) => digest(`answer ${i}`)));
  });

  it('digests as FNV-1a does', () => {
    // The function's published values for "" and "a".
    expect(digest('')).toBe((0x811c9dc5).toString(36));
    expect(digest('a')).toBe((0xe40c292c).toString(36));
  });
});

describe('an arm', () => {
  it('has Wilson’s interval with one seed', () => {
    const figure = accuracyOf(results(answers('one', 1, '11110000')), 'one', 'sheets');
    expect(figure).toMatchObject({ mean: 0.5, seeds: 1, count: 8 });
    // Wilson 1927 for 4 of 8: 0.215 to 0.785.
    expect(figure?.low).toBeCloseTo(0.2152, 4);
    expect(figure?.high).toBeCloseTo(0.7848, 4);
  });

  it('has a wider interval where its seeds differ than where they agree', () => {
    const width = (...rows: string[]): number => {
      const own = accuracyOf(results(...rows.map((row, i) => answers('one', i, row))), 'one', 'sheets');
      return (own?.high ?? 0) - (own?.low ?? 0);
    };
    const half = '1'.repeat(50) + '0'.repeat(50);
    expect(width('1'.repeat(100), '0'.repeat(100))).toBeGreaterThan(0.9);
    expect(width(half, half)).toBeLessThan(0.25);
  });

  it('that was not asked has no figure', () => {
    expect(accuracyOf(results(), 'one', 'sheets')).toBeNull();
  });
});

describe('a comparison', () => {
  it('counts gained and lost questions, with McNemar’s p', () => {
    const found = differenceOf(
      results(answers('base', null, '11100000'), answers('one', 1, '11011111')),
      ['base', 'one'],
      'sheets',
    );
    expect(found).toMatchObject({ mean: 0.5, gained: 5, lost: 1, seeds: 1, count: 8 });
    // Two-sided binomial of 1 or fewer of 6: 2 · 7 / 64.
    expect(found?.p).toBeCloseTo(14 / 64, 10);
  });

  it('holds the base against every seed, and a seed against its own', () => {
    const all = results(
      ...[answers('base', null, '00000000'), answers('one', 1, '11110000'), answers('one', 2, '11000000')],
      answers('two', 2, '11111111'),
    );
    expect(differenceOf(all, ['base', 'one'], 'sheets')).toMatchObject({ mean: 6 / 16, seeds: 2, p: null });
    expect(differenceOf(all, ['one', 'two'], 'sheets')).toMatchObject({ mean: 6 / 8, seeds: 1 });
  });
});

describe('the crossed bootstrap', () => {
  it('covers the interval of the normal approximation for independent questions', () => {
    const prng = createPrng(5);
    const row = Array.from({ length: 2000 }, () => (prng.nextFloat() < 0.3 ? 1 : 0));
    const { mean, low, high } = crossedBootstrap([row]);
    const half = 1.96 * Math.sqrt((mean * (1 - mean)) / row.length);
    // Of 2000 draws the quantiles are known to about a twentieth of the half-width; a tenth is allowed.
    expect(Math.abs(mean - low - half)).toBeLessThan(0.1 * half);
    expect(Math.abs(high - mean - half)).toBeLessThan(0.1 * half);
  });
});

describe('the report', () => {
  it('says which sources gave which arms, where there are several', () => {
    const [one, two] = [answers('base', null, '1000'), answers('one', 1, '1111')];
    expect(experimentReport(results(one))).toContain('Sources: abc.');
    const commit = '0123456789abcdef changed';
    expect(experimentReport(results(one, { ...two, commit }))).toContain(
      'Sources: abc (base); 0123456789ab changed (one).',
    );
  });

  it('shows every arm that was asked, says what is missing, and breaks no table', () => {
    const all = {
      ...results(answers('base', null, '1000'), answers('one', 1, '1111')),
      missing: ['seed2/one'],
    };
    const page = experimentReport(all);
    expect(page).toContain('| arm base | **25.0**');
    expect(page).toContain('| arm one | **100.0**');
    expect(page).not.toContain('| arm two |');
    expect(page).toContain('| arm one − arm base | **+75.0**');
    expect(page).toContain('**Not whole**: 1 parts have not been run.');
    for (const line of page.split('\n').filter((one) => one.startsWith('| arm '))) {
      expect(line.split(/(?<!\\)\|/).length).toBeGreaterThan(7);
    }
  });
});
