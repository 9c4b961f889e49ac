// Which question a number names: of evaluations, and of training about the pictures that are chosen.
import { describe, expect, it } from 'vitest';
import { splitSample, trainingSample } from '../../../src/data/world/split_questions';
import { drawSample } from '../../../src/data/world/world_sample';

const NUMBERS = Array.from({ length: 24 }, (_, index) => index);
const QUESTIONS = { seed: 7, textShare: 0 };

describe('splitSample', () => {
  it('asks about the picture alone where that is wanted, else in about four of five questions', () => {
    const texts = (visual: boolean) =>
      NUMBERS.filter((index) => splitSample({ split: 'test', seed: 3, visual }, index).kind === 'text')
        .length;
    expect(texts(true)).toBe(0);
    expect(texts(false)).toBeGreaterThan(0);
  });

  it('asks the kinds that are wanted, about the same pictures', () => {
    const of = { split: 'test', seed: 3, visual: true } as const;
    for (const index of NUMBERS) {
      const compared = splitSample({ ...of, kinds: ['compare'] }, index);
      expect([compared.kind, compared.counts.length]).toEqual(['compare', 2]);
      expect(compared.picture).toEqual(splitSample(of, index).picture);
    }
  });
});

describe('trainingSample', () => {
  const photographs = (pictures?: 'both' | 'sheets' | 'photographs') =>
    NUMBERS.filter((index) => trainingSample({ ...QUESTIONS, pictures }, index).clearness !== null).length;

  it('draws about the pictures that are chosen', () => {
    expect(photographs('sheets')).toBe(0);
    expect(photographs('photographs')).toBeGreaterThan(photographs('both'));
    expect(photographs('both')).toBeGreaterThan(0);
  });

  it('asks those that need two counts alone where they are wanted', () => {
    const kinds = (questions: 'all' | 'two_counts') =>
      new Set(NUMBERS.map((index) => trainingSample({ ...QUESTIONS, questions }, index).counts.length));
    expect(kinds('two_counts')).toEqual(new Set([2]));
    expect(kinds('all')).toEqual(new Set([1, 2]));
  });

  it('draws the split as it is without a choice, and validation apart from training', () => {
    const { id, text, answer } = trainingSample(QUESTIONS, 5);
    const same = drawSample({ split: 'train', ...QUESTIONS, index: 5 });
    expect({ id, text, answer }).toEqual({ id: same.id, text: same.text, answer: same.answer });
    expect(trainingSample(QUESTIONS, 5, 'validation').id).toBe('validation-7-5');
  });
});
