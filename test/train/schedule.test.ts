// Learning rates by step against transformers 5.18: values that its schedulers gave for a rate of 0.002.
import { describe, expect, it } from 'vitest';
import type { LrSchedulerType } from '../../src/settings/train_settings';
import { learningRateAt } from '../../src/train/schedule';

const RATE = 0.002;
const rates = (lrSchedulerType: LrSchedulerType, warmupSteps: number, maxSteps: number): number[] =>
  Array.from({ length: maxSteps }, (_, step) =>
    learningRateAt(step, { learningRate: RATE, lrSchedulerType, warmupSteps, maxSteps }),
  );

describe('learningRateAt', () => {
  it.each<[LrSchedulerType, number, number[]]>([
    ['constant', 0, [2, 2, 2]],
    ['constant', 4, [0, 0.5, 1, 1.5, 2, 2, 2]],
    ['linear', 0, [2, 1.8, 1.6, 1.4, 1.2, 1, 0.8, 0.6, 0.4, 0.2]],
    ['linear', 4, [0, 0.5, 1, 1.5, 2, 5 / 3, 4 / 3, 1, 2 / 3, 1 / 3]],
    ['linear', 3, [0, 2 / 3, 4 / 3, 2, 1.5, 1, 0.5]],
    ['linear', 10, [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8]],
    ['linear', 1, [0, 2]],
    [
      'cosine',
      0,
      [
        2, 1.951056516295, 1.809016994375, 1.587785252292, 1.309016994375, 1, 0.690983005625, 0.412214747708,
        0.190983005625, 0.048943483705,
      ],
    ],
    ['cosine', 4, [0, 0.5, 1, 1.5, 2, 1.866025403784, 1.5, 1, 0.5, 0.133974596216]],
    ['cosine', 3, [0, 2 / 3, 4 / 3, 2, 1.707106781187, 1, 0.292893218813]],
  ])('%s after %d steps of warm-up', (type, warmup, thousandths) => {
    rates(type, warmup, thousandths.length).forEach((rate, step) => {
      // Twelve decimals are written; two engines may differ in the last bit of cos.
      expect(rate, `step ${step}`).toBeCloseTo((thousandths[step] ?? Number.NaN) / 1000, 14);
    });
  });

  it('starts a warm-up from nothing and reaches the full rate at its end', () => {
    for (const type of ['constant', 'linear', 'cosine'] as const) {
      const given = rates(type, 5, 20);
      expect(given[0]).toBe(0);
      expect(given[5]).toBe(RATE);
    }
  });

  it('never falls below nothing nor rises again past the last step', () => {
    for (const lrSchedulerType of ['linear', 'cosine'] as const) {
      const settings = { learningRate: RATE, lrSchedulerType, warmupSteps: 2, maxSteps: 10 };
      for (const step of [10, 11, 15, 1000]) expect(learningRateAt(step, settings)).toBe(0);
    }
  });

  it('warms up all the way when the warm-up is longer than the run', () => {
    for (const type of ['constant', 'linear', 'cosine'] as const) {
      expect(rates(type, 8, 4)).toEqual([0, RATE / 8, RATE / 4, (RATE * 3) / 8]);
    }
  });
});
