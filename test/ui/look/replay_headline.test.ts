// The headline of an answer, as it grows and when it is whole.
import { describe, expect, it } from 'vitest';
import { headlineOf } from '../../../src/ui/look/replay_headline';
import { ASKED } from '../../state/engine_script';

const asked = { ...ASKED, mode: 'solution' as const };
const THOUGHT = '<think> i see 2 red circles. 2 + 4 = 6. </think>';

describe('headlineOf', () => {
  it.each([
    ['<think> i see 2', 'Watch a model look back'],
    [`${THOUGHT} <back> check the red`, 'It stops, and looks at the picture again, cell by cell.'],
    [
      `${THOUGHT} <back> a1 x </back> <think> so 4. 4 + 4 = 8. </think> \\boxed{ 8 }`,
      'First thought 6 · looked back · answered 8',
    ],
    [
      `${THOUGHT} <back> a1 x </back> <think> so 2. 2 + 4 = 6. </think> \\boxed{ 6 }`,
      'Looked back, and stayed with 6',
    ],
    [`${THOUGHT} <back> a1 x </back> \\boxed{ yes }`, 'Looked back · answered yes'],
    [`${THOUGHT} \\boxed{ 6 }`, 'Answered 6 without looking back'],
  ])('%s', (text, headline) => {
    expect(headlineOf({ text, asked })).toBe(headline);
  });

  it('compares no count in mid-reasoning with an answer', () => {
    const text =
      '<think> i see 2 red. </think> <back> a1 x </back> <think> so 4. 4 + 4 = 8. </think> \\boxed{ 8 }';
    expect(headlineOf({ text, asked: { ...asked, mode: 'semantic' } })).toBe('Looked back · answered 8');
  });
});
