// Lays an answer's segments, which the engine found, out as cards, in characters and in steps, and says which of them
// are bands of the chart. Cards are in order, do not overlap, and every step of the answer lies in at most one of
// them.

import type { SegmentKind } from '../answer/answer_grammar';
import type { Answer, Step } from './session';

/** One card of the stream. Steps are generated-token indices, `toStep` exclusive; characters likewise. */
export interface Card {
  readonly kind: SegmentKind;
  readonly closed: boolean;
  /** From the opening tag to the end of the closing tag, as far as they were written. */
  readonly start: number;
  readonly end: number;
  /** The content between the tags. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly fromStep: number;
  readonly toStep: number;
}

/** First index of `steps` whose text ends after `offset`; steps without text belong to what follows them. */
function firstStepAfter(steps: readonly Step[], offset: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as Step).end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The cards of an answer. A card reaches from the end of the one before to the end of its closing tag. A token that
 * spans two cards belongs to the one that it begins in. Segments of white space alone are dropped.
 */
export function layoutCards(answer: Pick<Answer, 'text' | 'segments' | 'steps'>): Card[] {
  const { text, steps } = answer;
  const segments = answer.segments.filter(
    ({ kind, start, end }) => kind !== 'text' || text.slice(start, end).trim() !== '',
  );
  const cards: Card[] = [];
  segments.forEach(({ kind, closed, start: bodyStart, end: bodyEnd, outerEnd: end }, i) => {
    const before = cards.at(-1);
    const fromStep = before?.toStep ?? 0;
    const last = i === segments.length - 1 && (end >= text.trimEnd().length || !closed);
    const toStep = last ? steps.length : Math.max(fromStep, firstStepAfter(steps, end - 1) + 1);
    cards.push({ kind, closed, start: before?.end ?? 0, end, bodyStart, bodyEnd, fromStep, toStep });
  });
  return cards;
}

/** A run of steps, both ends included. */
export interface StepRange {
  readonly from: number;
  readonly to: number;
}

/** The steps of each look back, tags included: the bands of the chart. Empty cards give no band. */
export function backBands(cards: readonly Card[]): StepRange[] {
  return cards
    .filter((card) => card.kind === 'back' && card.toStep > card.fromStep)
    .map((card) => ({ from: card.fromStep, to: card.toStep - 1 }));
}

/** Index of the card that a step lies in, or −1. */
export function cardOfStep(cards: readonly Card[], step: number): number {
  return cards.findIndex((card) => step >= card.fromStep && step < card.toStep);
}
