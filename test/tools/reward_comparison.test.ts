// The Python twin of the rewards: it agrees on generated completions, and a difference is found and told.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AnswerPair, rewardCase } from '../../tools/reward_cases';
import { compareWithTwin } from '../../tools/reward_comparison';
import { SIBLINGS } from '../answer/grading_siblings';

const COLLECTED = JSON.parse(readFileSync('test/fixtures/grading.json', 'utf8')) as readonly {
  readonly answer: string;
  readonly expected: string;
}[];
const PAIRS: readonly AnswerPair[] = [
  ...COLLECTED.map(({ answer, expected }): AnswerPair => [answer, expected]),
  ...Object.values(SIBLINGS).flatMap((rows) =>
    rows.map(([answer, expected]): AnswerPair => [answer, expected]),
  ),
];

function hasPython(): boolean {
  try {
    return /^Python 3/.test(execFileSync('python3', ['--version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

describe('the generated completions', () => {
  it('are the same for a seed, and reach every tier and both verdicts', () => {
    const cases = Array.from({ length: 400 }, (_, index) => rewardCase(3, index, PAIRS));
    expect(rewardCase(3, 17, PAIRS)).toEqual(cases[17]);
    for (const name of ['format', 'format_paper']) {
      expect(new Set(cases.map(({ results }) => results.rewards[name]))).toEqual(new Set([0, 0.667, 1]));
    }
    for (const of of ['strict', 'method'] as const) {
      expect(new Set(cases.map(({ results }) => results[of]))).toEqual(new Set([true, false]));
    }
    expect(cases.some(({ results }) => results.strict !== results.method)).toBe(true);
    expect(cases.some(({ results }) => (results.rewards.length ?? 0) < 0)).toBe(true);
  });
});

describe.skipIf(!hasPython())('the Python twin', () => {
  const twin = { python: 'python3', folder: 'tools/python', seed: 11, pairs: PAIRS };

  it('gives every number that we give', async () => {
    const { differences, summary } = await compareWithTwin({ ...twin, count: 500 });
    expect(differences).toEqual([]);
    expect(summary).toEqual({ cases: 500, differing: 0 });
  }, 120_000);

  it('is told apart where one number differs', async () => {
    const change = (made: ReturnType<typeof rewardCase>) =>
      made.index === 2 ? { ...made, results: { ...made.results, total: made.results.total + 1e-9 } } : made;
    const { differences, summary } = await compareWithTwin({ ...twin, count: 4, change });
    expect(summary).toEqual({ cases: 4, differing: 1 });
    expect(JSON.parse(differences[0] ?? '')).toMatchObject({ case: 2, differ: { total: expect.anything() } });
  }, 60_000);

  it('says what Python says when it cannot be run', async () => {
    await expect(compareWithTwin({ ...twin, folder: 'no/such/folder', count: 2 })).rejects.toThrow(
      /compare_rewards\.py/,
    );
  }, 60_000);
});
