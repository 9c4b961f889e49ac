// What a group's advantages are divided by: hand-computed groups for each choice of the setting.
import { describe, expect, it } from 'vitest';
import { advantageTerms } from '../../src/settings/advantage_scaling';

describe('advantageTerms', () => {
  it('takes the unbiased deviation, and divides as the setting says', () => {
    // Mean 1, squares 1 + 0 + 1, over two: deviation 1.
    const rewards = [0, 1, 2];
    expect(advantageTerms(rewards, { scaling: 'group' })).toEqual({ mean: 1, deviation: 1, divisor: 1.0001 });
    expect(advantageTerms(rewards, { scaling: 'none' })).toEqual({ mean: 1, deviation: 1, divisor: 1 });
    expect(advantageTerms(rewards, { scaling: 'std_floor', floor: 3 }).divisor).toBe(3);
    expect(advantageTerms(rewards, { scaling: 'std_floor', floor: 0.5 }).divisor).toBe(1);
  });

  it('has a divisor above zero where all score alike', () => {
    expect(advantageTerms([2, 2], { scaling: 'group' })).toEqual({ mean: 2, deviation: 0, divisor: 1e-4 });
    expect(advantageTerms([2, 2], { scaling: 'std_floor' }).divisor).toBe(0.25);
  });
});
