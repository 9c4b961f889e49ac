// The number of turns in words.

import { expect, it } from 'vitest';
import { FOLLOW_UP } from '../../../src/ui/look/follow_up_copy';

it('counts one turn and several', () => {
  expect(FOLLOW_UP.turns(1)).toBe('The conversation so far (one turn)');
  expect(FOLLOW_UP.on(3)).toBe('The next question goes on from 3 turns about this picture.');
});
