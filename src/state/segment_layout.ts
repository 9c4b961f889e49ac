// Where each segment of an answer lies, in characters and in steps, with its tags; and the `<back>` bands of the chart.
// Not the parser (the engine's): this only says which card and which band a generated token belongs to.
// Invariant: cards are in order, do not overlap, and every step of the answer lies in at most one of them.

import type { Segment, SegmentKind } from '../worker/protocol/answers';
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

const OPENING = /^\s*(?:<(?:think|back)>|\\boxed\s*\{)/;
const CLOSING = /(?:<\/(?:think|back)>|\})\s*$/;

/** The content of a segment: engines may count the tags in or leave them between segments; both are read here. */
function body(text: string, segment: Segment): [number, number] {
  if (segment.kind === 'text') return [segment.start, segment.end];
  const inner = text.slice(segment.start, segment.end);
  const opening = OPENING.exec(inner)?.[0].length ?? 0;
  const closing = segment.closed ? (CLOSING.exec(inner.slice(opening))?.[0].length ?? 0) : 0;
  return [segment.start + opening, segment.end - closing];
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
 * The cards of an answer. Characters between two segments are tags: a closing tag goes to the card before it, an
 * opening one to the card after. A token that spans two cards belongs to the one that it begins in.
 * Segments of white space alone are dropped.
 */
export function layoutCards(answer: Pick<Answer, 'text' | 'segments' | 'steps'>): Card[] {
  const { text, steps } = answer;
  const segments = answer.segments.filter(
    (segment) => segment.kind !== 'text' || text.slice(segment.start, segment.end).trim() !== '',
  );
  const cards: Card[] = [];
  let start = 0;
  segments.forEach((segment, i) => {
    const next = segments[i + 1];
    const gapEnd = next?.start ?? text.length;
    const gap = text.slice(segment.end, gapEnd);
    // What closes this segment reaches to the end of its closing tag; the rest of the gap opens the next one.
    const closing = segment.kind === 'text' ? null : /^\s*(?:<\/(?:think|back)>|\})/.exec(gap);
    const end = segment.end + (closing?.[0].length ?? 0);
    const [bodyStart, bodyEnd] = body(text, segment);
    const fromStep = cards.at(-1)?.toStep ?? 0;
    const last = next === undefined && (end >= text.trimEnd().length || !segment.closed);
    const toStep = last ? steps.length : Math.max(fromStep, firstStepAfter(steps, end - 1) + 1);
    cards.push({
      kind: segment.kind,
      closed: segment.closed,
      start,
      end,
      bodyStart,
      bodyEnd,
      fromStep,
      toStep,
    });
    start = end;
  });
  return cards;
}

/** A run of steps, both ends included. */
export interface StepRange {
  readonly from: number;
  readonly to: number;
}

/** The steps of each `<back>` card, tags included: the bands of the chart. Empty cards give no band. */
export function backBands(cards: readonly Card[]): StepRange[] {
  return cards
    .filter((card) => card.kind === 'back' && card.toStep > card.fromStep)
    .map((card) => ({ from: card.fromStep, to: card.toStep - 1 }));
}

/** Index of the card that a step lies in, or −1. */
export function cardOfStep(cards: readonly Card[], step: number): number {
  return cards.findIndex((card) => step >= card.fromStep && step < card.toStep);
}
