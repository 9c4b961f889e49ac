// Padded sizes: they hold the count, waste at most a third, and there are few of them.
import { expect, it } from 'vitest';
import { bucketSize } from '../../src/model/buckets';

it('takes 1, 2, 3, 4, 6, 8 units, and above that eight sizes per octave', () => {
  const sizes = new Set(Array.from({ length: 40 }, (_, count) => bucketSize(count, 10)));
  expect([...sizes]).toEqual([10, 20, 30, 40]);
  const units = new Set(Array.from({ length: 40 }, (_, count) => bucketSize(count + 1, 1)));
  expect([...units]).toEqual([
    1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40,
  ]);
  // 4,500 tokens in units of 64, of 8 answers to one prompt.
  expect(bucketSize(4500, 64)).toBe(4608);
});

it.each([1, 16, 92])(
  'holds every count in units of %i, and wastes at most a third beyond one unit',
  (unit) => {
    for (let count = 1; count < 5000; count += 7) {
      const size = bucketSize(count, unit);
      expect(size).toBeGreaterThanOrEqual(count);
      expect(size % unit).toBe(0);
      expect((size - count) / size).toBeLessThanOrEqual(1 / 3 + unit / size);
    }
  },
);
