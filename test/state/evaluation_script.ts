// An evaluation as the engine tells it, for tests of the page.

import { scoreAnswer, summarise } from '../../src/lookback/evaluation';
import { compareKinds, compareOutcomes } from '../../src/lookback/paired_comparison';
import { EVALUATION_PAGE_SETTINGS } from '../../src/settings/evaluation_settings';
import { defaultsOf } from '../../src/settings/read_settings';
import type {
  EvaluationItems,
  EvaluationItemView,
  EvaluationPlan,
  EvaluationView,
} from '../../src/worker/protocol/evaluation';
import { wordAnswer } from '../lookback/scripted_model';

const PLAN: EvaluationPlan = {
  ...defaultsOf(EVALUATION_PAGE_SETTINGS),
  ...{ count: 4, source: { kind: 'shapes_world' } },
  sides: [
    { adapter: null, mode: 'solution' },
    { adapter: { id: 'a1', name: 'Looks', strength: 1 }, mode: 'solution' },
  ],
};

const outcome = (index: number, kind: string, text: string) => {
  const answer = wordAnswer(text, (token) => 0.5 / (1 + token));
  const finished = {
    ...({ text, length: answer.ids.length, finishReason: 'eos', promptTokens: 30, flops: 2e9 } as const),
    imageShares: answer.imageShares(),
    tokenSpan: (start: number, end: number) => answer.tokenSpan(start, end),
  };
  return scoreAnswer(finished, { index, kind, question: `How many? (${index})`, expected: '2' });
};
const plain = (answer: number) => `<think> i see ${answer} </think> \\boxed{ ${answer} }`;
const turned = (first: number, last: number) =>
  `<think> i see ${first} </think> <back> a look at it </back> <think> so ${last} </think> \\boxed{ ${last} }`;

const BASE = [2, 3, 3, 2].map((answer, i) => outcome(i, i < 2 ? 'count' : 'take', plain(answer)));
const ADAPTED = [2, 2, 2, 3].map((answer, i) => outcome(i, i < 2 ? 'count' : 'take', turned(3, answer)));
const NEUTRAL = { look: 'neutral', looks: 1, forcedTokens: 6 } as const;
const PAIRS = BASE.map((one, i) => [one, ADAPTED[i] ?? one] as const);

/** Two sides of four questions: the base is right twice, the adapter three times, two of them where the base is not. */
export const EVALUATION_VIEW: EvaluationView = {
  ...{ id: 'e1', plan: PLAN, modelId: 'pocket', device: 'a graphics card', createdAt: 1, bytes: 2048 },
  done: [4, 4],
  sides: [BASE, ADAPTED].map((outcomes) => ({
    ...{ done: 4, leftOut: 0, seconds: 2, report: summarise(outcomes) },
  })),
  comparison: { all: compareOutcomes(PAIRS), byKind: compareKinds(PAIRS) },
};

/** The same where the adapter's looks are neutral text. */
export const REPLACED_VIEW: EvaluationView = {
  ...EVALUATION_VIEW,
  plan: { ...PLAN, sides: PLAN.sides.map((side, at) => (at === 0 ? side : { ...side, look: 'neutral' })) },
  sides: [BASE, ADAPTED.map((one) => ({ ...one, intervention: NEUTRAL }))].map((outcomes) => ({
    ...{ done: 4, leftOut: 0, seconds: 2, report: summarise(outcomes) },
  })),
};

/** Its questions. */
export const EVALUATION_ITEMS: EvaluationItems = {
  total: 4,
  rows: PAIRS.map((pair) => ({
    ...{ index: pair[0].index, kind: pair[0].kind, question: pair[0].question, expected: '2' },
    answers: pair.map(({ answer, correct, triggered, emptyBack, length }, side) => ({
      ...{ answer, correct, triggered, emptyBack, length },
      flip: side === 0 ? null : correct ? ('wrongToRight' as const) : ('stayedWrong' as const),
    })),
  })),
};

/** Its second question whole. */
export const EVALUATION_ITEM: EvaluationItemView = {
  ...(EVALUATION_ITEMS.rows[1] as EvaluationItems['rows'][number]),
  ...{ image: new Blob(['png']), imageName: 'sheets 999-1' },
  texts: [BASE[1]?.text ?? null, ADAPTED[1]?.text ?? null],
  shares: [[], []],
};
