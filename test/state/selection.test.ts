// The one selection: pins, ranges, segments, and never a step that does not exist.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SegmentKind } from '../../src/answer/answer_grammar';
import type { Card } from '../../src/state/segment_layout';
import {
  extendStep,
  LIVE,
  moveCard,
  moveStep,
  nextBack,
  pinCard,
  pinRange,
  pinStep,
  resolve,
  type Selection,
  type SelectionSpace,
} from '../../src/state/selection';

function card(kind: SegmentKind, fromStep: number, toStep: number): Card {
  return { kind, fromStep, toStep, closed: true, start: 0, end: 0, bodyStart: 0, bodyEnd: 0 };
}

const CARDS = [
  card('think', 0, 5),
  card('back', 5, 9),
  card('think', 9, 12),
  card('back', 12, 14),
  card('answer', 14, 16),
];
const SPACE: SelectionSpace = { count: 16, cards: CARDS };

describe('selection', () => {
  it('follows the newest step while live, and gives nothing before there is one', () => {
    expect(resolve(LIVE, SPACE)).toEqual({ from: 15, to: 15 });
    expect(resolve(LIVE, { count: 0, cards: [] })).toBeNull();
    expect(pinStep(3, { count: 0, cards: [] })).toEqual(LIVE);
  });

  it('moves from live to the step before the newest, and stays at the ends', () => {
    const left = moveStep(LIVE, -1, SPACE);
    expect(left).toEqual({ kind: 'step', step: 14 });
    expect(moveStep({ kind: 'step', step: 0 }, -1, SPACE)).toEqual({ kind: 'step', step: 0 });
    expect(moveStep({ kind: 'step', step: 15 }, 1, SPACE)).toEqual({ kind: 'step', step: 15 });
  });

  it('extends from an anchor in both directions, through the anchor', () => {
    let selection: Selection = { kind: 'step', step: 5 };
    selection = extendStep(selection, 1, SPACE);
    selection = extendStep(selection, 1, SPACE);
    expect(resolve(selection, SPACE)).toEqual({ from: 5, to: 7 });
    for (let i = 0; i < 4; i++) selection = extendStep(selection, -1, SPACE);
    expect(resolve(selection, SPACE)).toEqual({ from: 3, to: 5 });
    expect(moveStep(selection, -1, SPACE)).toEqual({ kind: 'step', step: 2 });
  });

  it('makes ranges in either order', () => {
    expect(resolve(pinRange(9, 4, SPACE), SPACE)).toEqual({ from: 4, to: 9 });
    expect(pinRange(4, 4, SPACE)).toEqual({ kind: 'step', step: 4 });
  });

  it('walks the segments, picking the newest one first when live', () => {
    const first = moveCard(LIVE, -1, SPACE);
    expect(resolve(first, SPACE)).toEqual({ from: 14, to: 15 });
    expect(resolve(moveCard(first, -1, SPACE), SPACE)).toEqual({ from: 12, to: 13 });
    expect(resolve(moveCard(first, 1, SPACE), SPACE)).toEqual({ from: 14, to: 15 });
  });

  it('goes from back to back and round again', () => {
    const one = nextBack(LIVE, SPACE);
    expect(resolve(one, SPACE)).toEqual({ from: 5, to: 8 });
    const two = nextBack(one, SPACE);
    expect(resolve(two, SPACE)).toEqual({ from: 12, to: 13 });
    expect(resolve(nextBack(two, SPACE), SPACE)).toEqual({ from: 5, to: 8 });
    const none: SelectionSpace = { count: 5, cards: [card('think', 0, 5)] };
    expect(nextBack(LIVE, none)).toEqual(LIVE);
  });

  it('selects of a growing segment only what is recorded', () => {
    const growing: SelectionSpace = { count: 7, cards: CARDS };
    expect(resolve(pinCard(CARDS[1] as Card, growing), growing)).toEqual({ from: 5, to: 6 });
    expect(pinCard(CARDS[2] as Card, growing)).toEqual(LIVE);
  });

  it('never leaves the recorded steps, whatever is pressed', () => {
    const move = fc.constantFrom('left', 'right', 'more', 'less', 'next', 'previous', 'back');
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), fc.integer({ min: 1, max: 16 }), (moves, count) => {
        const space = { count, cards: CARDS };
        let selection: Selection = LIVE;
        for (const name of moves) {
          if (name === 'left') selection = moveStep(selection, -1, space);
          if (name === 'right') selection = moveStep(selection, 1, space);
          if (name === 'more') selection = extendStep(selection, 1, space);
          if (name === 'less') selection = extendStep(selection, -1, space);
          if (name === 'next') selection = moveCard(selection, 1, space);
          if (name === 'previous') selection = moveCard(selection, -1, space);
          if (name === 'back') selection = nextBack(selection, space);
          const range = resolve(selection, space);
          expect(range).not.toBeNull();
          expect(range?.from).toBeGreaterThanOrEqual(0);
          expect(range?.to).toBeLessThan(count);
          expect(range?.from).toBeLessThanOrEqual(range?.to ?? -1);
        }
      }),
    );
  });
});
