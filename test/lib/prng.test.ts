// The random streams: fixed golden values, on which every data set depends, independence of seeds, and rough
// distributions.

import { describe, expect, it } from 'vitest';
import { createPrng, mix32 } from '../../src/lib/prng';

describe('createPrng', () => {
  it('repeats the same words for the same seed', () => {
    const words = (seed: number[]) => Array.from({ length: 4 }, createPrng(...seed).nextU32);
    expect(words([1, 2, 3])).toEqual(words([1, 2, 3]));
    expect(words([1])).toEqual([2365969688, 1903458610, 3551604387, 1615115394]);
  });

  it('gives other words for other seeds, also for a seed that is one word longer', () => {
    const first = (...seed: number[]) => createPrng(...seed).nextU32();
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) seen.add(first(7, i));
    for (let i = 0; i < 1000; i++) seen.add(first(7, i, 0));
    // 2000 draws from 2^32: a collision has probability 5e-4.
    expect(seen.size).toBe(2000);
  });

  it('draws integers below the bound, each about equally often', () => {
    const prng = createPrng(5);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70000; i++) counts[prng.nextInt(7)]!++;
    // sd of a count is √(70000·6)/7 = 93; five of them.
    for (const count of counts) expect(Math.abs(count - 10000)).toBeLessThan(465);
  });

  it('draws uniform and normal values with the right mean and variance', () => {
    const prng = createPrng(11);
    const n = 40000;
    let mean = 0;
    let square = 0;
    for (let i = 0; i < n; i++) {
      const z = prng.normal();
      mean += z / n;
      square += (z * z) / n;
    }
    // Standard errors: 1/√n = .005 and √(2/n) = .007; five of them.
    expect(Math.abs(mean)).toBeLessThan(0.025);
    expect(Math.abs(square - 1)).toBeLessThan(0.036);
    for (let i = 0; i < 1000; i++) {
      const u = prng.uniform(-2, 3);
      expect(u).toBeGreaterThanOrEqual(-2);
      expect(u).toBeLessThan(3);
    }
  });

  it('mixes zero into something else', () => {
    expect(mix32(0)).not.toBe(0);
    expect(mix32(0)).not.toBe(mix32(1));
  });
});
