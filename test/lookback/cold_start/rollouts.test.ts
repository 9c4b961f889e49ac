// What a base's answers tell of a problem: whole chains, and how hard it is.

import { describe, expect, it } from 'vitest';
import { chainOf, sampledProblem } from '../../../src/lookback/cold_start/rollouts';

const chain = (answer: number): string => `<think> i see ${answer}. </think> \\boxed{ ${answer} }`;

describe('chainOf', () => {
  it('takes whole plain chains alone', () => {
    expect(chainOf(' <think> a </think> \\boxed{3} ', '3')).toEqual({
      text: '<think> a </think> \\boxed{3}',
      thought: '<think> a </think>',
      correct: true,
    });
    expect(chainOf('<think> a </think> <back> b </back> <think> c </think> \\boxed{3}', '3')).toBeNull();
    expect(chainOf('<think> a </think>', '3')).toBeNull();
    expect(chainOf('3', '3')).toBeNull();
  });
});

describe('sampledProblem', () => {
  it('counts what is no chain as wrong', () => {
    const given = { id: 'a', question: '', answer: '3', kind: null, visual: true };
    expect(sampledProblem(given, [chain(3), 'nothing'], 4)).toMatchObject({
      accuracy: 0.25,
      variance: 0.1875,
    });
    expect(sampledProblem(given, [], 0)).toMatchObject({ accuracy: 0, variance: 0 });
  });
});
