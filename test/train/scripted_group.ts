// Groups of completions that a test writes down, scored by the trainer's own code: no model, no GPU.
// A completion is words; `!` as its last word says that the model did not end it.

import { GeneratedAnswer } from '../../src/generation/generate';
import { type CandidateGroup, readGroup, type Scoring, scoreGroup } from '../../src/train/group_scoring';
import type { RewardOutcome, RewardSample } from '../../src/train/rewards';
import type { PromptExample } from '../../src/train/trainer';

/** Length limit of scripted completions. */
export const LIMIT = 6;

/** An example with a key, an expected answer and a kind. */
export function exampleOf(expected: string, key = 0, kind = 'visual'): PromptExample {
  const prompt = { inputIds: [1, 2], images: [] };
  return { key, prompt, imageTokens: 0, question: `question ${key}`, expected, kind };
}

/** What a sample says of a question that has nothing besides. */
export const ASKED: Pick<RewardSample, 'question' | 'kind' | 'pictures' | 'columns'> = {
  ...{ question: 'How many?', kind: 'row', pictures: 1, columns: {} },
};

/** An answer whose tokens are words; ended unless its last word is `!`. */
export function answerOf(text: string): GeneratedAnswer {
  const words = text.split(' ');
  const answer = new GeneratedAnswer({ push: (id) => (id === 0 ? '' : ` ${words[id - 1]}`), end: () => '' });
  words.forEach((_, index) => {
    answer.push(index + 1, false);
  });
  if (words.at(-1) === '!') answer.finish('length');
  else {
    answer.push(0, true);
    answer.finish('eos');
  }
  return answer;
}

/** A reward that gives this number and has nothing to say about it. */
export function scoreOf(score: number): RewardOutcome {
  return { score, why: `it is ${score}`, span: null };
}

/** Right when the expected answer is among the words; the second reward counts words. */
export const SCORING: Scoring = {
  rewards: [
    {
      name: 'right',
      weight: 1,
      of: ({ text, expected }) => scoreOf(Number(text.split(' ').includes(expected))),
    },
    { name: 'words', weight: 0.1, of: ({ text }) => scoreOf(text.trim().split(' ').length) },
  ],
  accuracy: ({ text, expected }) => scoreOf(Number(text.split(' ').includes(expected))),
  settings: {
    maxCompletionLength: LIMIT,
    scaleRewards: 'group',
    stdFloor: 0.25,
    dropUniformGroups: 'none',
    maskTruncatedCompletions: false,
  },
};

/** Scores texts as completions of an example. */
export function groupOf(
  example: PromptExample,
  texts: readonly string[],
  settings: Partial<Scoring['settings']> = {},
  rewards: Scoring['rewards'] = SCORING.rewards,
): CandidateGroup {
  const scoring = { ...SCORING, rewards, settings: { ...SCORING.settings, ...settings } };
  return scoreGroup(readGroup({ example, answers: texts.map(answerOf) }, scoring), scoring);
}
