// Tells what a cold start has come to as the page shows it: counts of every stage, bars of difficulty, and a few examples.

import { continued, forcedStart, type OpenedChain, writtenFor } from '../../lookback/cold_start/insertion';
import type { ColdStartRow, WrittenLooks } from '../../lookback/cold_start/judged_examples';
import { QUALITY_RULES, type QualityRule, rejectionsOf } from '../../lookback/cold_start/quality_filter';
import type { SelectedChain } from '../../lookback/cold_start/selection';
import type { ColdStartRecord } from '../../storage/records';
import type {
  BrokenRule,
  ColdStartLook,
  ColdStartPlan,
  ColdStartText,
  ColdStartView,
  RolloutBar,
} from '../../worker/protocol/cold_start';
import type { ColdStartStages } from './cold_start_stages';

/** Examples that a stage shows. */
const SHOWN = 4;

/** The cold start as the page shows it. */
export function viewOf(
  record: ColdStartRecord<ColdStartPlan>,
  stages: ColdStartStages,
  atWork: ColdStartView['atWork'],
): ColdStartView {
  const { plan, modelId, createdAt, bytes, savedAs } = record;
  return {
    ...{ plan, modelId, createdAt, bytes, savedAs, atWork },
    rollouts: rolloutsView(stages),
    selection: selectionView(stages),
    insertion: insertionView(stages),
    filter: { accepted: stages.judged.rows.length, broken: brokenRules(stages) },
    mix: mixView(stages),
  };
}

function rolloutsView({ sources, sampled, selection }: ColdStartStages): ColdStartView['rollouts'] {
  const examples = sampled.slice(0, SHOWN).flatMap(({ problem, chains }): ColdStartText[] => {
    const [chain] = chains;
    return chain ? [textOf(problem, chain.text, chain.correct)] : [];
  });
  return {
    ...{ done: sampled.length, total: sources.length, examples },
    bars: bars({ sampled, selection }),
    withoutChain: selection.counts.withoutChain,
  };
}

/** How often each number of right answers came. */
function bars({ sampled, selection }: Pick<ColdStartStages, 'sampled' | 'selection'>): RolloutBar[] {
  const asked = sampled[0]?.rollouts ?? 0;
  const chosen = new Set(selection.looks.map(({ sampled: { problem } }) => problem.id));
  const all = Array.from({ length: asked + 1 }, (_, right) => ({ right, problems: 0, chosen: 0 }));
  for (const { problem, accuracy, rollouts } of sampled) {
    const bar = all[Math.round(accuracy * rollouts)];
    if (bar === undefined) continue;
    bar.problems++;
    if (chosen.has(problem.id)) bar.chosen++;
  }
  return all;
}

function selectionView({ selection }: ColdStartStages): ColdStartView['selection'] {
  const { looks, plains, counts } = selection;
  const { alwaysRight, neverRight, nowAndThen } = counts;
  return {
    ...{ looks: looks.length, plains: plains.length, alwaysRight, neverRight, nowAndThen },
    wrongFirst: looks.filter(({ chain }) => !chain.correct).length,
    examples: looks.slice(0, SHOWN).map(chainText),
  };
}

function chainText({ sampled, chain }: SelectedChain): ColdStartText {
  return textOf(sampled.problem, chain.text, chain.correct);
}

function insertionView({ opened, written, judged }: ColdStartStages): ColdStartView['insertion'] {
  const hand = written.find(({ writer }) => writer === 'hand');
  const examples = opened.flatMap((one): ColdStartText[] => {
    const text = lookText(one, written);
    return text === null ? [] : [textOf(one.source, text, null)];
  });
  return {
    written: judged.written,
    cutOff: judged.cutOff,
    byHand: opened.filter((one) => hand !== undefined && writtenFor(one, hand.looks)).length,
    examples: examples.slice(0, SHOWN),
  };
}

/** The look that counts for a chain; null while none is written. */
function lookText(one: OpenedChain, written: WrittenLooks): string | null {
  const by = written.find(({ looks }) => writtenFor(one, looks));
  return by?.looks.get(one.source.id)?.texts[0] ?? null;
}

function brokenRules({ judged: { rejected } }: ColdStartStages): BrokenRule[] {
  const rules = Object.keys(QUALITY_RULES) as QualityRule[];
  return rules.flatMap((rule) => {
    const own = rejected[rule];
    return own === undefined ? [] : [{ rule, demands: QUALITY_RULES[rule], ...own }];
  });
}

function mixView({ rows }: ColdStartStages): ColdStartView['mix'] {
  const looks = rows.filter(({ reflects }) => reflects);
  return {
    ...{ looks: looks.length, plains: rows.length - looks.length },
    wrongFirst: rows.filter(({ wrongFirst }) => wrongFirst).length,
    examples: rows.slice(0, SHOWN).map((row: ColdStartRow) => textOf(row, row.response, null)),
  };
}

function textOf(
  { id, question, answer }: { readonly id: string; readonly question: string; readonly answer: string },
  text: string,
  correct: boolean | null,
): ColdStartText {
  return { id, question, expected: answer, text, correct };
}

/** A chosen chain as the editor shows it. */
export async function lookView(
  one: OpenedChain,
  index: number,
  { opened, written }: Pick<ColdStartStages, 'opened' | 'written'>,
): Promise<ColdStartLook> {
  const { source, opening } = one;
  const { id, question, answer: expected } = source;
  const text = lookText(one, written);
  const broken = text === null ? [] : rejectionsOf({ text, opening, expected });
  return {
    ...{ index, total: opened.length, id, question, expected, opening, image: await source.file() },
    text: text ?? continued(forcedStart(opening), ''),
    written: text !== null,
    broken: broken.map(({ why }) => why),
  };
}
