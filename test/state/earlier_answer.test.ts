// Which part of what an answer belongs to has been replaced.
import { expect, it } from 'vitest';
import { earlierSubject } from '../../src/state/earlier_answer';
import type { Asked } from '../../src/state/session';

const answer = { recorded: false, asked: { picture: 'picture 2', question: 'How many?' } as Asked };

it('marks nothing while picture and question are those that were asked about', () => {
  expect(earlierSubject(answer, 'picture 2', 'How many?')).toBeNull();
  expect(earlierSubject(answer, 'picture 2', ' How many? ')).toBeNull();
  expect(earlierSubject(null, 'picture 2', 'How many?')).toBeNull();
});

it('names the picture before the question', () => {
  expect(earlierSubject(answer, 'picture 3', 'How many?')).toBe('picture');
  expect(earlierSubject(answer, 'picture 3', 'How few?')).toBe('picture');
  expect(earlierSubject(answer, '', 'How many?')).toBe('picture');
  expect(earlierSubject(answer, 'picture 2', 'How few?')).toBe('question');
});

it('leaves a recorded answer alone until a picture is chosen', () => {
  expect(earlierSubject({ ...answer, recorded: true }, '', '')).toBeNull();
  expect(earlierSubject({ ...answer, recorded: true }, 'picture 1', '')).toBe('picture');
});
