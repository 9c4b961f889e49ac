// A region of the picture and the tokens that attended to it: against maps that are known exactly.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { attendingTo, createLookRegion, MOST_ATTENDING, massIn } from '../../src/state/look_region';
import {
  type Answer,
  beginAnswer,
  EMPTY_SESSION,
  reduceSession,
  type Session,
} from '../../src/state/session';
import { ASKED, IMAGE_SHARES, script } from './engine_script';

// Step s of the script has all of its attention on cell s % 9 of a 3 × 3 grid.
const WHOLE = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), script()).answer as Answer;

function chosen() {
  const session = signal<Session>({ ...EMPTY_SESSION, answer: WHOLE, asked: WHOLE.number });
  return { session, region: createLookRegion(session) };
}

describe('attendingTo', () => {
  it('lists the tokens of the cells, the most attention first', () => {
    const cell = { answer: WHOLE.number, picture: 0, anchor: [0, 2], head: [0, 2] } as const;
    // Cell 2 is that of steps 2 and 11.
    expect(attendingTo(WHOLE, cell).map(({ step, mass }) => [step, Number(mass.toFixed(2))])).toEqual([
      [2, IMAGE_SHARES[2]],
      [11, IMAGE_SHARES[11]],
    ]);
    const all = { ...cell, anchor: [2, 2], head: [0, 0] } as const;
    expect(attendingTo(WHOLE, all)).toHaveLength(MOST_ATTENDING);
    expect(attendingTo(WHOLE, all)[0]?.step).toBe(7);
    expect(attendingTo(WHOLE, { ...cell, picture: 1 })).toEqual([]);
  });

  it('sums a rectangle in either direction', () => {
    const map = Float32Array.from([1, 2, 3, 4, 5, 6]);
    expect(massIn(map, [2, 3], { anchor: [1, 2], head: [0, 1] })).toBe(2 + 3 + 5 + 6);
  });
});

describe('a region', () => {
  it('walks by cells, extends, stays on the picture, and is cleared', () => {
    const { region } = chosen();
    region.moveRegion(0, [1, 0], false);
    expect(region.regionSentence.value).toMatch(/^Cell a1: most attended by “.+” \(step \d+, \d+ %\)/);
    region.moveRegion(0, [1, 0], false);
    region.moveRegion(0, [0, 1], true);
    expect(region.region.value).toMatchObject({ anchor: [1, 0], head: [1, 1] });
    expect(region.regionSentence.value).toContain('Cells b1 to b2:');
    for (let i = 0; i < 9; i++) region.moveRegion(0, [1, 1], false);
    expect(region.region.value).toMatchObject({ anchor: [2, 2], head: [2, 2] });
    region.clearRegion();
    expect([region.region.value, region.regionSentence.value]).toEqual([null, '']);
  });

  it('goes with its answer, and is none without a grid', () => {
    const { session, region } = chosen();
    region.chooseRegion(0, [0, 0], [1, 1]);
    expect(region.region.value).not.toBeNull();
    session.value = beginAnswer(session.value, ASKED);
    expect([region.region.value, region.attending.value]).toEqual([null, []]);
    region.chooseRegion(0, [0, 0], [1, 1]);
    expect(region.region.value).toBeNull();
  });
});
