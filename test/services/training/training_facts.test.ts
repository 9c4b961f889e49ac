// Facts about steps: answers and forms come from the text, and a lost picture loses no group.
import { describe, expect, it } from 'vitest';
import { groupFacts, sampleFacts } from '../../../src/services/training/training_facts';

const BACK = '<think> a </think> <back> red square </back> <think> b </think> \\boxed{ 4 }';

describe('groupFacts', () => {
  const completion = {
    ...{ text: BACK, tokens: 12, truncated: true, correct: false },
    ...{ rewards: { accuracy: 0, format: 1 }, reward: 0.1, advantage: -0.5 },
    reasons: { accuracy: { why: 'no', span: { start: 1, end: 2 } }, format: { why: 'yes', span: null } },
  };
  const group = {
    key: 3,
    question: 'How many?',
    expected: '5',
    dropped: 'uniform',
    completions: [completion],
  } as const;

  it('adds answer, form and picture', async () => {
    const picture = new Blob(['x']);
    const [fact] = await groupFacts([group], async (key) => (key === 3 ? picture : null));
    expect(fact).toEqual({
      ...{ question: 'How many?', expected: '5', dropped: 'uniform', image: picture },
      completions: [{ ...completion, answer: '4', format: 'back' }],
    });
  });

  it('goes without a picture that cannot be read', async () => {
    const [fact] = await groupFacts([group], () => Promise.reject(new Error('gone')));
    expect(fact).toMatchObject({ image: null, question: 'How many?' });
  });
});

describe('sampleFacts', () => {
  it('grades and reads the form', () => {
    const sample = { key: 1, question: 'q', expected: '4', text: BACK };
    expect(sampleFacts([sample, { ...sample, text: 'four' }])).toEqual([
      { question: 'q', expected: '4', text: BACK, answer: '4', correct: true, format: 'back' },
      { question: 'q', expected: '4', text: 'four', answer: null, correct: false, format: 'none' },
    ]);
  });
});
