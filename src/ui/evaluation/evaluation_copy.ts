// Holds every sentence of the pages about evaluations, and says figures in words.

import { formatBytes } from '../../lib/format';
import { EVALUATION_PAGE_SETTINGS, EVALUATION_SETTINGS } from '../../settings/evaluation_settings';
import { modeWords } from '../../settings/reasoning_modes';
import type {
  EvaluationFilter,
  EvaluationPlan,
  EvaluationSide,
  EvaluationSideView,
  EvaluationSummary,
  EvaluationView,
  EvaluationWork,
} from '../../worker/protocol/evaluation';
import { PAGES, pageName } from '../controls';
import { counted } from '../data/data_copy';
import type { LabAddress } from './lab_address';

const LOOK = EVALUATION_SETTINGS.look;

/** `71.6 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const points = (share: number): string => `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)}`;
const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3));

/** Fixed texts. */
export const EVALUATION_COPY = {
  /** The heading, by what the address names. */
  headings: {
    first: PAGES.lab,
    evaluation: 'Evaluation',
    results: 'Experiment',
    questions: 'Questions of an experiment',
  } satisfies Record<LabAddress['page'], string>,
  about:
    'Measures whether a model looks back, and whether it is better for it: on the built-in world or on a dataset of yours, one model or two against each other, question by question.',
  back: PAGES.lab,
  form: {
    title: 'New evaluation',
    model: (label: string) => `The model that is loaded answers, greedily: ${label}.`,
    noModel: 'Load a model first: it is what an evaluation measures.',
    side: (at: number, sides: number) => (sides === 1 ? 'Measured' : at === 0 ? 'First side' : 'Second side'),
    adapter: 'Adapter',
    base: 'None: the base model',
    mode: 'Prompt',
    advanced: 'Advanced',
    lookRefused: `Looks are replaced in greedy answers alone: set “${EVALUATION_SETTINGS.temperature.label}” to 0, or choose “${EVALUATION_SETTINGS.look.choices.own}”.`,
    against: 'Hold it against another',
    alone: 'Measure the first alone',
    start: 'Start',
  },
  list: {
    title: 'Evaluations on this device',
    empty: 'None yet.',
    open: 'Open',
    delete: 'Delete',
    deleteTitle: 'Delete this evaluation?',
    deleteWhat: (name: string, bytes: number) =>
      `${name}: its answers and figures are deleted, which frees ${formatBytes(bytes)}.`,
    deleteYes: 'Delete',
  },
  run: {
    goOn: 'Go on',
    pause: 'Pause',
    asking: 'The model is being asked.',
    paused: 'Paused. What was answered is kept; it goes on from there.',
    whole: 'Every question is answered.',
    elsewhere: (id: string) => `Its answers are from the model “${id}”. Load that model to go on.`,
    gone: `This evaluation is not kept here any more. The others are on ${pageName('lab')}.`,
    exportJson: 'Export JSON',
    exportCsv: 'Export CSV',
  },
  figures: 'Figures',
  figure: 'Figure',
  byKind: 'By kind of question',
  kind: 'Kind',
  questions: 'Questions',
  right: 'Right',
  lookedBack: 'Looked back',
  intervals:
    'In brackets 95 % intervals: Wilson’s for shares; for the difference the bootstrap over questions, and p of McNemar’s exact test, which asks whether more questions changed one way than chance allows.',
  flipsWhy:
    'Flips compare the answer that the first thought arrives at with the box; counted where the thought names one.',
  looksWhy:
    'Where looks were replaced, the model went on behind what was put there, which does not count as generated. Answers without a look are as the model wrote them.',
  comparison: 'Second against first',
  difference: 'Difference, points',
  gained: 'Gained',
  lost: 'Lost',
  p: 'p',
  all: 'All',
  curves: 'Attention to the picture',
  decay: 'By position in the answer',
  decayAxis: 'generated token',
  around: 'Around the look back',
  aroundAxis: 'tokens from the opening <back>',
  shareAxis: 'share on the picture',
  curveNone: 'No answer looked back.',
  curveTable: 'The same as a table',
  answersThere: 'Answers',
  items: {
    title: 'Question by question',
    filter: 'Show',
    filters: {
      all: 'all',
      wrong: 'wrong',
      flipped: 'flipped by a look back',
      lookedBack: 'looked back',
      discordant: 'right on one side alone',
    } satisfies Record<EvaluationFilter, string>,
    none: 'No question is of this kind.',
    question: 'Question',
    expected: 'Right answer',
    notAsked: 'not asked yet',
    noBox: 'no answer',
    open: (index: number) => `Question ${index + 1}`,
    look: `Open in ${PAGES.look}`,
    ownLooks: `There the model writes its own looks.`,
    compare: `Compare in ${PAGES.look}`,
    close: 'Close',
    picture: (name: string) => `The picture ${name}`,
    flips: {
      wrongToRight: 'wrong → right',
      rightToWrong: 'right → wrong',
      stayedRight: '',
      stayedWrong: '',
    },
  },
} as const;

/** What answers on one side, with what stands in its looks where that is not its own. */
export function sideWords({ adapter, mode, look = LOOK.default }: EvaluationSide): string {
  const who =
    adapter === null
      ? 'Base model'
      : `${adapter.name}${adapter.strength === 1 ? '' : ` × ${adapter.strength}`}`;
  const looks = look === LOOK.default ? '' : `, looks: ${LOOK.choices[look].toLowerCase()}`;
  return `${who}, ${modeWords(mode).toLowerCase()}${looks}`;
}

/** What is asked, and how where it is not greedily. Plans of before sampling have no temperature. */
export function sourceWords(plan: EvaluationPlan): string {
  const { source, questions, count, seed, temperature = 0, samplingSeed } = plan;
  const what =
    source.kind === 'dataset'
      ? `${counted(count, 'question')} of “${source.name}”`
      : `${counted(count, 'question')}, ${EVALUATION_PAGE_SETTINGS.questions.choices[questions].toLowerCase()}, seed ${seed}`;
  return temperature === 0 ? what : `${what}, at temperature ${temperature} with seed ${samplingSeed}`;
}

/** An evaluation in a line. */
export function planWords({ plan, modelId }: Pick<EvaluationSummary, 'plan' | 'modelId'>): string {
  return `${modelId}: ${plan.sides.map(sideWords).join(' against ')}; ${sourceWords(plan)}`;
}

/** How far it is. */
export function doneWords({ plan, done }: Pick<EvaluationSummary, 'plan' | 'done'>): string {
  const sum = done.reduce((all, own) => all + own, 0);
  return `${sum.toLocaleString('en')} of ${(plan.count * plan.sides.length).toLocaleString('en')} answered`;
}

/** How far the asking is, and for how long it goes on. */
export function workWords({ done, total, secondsLeft }: EvaluationWork): string {
  const seconds = secondsLeft === null ? null : Math.max(1, Math.round(secondsLeft));
  const left =
    seconds === null
      ? ''
      : seconds < 90
        ? `, about ${seconds} s left`
        : `, about ${Math.round(seconds / 60)} min left`;
  return `${done.toLocaleString('en')} of ${total.toLocaleString('en')} answered${left}`;
}

type Report = NonNullable<EvaluationSideView['report']>;

const interval = ({ mean, low, high }: Report['accuracy']): string =>
  `${percent(mean)} (${percent(low)} to ${percent(high)})`;
const part = ({ count, accuracy }: Report['givenBack']): string =>
  count === 0 ? '–' : `${percent(accuracy.mean)} of ${count}`;

/** Every figure of a side with its name, in the order of the table; null where a side has none of that name. */
export const FIGURES: readonly {
  readonly name: string;
  readonly of: (report: Report, side: EvaluationSideView) => string | null;
}[] = [
  { name: 'Right', of: ({ accuracy }) => interval(accuracy) },
  { name: 'Looked back', of: ({ triggerRate }) => percent(triggerRate) },
  { name: 'Empty looks', of: ({ emptyBackRate }) => percent(emptyBackRate) },
  { name: 'Right where it looked back', of: ({ givenBack }) => part(givenBack) },
  { name: 'Right where it did not', of: ({ givenNoBack }) => part(givenNoBack) },
  {
    name: 'Flips, wrong → right',
    of: ({ flips }) => (flips.judged === 0 ? '–' : `${flips.wrongToRight} of ${flips.judged}`),
  },
  {
    name: 'Flips, right → wrong',
    of: ({ flips }) => (flips.judged === 0 ? '–' : `${flips.rightToWrong} of ${flips.judged}`),
  },
  {
    name: 'Looks replaced',
    of: ({ intervention, count }) =>
      intervention && `${intervention.looks}, in ${intervention.applied} of ${counted(count, 'answer')}`,
  },
  {
    name: 'Tokens put into an answer',
    of: ({ intervention, cost }) => intervention && cost.meanForcedTokens.toFixed(1),
  },
  { name: 'On the picture, late in the first thought', of: ({ attention }) => share(attention.late) },
  { name: 'On the picture, in the look back', of: ({ attention }) => share(attention.inBack) },
  { name: 'Cut off at the longest length', of: ({ truncatedRate }) => percent(truncatedRate) },
  { name: 'Tokens of an answer', of: ({ meanLength }) => meanLength.toFixed(1) },
  { name: 'Tokens of a prompt', of: ({ meanPromptTokens }) => meanPromptTokens.toFixed(1) },
  {
    name: 'Seconds for an answer',
    of: (_, { seconds, done }) => (done === 0 ? '–' : Number((seconds / done).toPrecision(2)).toString()),
  },
  {
    name: 'Operations for an answer, GFLOP',
    of: ({ meanFlops }) => Number((meanFlops / 1e9).toPrecision(3)).toString(),
  },
  {
    name: 'Questions',
    of: (_, { done, leftOut }) => (leftOut === 0 ? `${done}` : `${done}, ${leftOut} left out`),
  },
];

type Compared = NonNullable<EvaluationView['comparison']>['all'];

/** `+4.2 (+1.0 to +7.5)`. */
export function differenceWords({ difference }: Compared): string {
  return `${points(difference.mean)} (${points(difference.low)} to ${points(difference.high)})`;
}

/** A probability with as many digits as matter. */
export function probabilityWords({ p }: Compared): string {
  return p < 0.001 ? p.toExponential(1) : p.toFixed(3);
}
