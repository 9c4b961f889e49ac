// Figures of a measurement in words: no more digits than mean something, and exact where nothing was lost.
import { expect, it } from 'vitest';
import { QUALITY_COPY } from '../../../src/ui/models/quality_copy';

it('says that nothing was lost only where nothing was', () => {
  expect(QUALITY_COPY.whole('f32', 0)).toBe('Loaded in f32, its weights are exactly the stored ones.');
  expect(QUALITY_COPY.whole('int8', 0.00456)).toBe(
    'Loaded in int8, its weights differ from the stored ones by 0.46 %.',
  );
});

it('writes shares, counts and divergences with their digits', () => {
  expect([0.07123, 0.0996, 1].map(QUALITY_COPY.relative)).toEqual(['7.12 %', '10.0 %', '100.0 %']);
  expect([74_752, 1.25e7, 2.77e9].map(QUALITY_COPY.count)).toEqual(['0.07 M', '12.5 M', '2.77 B']);
  const figures = { questions: 3, tokens: 80, kl: 0.00012, largestKl: 0.5, agreement: 0.975 };
  expect(QUALITY_COPY.logits(figures)).toContain('is 1.2e-4 nats on average and 0.500 at most.');
  expect(QUALITY_COPY.logits({ ...figures, kl: 0, largestKl: 0 })).toContain(
    'is 0 nats on average and 0 at most.',
  );
});

it('says what is being done', () => {
  expect(QUALITY_COPY.phases.weights(0, 0)).toBe('Reading the stored weights…');
  expect(QUALITY_COPY.phases.weights(1, 3)).toBe('Comparing weights: 33.3 %');
  expect(QUALITY_COPY.phases.answers(2, 3)).toBe('Comparing answers: 2 of 3 questions');
});
