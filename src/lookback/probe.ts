// What a base model of pocket's world can do, asked directly: list a picture, do sums, scan when told to, count at a
// glance. An item is judged from the answer's text alone; figures of cells are counted cell by cell.

import { gradeAnswer } from '../answer/answer_grading';
import { readAnswer } from '../answer/answer_reading';
import { cellShares, DELTA, margin } from '../data/world/colour_words';
import { CELL_NAMES, GRID_SIDE, IMAGE_SIDE } from '../data/world/grid';
import { drawSample, type SampleRequest, type WorldSample } from '../data/world/world_sample';
import { type Proportion, wilson } from './evaluation';

/** Abilities, in the order in which they are probed. */
export const PROBES = [
  'list',
  'scan',
  'photograph scan',
  'unclear photograph scan',
  'arithmetic',
  'glance',
  'photograph glance',
] as const;
/** One of {@link PROBES}. */
export type Probe = (typeof PROBES)[number];

/** One probing question. */
export interface ProbeItem {
  readonly probe: Probe;
  readonly sample: WorldSample;
  /** What to ask, with no words of a mode added. */
  readonly text: string;
}

/** An item with what a model answered. */
export interface ProbeAnswer {
  readonly item: ProbeItem;
  readonly text: string;
}

/** Shares of what was right, by figure. */
export type ProbeReport = Readonly<Record<string, Proportion & { readonly count: number }>>;

const GLANCE = /\bi see (\d+)\b/i;
/** What each probe draws. Sums ignore the picture; photographs ask at δ 0.2, or between 0.1 and 0.2. */
const REQUESTS: Readonly<Record<Probe, Partial<SampleRequest>>> = {
  list: {},
  scan: {},
  'photograph scan': { split: 'photographs' },
  'unclear photograph scan': { split: 'photographs', delta: DELTA.train },
  arithmetic: { textShare: 1 },
  glance: {},
  'photograph glance': { split: 'photographs' },
};

function askOf(probe: Probe, { oracle, text }: WorldSample): string {
  if (probe === 'list') return oracle.list.prompt;
  return probe.endsWith('scan') ? (oracle.check?.prompt ?? '') : text;
}

/** A whole count of the picture, not a comparison of lines; unclear where the probe is about that. */
function serves(probe: Probe, { kind, clearness }: WorldSample): boolean {
  if (kind === 'text') return probe === 'arithmetic';
  if (kind === 'compare') return false;
  return probe !== 'unclear photograph scan' || (clearness ?? 1) < DELTA.test;
}

/** The first `count` items of an ability among the samples of the test splits. */
export function probeItems(probe: Probe, seed: number, count: number): ProbeItem[] {
  const items: ProbeItem[] = [];
  for (let index = 0; items.length < count; index++) {
    const sample = drawSample({ split: 'test', seed, index, ...REQUESTS[probe] });
    if (serves(probe, sample)) items.push({ probe, sample, text: askOf(probe, sample) });
  }
  return items;
}

function words(text: string): string[] {
  return text.trim().toLowerCase().split(/\s+/);
}

/** The words after each cell's name, marks left out: what an answer says of the cells. */
function cellWords(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let cell = '';
  for (const word of words(text)) {
    if (CELL_NAMES.includes(word)) cell = word;
    else if (cell !== '' && word !== 'x' && !/^\d+$/.test(word) && !word.startsWith('<')) {
      found.set(cell, `${found.get(cell) ?? ''} ${word}`);
    }
  }
  return found;
}

/** Cells to judge: all of a sheet, and of a photograph those whose own word is clear. */
function judgedCells({ facts, picture, image }: WorldSample): string[] {
  if (picture.kind === 'sheet') return [...CELL_NAMES];
  const shares = cellShares(image(), IMAGE_SIDE, GRID_SIDE);
  return CELL_NAMES.filter((_, i) => {
    const [own, cell] = [facts.cells[i]?.colour, shares[i]];
    return own !== undefined && cell !== undefined && margin(cell, own) >= DELTA.test;
  });
}

interface Judgement {
  readonly figure: string;
  readonly right: boolean;
}

function judgeCells({ item, text }: ProbeAnswer, truth: string): Judgement[] {
  const [said, right] = [cellWords(text), cellWords(truth)];
  const figure = `${item.probe}, cell words`;
  return judgedCells(item.sample).map((cell) => ({ figure, right: said.get(cell) === right.get(cell) }));
}

/** The last number that a scan gave a match; 0 for none. */
function lastMark(text: string): number {
  return Number(
    words(text)
      .filter((word) => /^\d+$/.test(word))
      .at(-1) ?? 0,
  );
}

function judge(answer: ProbeAnswer): Judgement[] {
  const { item, text } = answer;
  const { probe, sample } = item;
  if (probe === 'arithmetic') {
    return [{ figure: probe, right: gradeAnswer(readAnswer(text).answer, sample.answer).equal }];
  }
  if (probe.endsWith('glance')) {
    return [{ figure: probe, right: GLANCE.exec(text)?.[1] === `${sample.counts[0]}` }];
  }
  const truth = probe === 'list' ? sample.oracle.list.answer : (sample.oracle.check?.answer ?? '');
  const exact = { figure: `${probe}, exact`, right: words(text).join(' ') === words(truth).join(' ') };
  const cells = [...judgeCells(answer, truth), exact];
  if (probe === 'list') return cells;
  return [...cells, { figure: `${probe}, count`, right: lastMark(text) === sample.counts[0] }];
}

/** How often the answer is right that always says the most frequent count: what a blind glance could reach. */
function constantGlance(answers: readonly ProbeAnswer[], probe: Probe): Judgement[] {
  const counts = answers.filter(({ item }) => item.probe === probe).map(({ item }) => item.sample.counts[0]);
  const times = (count: number | undefined) => counts.filter((other) => other === count).length;
  const best = counts.reduce((a, b) => (times(b) > times(a) ? b : a), counts[0]);
  return counts.map((count) => ({ figure: `${probe}, best constant`, right: count === best }));
}

/** Sums up answered items by figure. */
export function summariseProbes(answers: readonly ProbeAnswer[]): ProbeReport {
  const judgements = [
    ...answers.flatMap(judge),
    ...constantGlance(answers, 'glance'),
    ...constantGlance(answers, 'photograph glance'),
  ];
  const tallies = new Map<string, { right: number; count: number }>();
  for (const { figure, right } of judgements) {
    const tally = tallies.get(figure) ?? { right: 0, count: 0 };
    tally.right += Number(right);
    tally.count++;
    tallies.set(figure, tally);
  }
  return Object.fromEntries(
    [...tallies].map(([figure, { right, count }]) => [figure, { ...wilson(right, count), count }]),
  );
}
