// Holds every sentence about experiments that ship with the page, and says their figures in words.

import type {
  OutcomeFilter,
  ShippedCell,
  ShippedComparison,
  ShippedExperiment,
} from '../../state/shipped_experiment';
import { PAGES, pageName } from '../controls';

const percent = (share: number): string => (100 * share).toFixed(1);
const points = (share: number): string => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
const plural = (count: number, one: string): string =>
  `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;

/** Fixed texts. */
export const RESULTS_COPY = {
  title: 'Experiments',
  about:
    'What was tried, by a protocol that was committed before it ran. Each number leads to its questions.',
  none: 'No results ship with this page.',
  back: 'All arms',
  protocol: 'Protocol',
  missing: ({ missing }: ShippedExperiment) =>
    `Not whole: ${plural(missing, 'part')} of this experiment ${missing === 1 ? 'has' : 'have'} not been run so far. What is there is shown; nothing is filled in.`,
  made: ({ model, devices, commits, seeds }: ShippedExperiment) =>
    `${model}; ${plural(seeds.length, 'training seed')}; ${devices.join('; ')}; sources ${commits.map((one) => one.slice(0, 12)).join(', ')}.`,
  intervals:
    'In brackets 95 % intervals: over questions where there is one seed (Wilson’s; for differences the bootstrap), over seeds and questions where there are several. p is McNemar’s, exact, with one seed.',
  paper: 'The paper and this miniature',
  finding: 'Finding',
  inPaper: 'Paper',
  set: 'Questions',
  here: 'Here',
  notMeasured: 'not measured so far',
  setTitle: (name: string, count: number) =>
    `${name[0]?.toUpperCase()}${name.slice(1)}: ${plural(count, 'question')}`,
  arm: 'Arm',
  right: 'Right, %',
  seeds: 'Seeds',
  lookedBack: 'Looked back, %',
  scan: 'Full scan, %',
  empty: 'Empty, %',
  late: 'On the picture: late thought',
  inBack: 'in the look',
  tokens: 'Tokens',
  notRun: 'not run so far',
  difference: 'Difference',
  points: 'Points',
  gained: 'Gained',
  lost: 'Lost',
  p: 'p',
  questionsOf: (name: string) => `The questions behind ${name}`,
  filter: 'Show',
  filters: {
    all: 'all',
    right: 'right',
    wrong: 'wrong',
    lookedBack: 'looked back',
    gained: 'gained by the second',
    lost: 'lost by the second',
  } satisfies Record<OutcomeFilter, string>,
  question: 'Question',
  expected: 'Right answer',
  noneSuch: 'No question is of this kind.',
  unknown: 'These results have no such arm or set.',
  open: (index: number) => `Question ${index + 1}`,
  previous: 'Previous',
  next: 'Next',
  range: (from: number, to: number, total: number) => `${from} to ${to} of ${total}`,
  everyArm: 'Every arm',
  look: `Open in ${PAGES.look}`,
  lookBase: 'As the base was asked: without an adapter.',
  lookTrained: `With the prompt of this arm, and with the adapter that is chosen on ${pageName('look')}: adapters of single arms do not ship, so that the answer may be another one.`,
  close: 'Close',
  picture: (index: number) => `The picture of question ${index + 1}`,
  marks: (correct: boolean, looked: boolean) =>
    `${correct ? 'right' : 'wrong'}${looked ? ', looked back' : ''}`,
} as const;

/** `71.6 (68.7 to 74.3)`. */
export function accuracyWords({ accuracy: { mean, low, high } }: ShippedCell): string {
  return `${percent(mean)} (${percent(low)} to ${percent(high)})`;
}

/** `+4.2 (+1.0 to +7.5)`. */
export function pointsWords({ difference: { mean, low, high } }: ShippedComparison): string {
  return `${points(mean)} (${points(low)} to ${points(high)})`;
}

/** The cells of an arm behind its accuracy, in the order of the columns. */
export function cellWords(cell: ShippedCell): string[] {
  const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  return [
    ...[String(cell.accuracy.seeds), percent(cell.triggerRate), percent(cell.genuineScanRate)],
    ...[percent(cell.emptyBackRate), share(cell.late), share(cell.inBack), cell.meanLength.toFixed(1)],
  ];
}

/** A probability; a dash with several seeds, whose answers hang together. */
export function probabilityWords(p: number | null): string {
  if (p === null) return '–';
  return p < 0.001 ? p.toExponential(1) : p.toFixed(3);
}
