// Works out what a stored evaluation has come to: the report of each side, their comparison over the questions that both
// were asked, and lists of questions by filter.

import { flipOf, type SceneOutcome, summarise } from '../../lookback/evaluation';
import { compareKinds, compareOutcomes } from '../../lookback/paired_comparison';
import type { StoredEvaluation, StoredOutcome } from '../../storage/evaluation_store';
import type { EvaluationRecord } from '../../storage/records';
import type {
  EvaluationAnswer,
  EvaluationFilter,
  EvaluationItemRow,
  EvaluationItems,
  EvaluationPlan,
  EvaluationSummary,
  EvaluationView,
} from '../../worker/protocol/evaluation';

/** An evaluation as the page's store keeps it. */
export type KeptEvaluation = StoredEvaluation<EvaluationPlan, SceneOutcome>;

/** Rows of one page of a list. */
const PAGE = 50;

/** The record as a list shows it. */
export function summaryOf(record: EvaluationRecord<EvaluationPlan>): EvaluationSummary {
  const { id, plan, modelId, device, createdAt, bytes, done } = record;
  return { id, plan, modelId, device, createdAt, bytes, done };
}

const scored = (rows: readonly StoredOutcome<SceneOutcome>[]): SceneOutcome[] =>
  rows.flatMap(({ outcome }) => (outcome === null ? [] : [outcome]));

function comparisonOf(sides: readonly SceneOutcome[][]): EvaluationView['comparison'] {
  const [first, second] = sides;
  if (first === undefined || second === undefined) return null;
  const others = new Map(second.map((outcome) => [outcome.index, outcome]));
  const pairs = first.flatMap((one): [SceneOutcome, SceneOutcome][] => {
    const other = others.get(one.index);
    return other === undefined ? [] : [[one, other]];
  });
  return pairs.length === 0 ? null : { all: compareOutcomes(pairs), byKind: compareKinds(pairs) };
}

/** Everything that the page shows of an evaluation. */
export function viewOf({ record, sides }: KeptEvaluation): EvaluationView {
  const outcomes = sides.map(scored);
  return {
    ...summaryOf(record),
    sides: sides.map((rows, at) => {
      const own = outcomes[at] ?? [];
      return {
        done: rows.length,
        leftOut: rows.length - own.length,
        seconds: record.seconds[at] ?? 0,
        report: own.length === 0 ? null : summarise(own),
      };
    }),
    comparison: comparisonOf(outcomes),
  };
}

function answerOf(outcome: SceneOutcome): EvaluationAnswer {
  const { answer, correct, triggered, emptyBack, length } = outcome;
  return { answer, correct, triggered, emptyBack, length, flip: flipOf(outcome) };
}

/** What both sides answered to each question that one of them was asked, in the order of the questions. */
export function questionsOf({ sides }: KeptEvaluation): (SceneOutcome | null)[][] {
  const rows = new Map<number, (SceneOutcome | null)[]>();
  for (const [side, outcomes] of sides.entries()) {
    for (const { index, outcome } of outcomes) {
      if (outcome === null) continue;
      const row = rows.get(index) ?? Array<SceneOutcome | null>(sides.length).fill(null);
      row[side] = outcome;
      rows.set(index, row);
    }
  }
  return [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
}

const FILTERS: Readonly<Record<EvaluationFilter, (row: readonly (SceneOutcome | null)[]) => boolean>> = {
  all: () => true,
  wrong: (row) => row.some((outcome) => outcome?.correct === false),
  flipped: (row) =>
    row.some((outcome) => outcome !== null && /^(wrongToRight|rightToWrong)$/.test(flipOf(outcome) ?? '')),
  lookedBack: (row) => row.some((outcome) => outcome?.triggered === true),
  discordant: ([first, second]) => first != null && second != null && first.correct !== second.correct,
};

/** A question with its answers, as a list shows it. */
export function rowOf(outcomes: readonly (SceneOutcome | null)[]): EvaluationItemRow | null {
  const known = outcomes.find((outcome) => outcome !== null);
  if (known == null) return null;
  const { index, kind, question, expected } = known;
  const answers = outcomes.map((outcome) => (outcome === null ? null : answerOf(outcome)));
  return { index, kind, question, expected, answers };
}

/** A page of the questions that pass a filter. */
export function itemsOf(kept: KeptEvaluation, filter: EvaluationFilter, offset: number): EvaluationItems {
  const passing = questionsOf(kept).filter(FILTERS[filter]);
  const rows = passing.slice(offset, offset + PAGE).flatMap((row) => rowOf(row) ?? []);
  return { rows, total: passing.length };
}
