// Computes which steps of the answer are looked at: the one selection that drives the stream, the chart and the
// heatmap. A selection never names a step that the answer does not have; `live` follows the newest recorded step.

import type { Card, StepRange } from './segment_layout';
import { cardOfStep } from './segment_layout';

/** `live` follows the newest step; a step or a range is pinned until Escape. Ranges include both ends. */
export type Selection =
  | { readonly kind: 'live' }
  | { readonly kind: 'step'; readonly step: number }
  | {
      readonly kind: 'range';
      readonly from: number;
      readonly to: number;
      /** Where Shift+arrow or a drag began; the other end moves. */
      readonly anchor: number;
    };

/** What a selection is moved within. `count` is the number of steps with recorded attention. */
export interface SelectionSpace {
  readonly count: number;
  readonly cards: readonly Card[];
}

/** The selection that follows the newest step. */
export const LIVE: Selection = { kind: 'live' };

function clamp(step: number, count: number): number {
  return Math.min(Math.max(step, 0), count - 1);
}

/** A pinned step, or `live` when there are no steps. */
export function pinStep(step: number, space: SelectionSpace): Selection {
  return space.count === 0 ? LIVE : { kind: 'step', step: clamp(step, space.count) };
}

/** A pinned range from `anchor` to `head` in either order; a step when both are the same. */
export function pinRange(anchor: number, head: number, space: SelectionSpace): Selection {
  if (space.count === 0) return LIVE;
  const a = clamp(anchor, space.count);
  const b = clamp(head, space.count);
  if (a === b) return { kind: 'step', step: a };
  return { kind: 'range', from: Math.min(a, b), to: Math.max(a, b), anchor: a };
}

/** The steps that a selection stands for, or null when nothing is recorded yet. */
export function resolve(selection: Selection, space: SelectionSpace): StepRange | null {
  if (space.count === 0) return null;
  if (selection.kind === 'live') return { from: space.count - 1, to: space.count - 1 };
  if (selection.kind === 'step') {
    const step = clamp(selection.step, space.count);
    return { from: step, to: step };
  }
  return { from: clamp(selection.from, space.count), to: clamp(selection.to, space.count) };
}

function headOf(selection: Selection, space: SelectionSpace): number {
  if (selection.kind === 'step') return selection.step;
  if (selection.kind === 'range') return selection.anchor === selection.from ? selection.to : selection.from;
  return space.count - 1;
}

/** The neighbouring step: ← and →. A range collapses to its moving end first. */
export function moveStep(selection: Selection, by: -1 | 1, space: SelectionSpace): Selection {
  return pinStep(headOf(selection, space) + by, space);
}

/** Shift with ← or →: moves one end and leaves the other where it began. */
export function extendStep(selection: Selection, by: -1 | 1, space: SelectionSpace): Selection {
  const head = headOf(selection, space);
  const anchor = selection.kind === 'range' ? selection.anchor : head;
  return pinRange(anchor, head + by, space);
}

/** The steps of one card as a selection; `live` when nothing of it is recorded. */
export function pinCard(card: Card, space: SelectionSpace): Selection {
  const to = Math.min(card.toStep, space.count) - 1;
  return to < card.fromStep ? LIVE : pinRange(card.fromStep, to, space);
}

/** [ and ]: the previous or next card that has recorded steps, staying at the ends. */
export function moveCard(selection: Selection, by: -1 | 1, space: SelectionSpace): Selection {
  const usable = space.cards.filter((card) => card.fromStep < Math.min(card.toStep, space.count));
  if (usable.length === 0) return selection;
  const at = resolve(selection, space);
  const current = at === null ? -1 : cardOfStep(usable, at.from);
  // From live, the first press picks the card that is being written.
  const target = selection.kind === 'live' ? current : current + by;
  const card = usable[Math.min(Math.max(target, 0), usable.length - 1)];
  return card === undefined ? selection : pinCard(card, space);
}

/** b: the next look back after the selection, from the start again after the last; unchanged when there is none. */
export function nextBack(selection: Selection, space: SelectionSpace): Selection {
  const backs = space.cards.filter(
    (card) => card.kind === 'back' && card.fromStep < Math.min(card.toStep, space.count),
  );
  const at = selection.kind === 'live' ? null : resolve(selection, space);
  const card = backs.find((back) => at !== null && back.fromStep > at.from) ?? backs[0];
  return card === undefined ? selection : pinCard(card, space);
}
