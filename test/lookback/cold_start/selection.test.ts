// Which problems get a look back, and from which chain.

import { describe, expect, it } from 'vitest';
import { sampledProblem } from '../../../src/lookback/cold_start/rollouts';
import { HARD_ACCURACY, selectChains } from '../../../src/lookback/cold_start/selection';

const chain = (answer: number): string => `<think> i see ${answer}. </think> \\boxed{ ${answer} }`;
/** A problem whose answer is 3 and which the base solved `right` of 10 times. */
const problem = (id: string, right: number, visual = true) =>
  sampledProblem(
    { id, question: 'How many?', answer: '3', kind: null, visual },
    Array.from({ length: 10 }, (_, n) => chain(n < right ? 3 : 4)),
    10,
  );
/** Problems with the chains of one: grading them all again would only take time. */
const many = (name: string, count: number, right: number) => {
  const one = problem(name, right);
  return Array.from({ length: count }, (_, n) => ({
    ...one,
    problem: { ...one.problem, id: `${name}${n}` },
  }));
};

describe('selectChains', () => {
  const settings = { looks: 100, hardShare: 0, wrongFirstShare: 0.5, seed: 1 };

  it('prefers problems that are solved half of the time, and leaves out what is always or never right', () => {
    const all = [
      ...many('half', 200, 5),
      ...many('easy', 200, 9),
      ...many('always', 50, 10),
      ...many('never', 50, 0),
    ];
    const { looks, counts } = selectChains(all, settings);
    expect(counts).toEqual({
      problems: 500,
      withoutChain: 0,
      alwaysRight: 50,
      neverRight: 50,
      nowAndThen: 400,
    });
    expect(looks).toHaveLength(100);
    const of = (name: string) => looks.filter(({ sampled }) => sampled.problem.id.startsWith(name)).length;
    expect(of('always') + of('never')).toBe(0);
    // Weights .25 and .09: 74 of 100 are expected, and 10 are five standard deviations of what is left to chance.
    expect(of('half')).toBeGreaterThan(60);
    expect(of('half')).toBeLessThan(88);
    const wrong = looks.filter(({ chain: own }) => !own.correct).length;
    expect(wrong).toBeGreaterThan(30);
    expect(wrong).toBeLessThan(70);
  });

  it('keeps a share for hard problems, each with a wrong chain', () => {
    const all = [...many('half', 200, 5), ...many('hard', 200, 2), ...many('never', 50, 0)];
    const { looks } = selectChains(all, { ...settings, hardShare: 0.4, wrongFirstShare: 0 });
    const hard = looks.slice(0, 40);
    expect(hard.every(({ sampled, chain: own }) => sampled.accuracy <= HARD_ACCURACY && !own.correct)).toBe(
      true,
    );
    expect(looks.slice(40).every(({ chain: own }) => own.correct)).toBe(true);
  });

  it('gives plain examples of the rest, right ones, also of questions without a picture', () => {
    const all = [...many('half', 20, 5), problem('text', 10, false), problem('never', 0)];
    const { looks, plains } = selectChains(all, { ...settings, looks: 5 });
    expect(looks).toHaveLength(5);
    expect(looks.some(({ sampled }) => !sampled.problem.visual)).toBe(false);
    expect(plains).toHaveLength(16);
    expect(plains.every(({ chain: own }) => own.correct)).toBe(true);
    const ids = [...looks, ...plains].map(({ sampled }) => sampled.problem.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is decided by the seed', () => {
    const all = many('half', 50, 5);
    const ids = (seed: number) =>
      selectChains(all, { ...settings, looks: 20, seed }).looks.map(({ sampled }) => sampled.problem.id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});
