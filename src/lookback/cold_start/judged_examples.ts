// Makes the examples of a cold start out of what was sampled, chosen and written: judges every look, counts each broken
// rule with examples, and mixes what passed with plain chains. Pure: the same answers and settings give the same examples.

import type { ColdStartSettings } from '../../settings/cold_start_settings';
import { type KeptLook, type OpenedChain, writtenFor } from './insertion';
import { type QualityRule, type Rejection, rejectionsOf } from './quality_filter';
import { mixExamples } from './reflection_mix';
import type { SelectedChain, Selection } from './selection';

/** Who writes a look. */
export type LookWriter = ColdStartSettings['insert'];

/** One example of the finished data set. */
export interface ColdStartRow {
  readonly id: string;
  /** What the system turn says before the question; absent where it says nothing. */
  readonly system?: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string;
  readonly kind: string | null;
  readonly reflects: boolean;
  /** Share of the base's answers that were right. */
  readonly baseAccuracy: number;
  /** It looks back, and the thought before that led to a wrong answer. */
  readonly wrongFirst: boolean;
  /** Who wrote the look; null where there is none. */
  readonly writer: LookWriter | null;
}

/** Looks by who wrote them; of several writers for one chain, the first in the list counts. */
export type WrittenLooks = readonly {
  readonly writer: LookWriter;
  readonly looks: ReadonlyMap<string, KeptLook>;
}[];

/** How often a rule was broken, with the first few answers that did. */
export interface RejectedBy {
  count: number;
  readonly examples: { readonly id: string; readonly why: string; readonly text: string }[];
}

/** What the filter made of the looks. */
export interface JudgedLooks {
  /** Chains for which something is written. */
  readonly written: number;
  /** Chains that were asked about, of whose looks none came to its end within the longest length of an answer. */
  readonly cutOff: number;
  readonly rows: readonly ColdStartRow[];
  readonly rejected: Readonly<Partial<Record<QualityRule, RejectedBy>>>;
}

const EXAMPLES_PER_RULE = 3;

/** The first answer of each chain that breaks no rule; the rules broken by chains without one are counted. */
export function judgeLooks(opened: readonly OpenedChain[], written: WrittenLooks): JudgedLooks {
  const rejected: Partial<Record<QualityRule, RejectedBy>> = {};
  const reject = (id: string, text: string, { rule, why }: Rejection): void => {
    const own = rejected[rule] ?? { count: 0, examples: [] };
    rejected[rule] = own;
    own.count++;
    if (own.examples.length < EXAMPLES_PER_RULE) own.examples.push({ id, why, text });
  };
  let count = 0;
  let cutOff = 0;
  const rows = opened.flatMap((one): ColdStartRow[] => {
    const { source, opening } = one;
    const by = written.find(({ looks }) => writtenFor(one, looks));
    if (by === undefined) return [];
    const texts = by.looks.get(source.id)?.texts ?? [];
    if (texts.length === 0) {
      cutOff++;
      return [];
    }
    count++;
    const verdicts = texts.map((text) => ({
      text,
      broken: rejectionsOf({ text, opening, expected: source.answer }),
    }));
    const good = verdicts.find(({ broken }) => broken.length === 0);
    if (good) return [rowOf(one, good.text, by.writer)];
    for (const { text, broken } of verdicts.slice(0, 1))
      for (const rejection of broken) reject(source.id, text, rejection);
    return [];
  });
  return { written: count, cutOff, rows, rejected };
}

function rowOf({ sampled, chain }: SelectedChain, response: string, writer: LookWriter | null): ColdStartRow {
  const { id, question, answer, system, kind } = sampled.problem;
  const about = { baseAccuracy: sampled.accuracy, wrongFirst: writer !== null && !chain.correct, writer };
  const told = system ? { system } : {};
  return { id, ...told, question, answer, response, kind, reflects: writer !== null, ...about };
}

/** Looks that passed and plain chains at the wanted rate, in an order that the seed decides. */
export function mixRows(
  looks: readonly ColdStartRow[],
  { plains }: Pick<Selection, 'plains'>,
  { reflectionRate: rate, examples, seed }: Pick<ColdStartSettings, 'reflectionRate' | 'examples' | 'seed'>,
): ColdStartRow[] {
  const most = examples ?? Number.POSITIVE_INFINITY;
  const rows = plains.map((one) => rowOf(one, one.chain.text, null));
  return mixExamples(looks, rows, { rate, most, seed });
}

/** Counts of every stage. */
export function coldStartReport(
  selection: Selection,
  { written, cutOff, rows: accepted, rejected }: JudgedLooks,
  rows: readonly ColdStartRow[],
) {
  return {
    ...selection.counts,
    selected: selection.looks.length,
    written,
    cutOff,
    accepted: accepted.length,
    rejected,
    examples: rows.length,
    lookingBack: rows.filter(({ reflects }) => reflects).length,
    wrongFirst: rows.filter(({ wrongFirst }) => wrongFirst).length,
  };
}
