// A cold start in the making as the engine tells it, for tests of the page.

import { COLD_START_SETTINGS } from '../../src/settings/cold_start_settings';
import { defaultsOf } from '../../src/settings/read_settings';
import type { ColdStartView } from '../../src/worker/protocol/cold_start';

const EXAMPLE = {
  ...{ id: 'train-0-0', question: 'How many red squares?', expected: '2' },
  ...{ text: '<think> i see 2 red squares. </think> \\boxed{ 2 }', correct: true },
};

/** Two of three questions are chosen; one look is rejected. */
export const COLD_VIEW: ColdStartView = {
  plan: { ...defaultsOf(COLD_START_SETTINGS), count: 3, rollouts: 2, source: { kind: 'shapes_world' } },
  ...{ modelId: 'pocket', createdAt: 1, bytes: 2048, atWork: null, savedAs: null },
  rollouts: {
    ...{ done: 3, total: 3, withoutChain: 1, examples: [EXAMPLE] },
    bars: [
      { right: 0, problems: 1, chosen: 0 },
      { right: 1, problems: 2, chosen: 2 },
      { right: 2, problems: 0, chosen: 0 },
    ],
  },
  selection: {
    ...{ looks: 2, wrongFirst: 1, plains: 0, alwaysRight: 0, neverRight: 1, nowAndThen: 2 },
    examples: [EXAMPLE],
  },
  insertion: { written: 2, cutOff: 0, byHand: 0, examples: [EXAMPLE] },
  filter: {
    accepted: 1,
    broken: [
      {
        ...{ rule: 'empty', demands: 'The look says something: at least three words.', count: 1 },
        examples: [
          { id: 'train-0-1', why: 'The look is “ok”.', text: '<think> … </think> <back> ok </back>' },
        ],
      },
    ],
  },
  mix: { looks: 1, plains: 0, wrongFirst: 0, examples: [EXAMPLE] },
};
