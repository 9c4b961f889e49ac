// Per-token GRPO losses against f64, slopes against finite differences, clip sides, padding.

import { describe, expect, it } from 'vitest';
import { grpoLoss } from '../../src/kernels/grpo_loss';
import { testGpu } from '../harness/gpu';
import { grpoTokenLoss } from '../reference/grpo_loss';
import { dirty, normals, runTwice } from './support';

const SETTINGS = { low: 0.2, high: 0.28, beta: 0.04 };

describe('grpoLoss', () => {
  it.each([1, 67, 300])('of %i tokens', async (count) => {
    const gpu = await testGpu();
    const logp = normals(count, 1).map((v) => -Math.abs(v));
    const shift = (seed: number) => normals(count, seed).map((v, i) => logp[i]! + 0.4 * v);
    const [old, ref, advantage] = [shift(2), shift(3), normals(count, 4)];
    const weight = Float32Array.from({ length: count }, (_, i) => (i % 5 === 4 ? 0 : 0.1 + (i % 3)));
    const settings = Float32Array.of(SETTINGS.low, SETTINGS.high, SETTINGS.beta);
    const operands = [logp, old, ref, advantage, weight, settings, dirty(4 * count), dirty(count)];
    const out = await runTwice(gpu, grpoLoss({ count }, gpu.traits), operands);
    const [terms, slopes] = [out[6]!, out[7]!];
    for (let i = 0; i < count; i++) {
      if (weight[i] === 0) {
        expect([...terms.subarray(4 * i, 4 * i + 4), slopes[i]]).toEqual([0, 0, 0, 0, 0]);
        continue;
      }
      const loss = (x: number): number => grpoTokenLoss(x, old[i]!, ref[i]!, advantage[i]!, SETTINGS);
      // exp and a few products in f32.
      expect(Math.abs(terms[4 * i]! - loss(logp[i]!))).toBeLessThan(2e-6 * (1 + Math.abs(loss(logp[i]!))));
      const ratio = Math.exp(logp[i]! - old[i]!);
      const side = ratio < 0.8 && advantage[i]! < 0 ? -1 : ratio > 1.28 && advantage[i]! > 0 ? 1 : 0;
      expect(terms[4 * i + 3]).toBe(side);
      // No difference quotient across the kink of the clip.
      if (Math.abs(ratio - 0.8) < 1e-3 || Math.abs(ratio - 1.28) < 1e-3) continue;
      const slope = (weight[i]! * (loss(logp[i]! + 1e-5) - loss(logp[i]! - 1e-5))) / 2e-5;
      expect(Math.abs(slopes[i]! - slope)).toBeLessThan(1e-5 * (1 + Math.abs(slope)));
    }
  });
});
