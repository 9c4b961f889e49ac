// Where a look back stands in a chain, and what somebody who writes it is asked.

import { describe, expect, it } from 'vitest';
import {
  annotationTask,
  continued,
  forcedStart,
  openingOf,
} from '../../../src/lookback/cold_start/insertion';
import { sampledProblem } from '../../../src/lookback/cold_start/rollouts';

const OPENING = '<think> I see 2 red cups on the table. </think>';

describe('openingOf', () => {
  const thought = '<think> One. Two is longer. Three ends here, at 3.5 m. </think>';
  it.each([
    ['solution', thought, thought],
    ['semantic', thought, '<think> One. Two is longer. </think>'],
    ['semantic', '<think> no sentence ends </think>', '<think> no sentence ends </think>'],
    ['semantic', '<think> only one. </think>', '<think> only one. </think>'],
  ] as const)('%s', (position, text, opening) => expect(openingOf(text, position)).toBe(opening));
});

describe('annotationTask', () => {
  it('holds question and opening, and not the answer', () => {
    const problem = { id: 'p1', question: 'How many cups?', answer: '731', kind: null, visual: true };
    const sampled = sampledProblem(problem, [`${OPENING} \\boxed{2}`], 1);
    const task = annotationTask({ sampled, opening: OPENING });
    expect(task).toMatchObject({ id: 'p1', question: 'How many cups?', opening: OPENING });
    expect(task.prompt).toContain(OPENING);
    expect(task.prompt).not.toContain('731');
    expect(task.prompt).not.toContain('was told');
    const told = { ...sampled, problem: { ...problem, system: 'Count cups only.' } };
    expect(annotationTask({ sampled: told, opening: OPENING }).prompt).toContain('told: Count cups only.');
  });

  it('joins what a model goes on with', () => {
    expect(continued(forcedStart(OPENING), 'three.</back>')).toBe(`${OPENING} <back> three.</back>`);
    expect(continued(forcedStart(OPENING), ' three. </back>')).toBe(`${OPENING} <back> three. </back>`);
  });
});
