// How a set is divided, by default and as asked, and the words for it.
import { describe, expect, it } from 'vitest';
import { exampleSplit, heldOutSize, proposedEvalSize, splitWords } from '../../src/settings/held_out';

const SFT = { batchSize: 8, numTrainEpochs: 0, evalSteps: 10, evalSize: 2, maxSteps: 5 };

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
    const split = exampleSplit(20, SFT);
    expect(split).toEqual({ train: 18, heldOut: 2, steps: 5, epochs: 40 / 18 });
    expect(splitWords(split)).toBe('18 train, 2 held out, 2.2 epochs');
  });

  it('lets epochs decide the steps', () => {
    expect(exampleSplit(20, { ...SFT, numTrainEpochs: 4 })).toMatchObject({ steps: 9, epochs: 4 });
  });

  it('holds nothing out where nothing is evaluated', () => {
    expect(exampleSplit(20, { ...SFT, evalSteps: 0 })).toMatchObject({ train: 20, heldOut: 0 });
  });

  it('takes a size below 1 for a share, rounded up', () => {
    const heldOut = (count: number, evalSize: number) => heldOutSize(count, { evalSteps: 1, evalSize });
    // 0.1 · 30 is a little above 3 in binary.
    expect([heldOut(30, 0.1), heldOut(31, 0.1), heldOut(5, 0.1), heldOut(9, 0.999)]).toEqual([3, 4, 1, 9]);
    expect([heldOut(30, 0), heldOut(30, 1), heldOut(30, 40)]).toEqual([0, 1, 40]);
    expect(exampleSplit(20, { ...SFT, evalSize: 0.25 })).toMatchObject({ train: 15, heldOut: 5 });
  });

  it('holds nothing out of a set that is not evaluated on', () => {
    expect(exampleSplit(20, SFT, true)).toMatchObject({ train: 20, heldOut: 0 });
  });

  it('says when none is left', () => {
    expect(exampleSplit(2, SFT)).toMatchObject({ train: 0, epochs: 0 });
    expect(splitWords({ train: 8, heldOut: 0, steps: 1, epochs: 1 })).toBe('8 train, 0 held out, 1 epoch');
    expect(splitWords({ train: 8, heldOut: 0, steps: 1, epochs: 1234.56 })).toBe(
      '8 train, 0 held out, 1230 epochs',
    );
  });
});
