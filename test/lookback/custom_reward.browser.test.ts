// Users' rewards in a browser's real Worker: one that works, and three that must not get away with it.

import { afterEach, describe, expect, it } from 'vitest';
import { NO_ATTENTION } from '../../src/answer/attention_phases';
import { CustomReward, openBrowserRewardWorker } from '../../src/lookback/custom_reward';
import type { RewardSample } from '../../src/train/rewards';
import { ASKED } from '../train/scripted_group';

const SAMPLE: RewardSample = {
  ...ASKED,
  ...{ text: '<think> 2 </think> \\boxed{2}', expected: '2', finished: true, length: 10, maxLength: 40 },
  countTokens: () => 1,
  attention: NO_ATTENTION,
  visualGain: null,
};

let reward: CustomReward | undefined;
afterEach(() => reward?.destroy());

function rewardOf(source: string): CustomReward {
  reward = new CustomReward(source, openBrowserRewardWorker);
  return reward;
}

describe('a user’s reward in a Worker', () => {
  it('scores', async () => {
    const works = rewardOf('function reward({ accuracy, length }) { return accuracy + length / 100; }');
    expect(await works.score(SAMPLE, 1)).toEqual({
      score: 1.1,
      why: 'The custom reward gave 1.1.',
      span: null,
    });
  });

  it.each([
    ['loops for ever', 'function reward() { for (;;); }', 'reward/time'],
    [
      'loops for ever within one operation',
      // Sorting compares without coming back to the interpreter's clock for long.
      'function reward() { const all = new Array(3e6).fill(0); for (;;) all.fill(1).reverse(); }',
      /reward\/(time|memory)/,
    ],
    [
      'allocates without end',
      'function reward() { const all = []; for (;;) all.push("x".repeat(100000) + all.length); }',
      /reward\/(memory|time)/,
    ],
    ['allocates at once', 'function reward() { return new Uint8Array(2 ** 30).length; }', 'reward/memory'],
    ['asks the network', `function reward() { fetch('${location.origin}'); return 1; }`, 'reward/failed'],
  ])('that %s ends with an error', async (_, source, code) => {
    const expected = typeof code === 'string' ? code : expect.stringMatching(code);
    await expect(rewardOf(source).score(SAMPLE, 0)).rejects.toMatchObject({ code: expected });
  });

  it('that was ended leaves the next one to work', async () => {
    const bad = rewardOf('function reward() { for (;;); }');
    await expect(bad.score(SAMPLE, 0)).rejects.toMatchObject({ code: 'reward/time' });
    bad.destroy();
    expect(await rewardOf('function reward() { return 1; }').score(SAMPLE, 0)).toMatchObject({ score: 1 });
  });
});
