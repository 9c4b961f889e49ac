// Metrics of written-down groups under TRL's names, by hand; per-token figures of updates summed over micro-batches.
import { describe, expect, it } from 'vitest';
import { rolloutMetrics, UpdateMetrics } from '../../src/train/grpo_metrics';
import { exampleOf, groupOf, scoreOf } from './scripted_group';

describe('rolloutMetrics', () => {
  it('equals what is computed by hand, under TRL’s names', () => {
    const metrics = rolloutMetrics([
      groupOf(exampleOf('12', 0, 'visual'), ['12 a', 'b !'], { dropUniformGroups: 'accuracy' }),
      groupOf(exampleOf('5', 1, 'text'), ['5', '5'], { dropUniformGroups: 'accuracy' }),
    ]);
    // Rewards 1.2, 0.2 | 1.1, 1.1; tokens, end tokens included, 3, 2 | 2, 2.
    const expected: Record<string, number> = {
      reward: 0.9,
      reward_std: Math.SQRT1_2 / 2,
      frac_reward_zero_std: 0.5,
      'completions/mean_length': 2.25,
      'completions/min_length': 2,
      'completions/max_length': 3,
      'completions/mean_terminated_length': 7 / 3,
      'completions/clipped_ratio': 0.25,
      accuracy: 0.75,
      dropped_groups: 0.5,
      step_tokens: 9,
      'rewards/right/mean': 0.75,
      'rewards/right/std': 0.5,
      'rewards/words/mean': 1.5,
      'rewards/words/std': Math.sqrt(1 / 3),
      'accuracy/visual': 0.5,
      'accuracy/text': 1,
    };
    expect(Object.keys(metrics).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) expect(metrics[name], name).toBeCloseTo(value, 12);
  });

  it('calls equal rewards equal, though their mean is rounded', () => {
    const third = [{ name: 'third', weight: 0.1, of: () => scoreOf(1) }];
    // (0.1 + 0.1 + 0.1) / 3 is not 0.1 in f64.
    const metrics = rolloutMetrics([groupOf(exampleOf('1'), ['a', 'b', 'c'], {}, third)]);
    expect(metrics.frac_reward_zero_std).toBe(1);
  });

  it('has a length of ended completions only where one ended', () => {
    const metrics = rolloutMetrics([groupOf(exampleOf('1'), ['a !', 'b c !'])]);
    expect(metrics).toMatchObject({
      'completions/clipped_ratio': 1,
      'completions/mean_terminated_length': 0,
      'completions/mean_length': 2.5,
    });
  });
});

describe('UpdateMetrics', () => {
  // loss, ratio, k3, clip side
  const TERMS = Float32Array.of(1, 1, 0.5, -1, -2, 1, 0.25, 1, 4, 1, 0, 0);

  it('weighs losses and averages the rest over the tokens of all micro-batches', () => {
    const metrics = new UpdateMetrics();
    metrics.add(Float32Array.of(0.5, 0.25), TERMS.slice(0, 8), Float32Array.of(1, 3));
    metrics.add(Float32Array.of(0.125), TERMS.slice(8), Float32Array.of(2));
    metrics.endUpdate();
    const { kl, ...rest } = metrics.read(true);
    expect(rest).toEqual({
      loss: 0.5,
      entropy: 2,
      'clip_ratio/low_mean': 1 / 3,
      'clip_ratio/high_mean': 1 / 3,
      'clip_ratio/region_mean': 2 / 3,
    });
    expect(kl).toBe(0.25);
    expect(metrics.read(false)).toEqual(rest);
  });

  it('means the losses of several updates', () => {
    const metrics = new UpdateMetrics();
    for (const weight of [1, 3]) {
      metrics.add(Float32Array.of(weight), TERMS.slice(0, 4), Float32Array.of(1));
      metrics.endUpdate();
    }
    expect(metrics.read(false).loss).toBe(2);
  });

  it('says nothing of tokens when there was no update', () => {
    expect(new UpdateMetrics().read(true)).toEqual({});
  });
});
