// Rewards as GRPO takes them: the weighted sum, and a reward that is no number.

import { describe, expect, it } from 'vitest';
import { NO_ATTENTION } from '../../src/answer/attention_phases';
import { LookBackError } from '../../src/lib/errors';
import { type RewardSample, scoreRewards } from '../../src/train/rewards';
import { ASKED, scoreOf } from './scripted_group';

const sample: RewardSample = {
  ...ASKED,
  text: 'abc',
  expected: 'abc',
  finished: true,
  length: 4,
  maxLength: 8,
  countTokens: (start, end) => end - start,
  attention: NO_ATTENTION,
  visualGain: null,
};

describe('scoreRewards', () => {
  it('weights rewards and reports them unweighted', () => {
    const scores = scoreRewards(sample, [
      { name: 'right', weight: 2, of: ({ text, expected }) => scoreOf(text === expected ? 1 : 0) },
      { name: 'short', weight: -0.5, of: ({ length, maxLength }) => scoreOf(length / maxLength) },
      {
        name: 'tokens',
        weight: 0.25,
        of: ({ countTokens }) => ({ score: countTokens(1, 3), why: 'two', span: { start: 1, end: 3 } }),
      },
    ]);
    expect(scores).toMatchObject({ rewards: { right: 1, short: 0.5, tokens: 2 }, total: 2.25 });
    expect(scores.reasons.tokens).toEqual({ why: 'two', span: { start: 1, end: 3 } });
  });

  it('sums nothing to nothing', () => {
    expect(scoreRewards(sample, [])).toEqual({ rewards: {}, reasons: {}, total: 0 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('names the reward that is %s', (score) => {
    const rewards = [
      { name: 'fine', weight: 1, of: () => scoreOf(1) },
      { name: 'broken', weight: 0.1, of: () => scoreOf(score) },
    ];
    const scoring = (): unknown => scoreRewards(sample, rewards);
    expect(scoring).toThrow(LookBackError);
    expect(scoring).toThrow(/"broken"/);
    expect(scoring).toThrow(expect.objectContaining({ code: 'train/reward', data: { name: 'broken' } }));
  });
});
