// How a set is divided, by default and as asked, and the words for it.
import { describe, expect, it } from 'vitest';
import { exampleSplit, proposedEvalSize, splitWords } from '../../src/settings/held_out';

const SFT = { batchSize: 8, numTrainEpochs: 0, evalSteps: 10, evalSize: 2 };

describe('proposedEvalSize', () => {
  it.each([
    [20, 16, 2],
    [9, 16, 0],
    [10, 16, 1],
    [1000, 16, 16],
    [1000, 200, 100],
  ])('of %i examples is a tenth at most, and no more than %i', (count, most, size) => {
    expect(proposedEvalSize(count, most)).toBe(size);
    expect(size / count).toBeLessThanOrEqual(0.1);
  });
});

describe('exampleSplit', () => {
  it('counts passes over what is trained on', () => {
    const split = exampleSplit(20, SFT, 5);
    expect(split).toEqual({ train: 18, heldOut: 2, steps: 5, epochs: 40 / 18 });
    expect(splitWords(split)).toBe('18 train, 2 held out, 2.2 epochs');
  });

  it('lets epochs decide the steps', () => {
    expect(exampleSplit(20, { ...SFT, numTrainEpochs: 4 }, 5)).toMatchObject({ steps: 9, epochs: 4 });
  });

  it('holds nothing out where nothing is evaluated', () => {
    expect(exampleSplit(20, { ...SFT, evalSteps: 0 }, 5)).toMatchObject({ train: 20, heldOut: 0 });
  });

  it('says when none is left', () => {
    expect(exampleSplit(2, SFT, 5)).toMatchObject({ train: 0, epochs: 0 });
    expect(splitWords({ train: 8, heldOut: 0, steps: 1, epochs: 1 })).toBe('8 train, 0 held out, 1 epoch');
    expect(splitWords({ train: 8, heldOut: 0, steps: 1, epochs: 1234.56 })).toBe(
      '8 train, 0 held out, 1230 epochs',
    );
  });
});
