// The host of users' rewards over a scripted Worker: what it sends, calls in turn, the end of a Worker that hangs.

import { describe, expect, it, vi } from 'vitest';
import { NO_ATTENTION } from '../../src/answer/attention_phases';
import {
  CustomReward,
  customSample,
  MAX_REWARD_SOURCE,
  type RewardCall,
  type RewardMessage,
  rewardWorkerOver,
} from '../../src/lookback/custom_reward';
import type { CustomRewardReply } from '../../src/lookback/reward_sandbox';
import type { RewardSample } from '../../src/train/rewards';

const TEXT = '<think> I see 2 </think> <back> a1 red </back> <think> 3 </think> \\boxed{3}';
const QUESTION = { question: 'How many?', kind: 'row', pictures: 1, columns: { level: 2 } };
const SAMPLE: RewardSample = {
  ...QUESTION,
  ...{ text: TEXT, expected: '3', finished: true, length: 20, maxLength: 40 },
  countTokens: (start, end) => end - start,
  attention: { ...NO_ATTENTION, late: 0.1, inBack: 0.3 },
  visualGain: { whole: 0.5, inBack: 2 },
};

/** Workers that answer by a script; null never answers. */
function scripted(answer: (call: RewardCall) => CustomRewardReply | null) {
  const workers: { calls: RewardCall[]; ended: boolean }[] = [];
  const open = () =>
    rewardWorkerOver((said: (message: RewardMessage) => void) => {
      const worker = { calls: [] as RewardCall[], ended: false };
      workers.push(worker);
      queueMicrotask(() => said('ready'));
      return {
        post: (call) => {
          worker.calls.push(call);
          const reply = answer(call);
          if (reply !== null) setTimeout(() => said(reply));
        },
        terminate: () => {
          worker.ended = true;
        },
      };
    });
  return { workers, open };
}

describe('customSample', () => {
  it('gives plain data: the box, the looks and their tokens', () => {
    expect(customSample(SAMPLE, 1)).toEqual({
      ...QUESTION,
      ...{ text: TEXT, answer: '3', expected: '3', accuracy: 1, finished: true, length: 20, maxLength: 40 },
      backs: [{ text: ' a1 red ', tokens: 8 }],
      attention: SAMPLE.attention,
      visualGain: SAMPLE.visualGain,
    });
  });
});

describe('CustomReward', () => {
  it('asks one Worker, one completion at a time, and keeps the order', async () => {
    let inFlight = 0;
    const { workers, open } = scripted(({ sample }) => {
      inFlight += 1;
      expect(inFlight).toBe(1);
      setTimeout(() => {
        inFlight -= 1;
      });
      return { score: sample.length, why: '' };
    });
    const reward = new CustomReward('source', open);
    const lengths = [3, 1, 2];
    const outcomes = await Promise.all(lengths.map((length) => reward.score({ ...SAMPLE, length }, 0)));
    expect(outcomes.map(({ score }) => score)).toEqual(lengths);
    expect(outcomes[0]?.why).toBe('The custom reward gave 3.');
    expect(workers).toHaveLength(1);
    expect(workers[0]?.calls[0]?.source).toBe('source');
    reward.destroy();
    expect(workers[0]?.ended).toBe(true);
  });

  it('ends a Worker that does not answer, says so, and starts another for the next call', async () => {
    const { workers, open } = scripted(({ sample }) => (sample.length === 9 ? null : { score: 1, why: 'w' }));
    const reward = new CustomReward('source', open, 50);
    await expect(reward.score({ ...SAMPLE, length: 9 }, 0)).rejects.toMatchObject({ code: 'reward/time' });
    expect(workers[0]?.ended).toBe(true);
    expect(await reward.score(SAMPLE, 0)).toEqual({ score: 1, why: 'w', span: null });
    expect(workers).toHaveLength(2);
  });

  it('ends for good: nothing that waits or comes later is answered, and no Worker is left', async () => {
    const { workers, open } = scripted(() => null);
    const reward = new CustomReward('source', open);
    const asked = [reward.score(SAMPLE, 1), reward.score(SAMPLE, 1)];
    const ends = asked.map((score) =>
      expect(score).rejects.toMatchObject({ code: 'reward/failed', message: 'The custom reward was ended.' }),
    );
    await vi.waitFor(() => expect(workers[0]?.calls).toHaveLength(1));
    reward.destroy();
    await Promise.all(ends);
    await expect(reward.score(SAMPLE, 1)).rejects.toThrow('was ended');
    expect(workers.map(({ ended }) => ended)).toEqual([true]);
  });

  it('is tried on the question that is given, whose columns it may read', async () => {
    const { workers, open } = scripted(() => ({ score: 0, why: '' }));
    const reward = new CustomReward('source', open);
    await reward.check(QUESTION);
    await reward.check();
    const [first, second] = workers[0]?.calls ?? [];
    expect(first?.sample).toMatchObject({ ...QUESTION, text: expect.any(String) });
    expect(second?.sample).toMatchObject({ columns: {}, text: first?.sample.text });
  });

  it('turns what the function did into an error of its code', async () => {
    const { open } = scripted(() => ({ fault: 'reward/memory', message: 'It needs more.' }));
    await expect(new CustomReward('source', open).check()).rejects.toMatchObject({
      code: 'reward/memory',
      message: 'The custom reward: It needs more.',
    });
  });

  it('rejects where a Worker cannot be started', async () => {
    const open = () =>
      rewardWorkerOver((_, failed) => {
        queueMicrotask(() => failed('no such file'));
        return { post: () => undefined, terminate: () => undefined };
      });
    await expect(new CustomReward('source', open).check()).rejects.toThrow(/no such file/);
  });

  it('refuses a source beyond its limit', () => {
    const { open } = scripted(() => null);
    expect(() => new CustomReward('x'.repeat(MAX_REWARD_SOURCE + 1), open)).toThrow(/20001 characters/);
  });
});
