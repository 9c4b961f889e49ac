// Advantages and token weights against the goldens of TRL's formulas, and by hand.

import { describe, expect, it } from 'vitest';
import type { GrpoLossType } from '../../src/settings/train_settings';
import { groupAdvantages, tokenWeights } from '../../src/train/losses';
import { loadGoldens } from '../harness/model_fixture';

describe('groupAdvantages', () => {
  it('matches the golden groups', async () => {
    const goldens = await loadGoldens('tiny-qwen2_5_vl/grpo.safetensors');
    const rewards = await goldens.floats('groups.rewards');
    const group = await goldens.floats('groups.advantages');
    const floor = await goldens.floats('groups.advantages_std_floor');
    const size = goldens.shape('groups.rewards')[1]!;
    for (let first = 0; first < rewards.length; first += size) {
      const part = rewards.subarray(first, first + size);
      groupAdvantages(part, { scaling: 'group' }).forEach((a, i) => {
        // The manifest's tolerance: near-uniform groups divide rounding by a tiny deviation.
        expect(Math.abs(a - group[first + i]!)).toBeLessThan(2e-3);
      });
      groupAdvantages(part, { scaling: 'std_floor', floor: 0.25 }).forEach((a, i) => {
        expect(Math.abs(a - floor[first + i]!)).toBeLessThan(1e-4);
      });
    }
  });

  it('is zero where all rewards agree, and unscaled on request', () => {
    expect([...groupAdvantages([0.1, 0.1, 0.1], { scaling: 'group' })].every((a) => Math.abs(a) < 1e-9)).toBe(
      true,
    );
    expect([...groupAdvantages([1, 0], { scaling: 'none' })]).toEqual([0.5, -0.5]);
    expect(() => groupAdvantages([1], { scaling: 'none' })).toThrow(/at least two/);
  });
});

describe('tokenWeights', () => {
  const lengths = [4, 0, 6];
  const total = (type: GrpoLossType): number =>
    [...tokenWeights(lengths, { type, maxCompletionLength: 10 })].reduce(
      (sum, w, i) => sum + w * lengths[i]!,
      0,
    );

  it('normalises as each loss type says', () => {
    // Of a constant token loss of 1: the mean over completions (one dropped), over tokens, over the fixed length.
    expect(total('grpo')).toBeCloseTo(2 / 3);
    expect(total('bnpo')).toBeCloseTo(1);
    expect(total('dapo')).toBeCloseTo(1);
    expect(total('dr_grpo')).toBeCloseTo(10 / 30);
  });

  it('adds up over micro-batches', () => {
    const step = { maxCompletionLength: 10, stepCompletions: 4, stepTokens: 20, microBatches: 2 };
    const halves = [
      [4, 6],
      [3, 7],
    ] as const;
    for (const type of ['grpo', 'dapo', 'dr_grpo'] as const) {
      const whole = tokenWeights(halves.flat(), { type, maxCompletionLength: 10 });
      const parts = halves.flatMap((part) => [...tokenWeights(part, { ...step, type })]);
      parts.forEach((w, i) => {
        expect(w).toBeCloseTo(whole[i]!);
      });
    }
  });
});
