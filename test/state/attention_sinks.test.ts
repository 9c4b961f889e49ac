// Attention sinks: cells that are hot on nearly every step, and none where the attention moves.
import { expect, it } from 'vitest';
import { attentionSinks } from '../../src/state/attention_sinks';

const step = (...map: number[]) => ({ map: Float32Array.from(map) });

it('finds the cell that is hot on nearly every step, whatever else is', () => {
  const steps = Array.from({ length: 10 }, (_, at) => {
    const map = [0.01, 0.01, 0.01, 0.01, 0.4, 0.01];
    // It rests on two of ten steps; the other hot cell moves.
    if (at < 2) map[4] = 0.01;
    map[at % 4] = 0.2;
    return step(...map);
  });
  expect([...attentionSinks(steps)]).toEqual([4]);
  // On three of ten it is none any more.
  expect([...attentionSinks([...steps.slice(0, 2), ...steps.slice(0, 1), ...steps.slice(3)])]).toEqual([]);
});

it('finds none in an even spread, in empty maps, or in a few steps', () => {
  expect(attentionSinks(Array.from({ length: 9 }, () => step(0.1, 0.1, 0.1, 0.1))).size).toBe(0);
  expect(attentionSinks(Array.from({ length: 9 }, () => step(0, 0, 0))).size).toBe(0);
  expect(attentionSinks(Array.from({ length: 9 }, () => ({ map: null }))).size).toBe(0);
  expect(attentionSinks([step(1, 0, 0), step(1, 0, 0)]).size).toBe(0);
});
