// Scores of written-down groups: what a reward is shown, advantages by hand, and which groups and completions count.

import { describe, expect, it } from 'vitest';
import { NO_ATTENTION } from '../../src/answer/attention_phases';
import {
  customOutcomes,
  readGroup,
  type Scoring,
  scoredGroup,
  scoreGroup,
  unmasked,
} from '../../src/train/group_scoring';
import type { RewardSample } from '../../src/train/rewards';
import { answerOf, exampleOf, groupOf, LIMIT, SCORING, scoreOf } from './scripted_group';

type Settings = Partial<Scoring['settings']>;

describe('scoreGroup', () => {
  it('shows a reward the text, what was expected, how it ended, and its tokens', () => {
    const seen: RewardSample[] = [];
    const watch = (sample: RewardSample) => scoreOf(seen.push(sample));
    groupOf(exampleOf('12'), ['a 12', 'b c !'], {}, [{ name: 'watch', weight: 1, of: watch }]);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatchObject({
      text: ' a 12',
      expected: '12',
      finished: true,
      length: 3,
      maxLength: LIMIT,
    });
    expect(seen[1]).toMatchObject({ text: ' b c !', finished: false, length: 3 });
    expect(seen[0]?.countTokens(2, 5)).toBe(1);
    expect(seen[1]?.countTokens(0, 6)).toBe(3);
  });

  it('shows a reward the question with what its row has besides', () => {
    const seen: RewardSample[] = [];
    const watch = (sample: RewardSample) => scoreOf(seen.push(sample));
    const rewards = [{ name: 'watch', weight: 1, of: watch }];
    const columns = { level: 2 };
    groupOf({ ...exampleOf('12', 5, 'row'), columns }, ['a', 'b'], {}, rewards);
    groupOf(exampleOf('12'), ['a', 'b'], {}, rewards);
    expect(seen[0]).toMatchObject({ question: 'question 5', kind: 'row', pictures: 0, columns });
    expect(seen[2]).toMatchObject({ kind: 'visual', columns: {} });
  });

  it('shows a reward the attention of each phase, where it was recorded', () => {
    const text = '<think> 1 2 3 </think> <back> 4 5 </back> <think> 6 </think>';
    const answer = answerOf(text);
    // Tokens 1 to 3 are the thought; 5 opens the look, and 6 and 7 are in it.
    const images = [0.9, 0.1, 0.2, 0.3, 0.9, 0.4, 0.6, 0.8];
    for (const [step, image] of images.entries()) {
      answer.record({ step, shares: { image, query: 0, generated: 1 - image }, map: new Float32Array(0) });
    }
    const seen: RewardSample[] = [];
    const watch = (sample: RewardSample) => scoreOf(seen.push(sample));
    const rewards = [{ name: 'watch', weight: 1, of: watch }];
    const scoring = { ...SCORING, rewards };
    scoreGroup(readGroup({ example: exampleOf('12'), answers: [answer, answerOf(text)] }, scoring), scoring);
    expect(seen[0]?.attention.late).toBeCloseTo(0.2, 12);
    expect(seen[0]?.attention.inBack).toBeCloseTo(0.6, 12);
    expect(seen[0]?.attention.backPeak).toBeCloseTo(0.8, 12);
    expect(seen[1]?.attention).toEqual(NO_ATTENTION);
  });

  it('shows a reward what the picture gains the answer and its look, where that was measured', () => {
    const text = '<think> 1 2 3 </think> <back> 4 5 </back> <think> 6 </think>';
    const seen: RewardSample[] = [];
    const watch = (sample: RewardSample) => scoreOf(seen.push(sample));
    const scoring = { ...SCORING, rewards: [{ name: 'watch', weight: 1, of: watch }] };
    const answers = [answerOf(text), answerOf('<think> 1 </think>')];
    // The words of the look are tokens 6 and 7.
    const first = Float32Array.from({ length: answers[0]!.ids.length }, (_, at) =>
      at === 6 ? 1 : at === 7 ? 2 : 0,
    );
    const second = new Float32Array(answers[1]!.ids.length).fill(0.5);
    const example = exampleOf('12');
    scoreGroup(readGroup({ example, answers, visualGains: [first, second] }, scoring), scoring);
    expect(seen[0]?.visualGain?.inBack).toBeCloseTo(1.5, 6);
    expect(seen[0]?.visualGain?.whole).toBeCloseTo(3 / first.length, 6);
    expect(seen[1]?.visualGain).toEqual({ whole: 0.5, inBack: null });
    scoreGroup(readGroup({ example, answers }, scoring), scoring);
    expect(seen[2]?.visualGain).toBe(null);
  });

  it('reports unweighted rewards, their weighted sum, and group-normalised advantages', () => {
    const { completions } = scoredGroup(groupOf(exampleOf('12'), ['a 12', 'b', '12 c d', 'x y !']));
    // 1 + 0.2, 0 + 0.1, 1 + 0.3, 0 + 0.3; mean 0.725, unbiased deviation 0.611.
    const totals = [1.2, 0.1, 1.3, 0.3];
    const mean = 0.725;
    const std = Math.sqrt(totals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3);
    completions.forEach(({ reward, advantage }, index) => {
      expect(reward).toBeCloseTo(totals[index]!, 12);
      expect(advantage).toBeCloseTo((totals[index]! - mean) / (std + 1e-4), 10);
    });
    expect(completions.map(({ correct }) => correct)).toEqual([true, false, true, false]);
    expect(completions.map(({ truncated }) => truncated)).toEqual([false, false, false, true]);
    expect(completions.map(({ tokens }) => tokens)).toEqual([3, 2, 4, 3]);
    expect(completions[2]?.rewards).toEqual({ right: 1, words: 3 });
    expect(completions[2]?.reasons.words).toEqual({ why: 'it is 3', span: null });
  });

  it.each<[Settings, number]>([
    [{ scaleRewards: 'none' }, 0.05],
    [{ scaleRewards: 'std_floor', stdFloor: 0.25 }, 0.2],
    // The deviation of 0 and 0.1 is 0.0707, above this floor.
    [{ scaleRewards: 'std_floor', stdFloor: 0.01 }, Math.SQRT1_2],
    [{ scaleRewards: 'group' }, 0.05 / (0.1 * Math.SQRT1_2 + 1e-4)],
  ])('scales advantages by %o', (settings, advantage) => {
    const { candidates } = groupOf(exampleOf('12'), ['a b', 'c'], settings);
    expect(candidates[0]?.scored.advantage).toBeCloseTo(advantage, 10);
    expect(candidates[1]?.scored.advantage).toBeCloseTo(-advantage, 10);
  });

  it.each<[string, readonly string[], Settings, 'uniform' | 'truncated' | null]>([
    ['keeps equal groups unless told', ['a', 'a'], {}, null],
    ['drops equal rewards', ['a', 'b'], { dropUniformGroups: 'reward' }, 'uniform'],
    ['keeps unequal rewards', ['a b', 'b'], { dropUniformGroups: 'reward' }, null],
    ['drops all wrong, whatever is rewarded', ['a b', 'b'], { dropUniformGroups: 'accuracy' }, 'uniform'],
    ['drops all right', ['12 b', '12'], { dropUniformGroups: 'accuracy' }, 'uniform'],
    ['keeps right beside wrong', ['12', 'b'], { dropUniformGroups: 'accuracy' }, null],
    ['keeps cut-off completions unless masked', ['a !', 'b !'], {}, null],
    ['drops groups with nothing left', ['a !', 'b !'], { maskTruncatedCompletions: true }, 'truncated'],
    ['keeps what is left', ['a !', 'b'], { maskTruncatedCompletions: true }, null],
    [
      'says cut off before uniform',
      ['a !', 'b !'],
      { maskTruncatedCompletions: true, dropUniformGroups: 'reward' },
      'truncated',
    ],
  ])('%s', (_, texts, settings, dropped) => {
    expect(groupOf(exampleOf('12'), texts, settings).dropped).toBe(dropped);
  });

  it('names the reward that is not a number', () => {
    const broken = [{ name: 'broken', weight: 1, of: () => scoreOf(Number.NaN) }];
    expect(() => groupOf(exampleOf('12'), ['a', 'b'], {}, broken)).toThrow(/"broken" is NaN/);
  });

  it('reads a completion once for all rewards, a user’s own included', async () => {
    const answers = [answerOf('a 12'), answerOf('b')];
    let read = 0;
    for (const answer of answers) {
      const imageShares = answer.imageShares.bind(answer);
      answer.imageShares = () => {
        read++;
        return imageShares();
      };
    }
    const seen: (readonly RewardSample[])[] = [];
    const custom = {
      weight: 2,
      score: async (samples: readonly RewardSample[]) => {
        seen.push(samples);
        return samples.map(({ length }) => scoreOf(length));
      },
    };
    const scoring = { ...SCORING, custom };
    const group = readGroup({ example: exampleOf('12'), answers }, scoring);
    const { candidates } = scoreGroup(group, scoring, await customOutcomes(group, scoring));
    expect(read).toBe(2);
    expect(seen).toEqual([group.samples]);
    // 1 + 0.2 + 2 · 3, and 0 + 0.1 + 2 · 2.
    expect(candidates.map(({ scored }) => scored.reward)).toEqual([7.2, 4.1]);
  });

  it('refuses a group of one', () => {
    expect(() => groupOf(exampleOf('12'), ['a'])).toThrow(/at least two/);
  });
});

describe('unmasked', () => {
  it('leaves cut-off completions out of the update only when they are masked', () => {
    const group = groupOf(exampleOf('12'), ['a !', '12', 'b !']);
    const texts = (mask: boolean): string[] =>
      unmasked(group, { maskTruncatedCompletions: mask }).map(({ scored }) => scored.text);
    expect(texts(false)).toEqual([' a !', ' 12', ' b !']);
    expect(texts(true)).toEqual([' 12']);
  });
});

describe('scoredGroup', () => {
  it('keeps the example’s name and words', () => {
    const group = scoredGroup(groupOf(exampleOf('12', 7), ['a', '12']));
    expect(group).toMatchObject({ key: 7, question: 'question 7', expected: '12', dropped: null });
    expect(group.completions.map(({ text }) => text)).toEqual([' a', ' 12']);
  });
});
