// Sums of scores over micro-batches: means over tokens, whatever the batches' sizes.
import { describe, expect, it } from 'vitest';
import { TokenTotals } from '../../src/train/labelled_batch';
import type { MicroBatch } from '../../src/train/policy';

const batch = (...completions: number[][]) =>
  ({
    groups: completions.map((completion) => ({ prompt: {}, completions: [completion] })),
  }) as unknown as MicroBatch;
const scores = (logp: number[], argmax: number[]) => ({
  logp: Float32Array.from(logp),
  entropy: Float32Array.from(logp, (value) => -2 * value),
  argmax: Uint32Array.from(argmax),
  terms: new Float32Array(0),
});

describe('TokenTotals', () => {
  it('weighs every token alike, not every batch', () => {
    const totals = new TokenTotals();
    totals.add(batch([5, 6, 7]), scores([-1, -2, -3], [5, 9, 7]));
    totals.add(batch([8]), scores([-6], [1]));
    expect([totals.tokens, totals.meanLoss, totals.meanEntropy, totals.accuracy]).toEqual([4, 3, 6, 0.5]);
  });
});
