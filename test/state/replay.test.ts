// Replays: what is shown after each while, what ends it, and that it never touches an answer that took its place.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { Picture } from '../../src/state/look_picture';
import { createLookSelection } from '../../src/state/look_selection';
import { READING_SPEED } from '../../src/state/reading_pace';
import { createReplay, segmentsAfter } from '../../src/state/replay';
import {
  type Answer,
  beginAnswer,
  EMPTY_SESSION,
  reduceSession,
  type Session,
} from '../../src/state/session';
import { ASKED, script } from './engine_script';

const WHOLE = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), script()).answer as Answer;
const PICTURES = [{} as Picture];

function playing(answer: Answer = WHOLE) {
  const session = signal<Session>(EMPTY_SESSION);
  const frames = new Set<(now: number) => void>();
  let now = 0;
  const steps = createLookSelection(session);
  const replay = createReplay(answer, PICTURES, {
    session,
    steps,
    answer: {
      showAnswer: (shown) => {
        session.value = { ...session.value, answer: shown };
      },
    },
    everyFrame: (callback) => {
      frames.add(callback);
      return () => frames.delete(callback);
    },
  });
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      now += Math.min(50, left);
      for (const frame of [...frames]) frame(now);
    }
  };
  return { session, replay, steps, pass, frames };
}

describe('segmentsAfter', () => {
  it('ends with what the engine found in the whole answer', () => {
    const plain = WHOLE.segments.map(({ kind, start, end, closed }) => ({ kind, start, end, closed }));
    const last = segmentsAfter(WHOLE.steps).at(-1) ?? [];
    expect(last.map(({ kind, start, end, closed }) => ({ kind, start, end, closed }))).toEqual(plain);
    expect(segmentsAfter(WHOLE.steps)).toHaveLength(WHOLE.steps.length + 1);
    expect(segmentsAfter([])).toEqual([[]]);
  });
});

describe('a replay', () => {
  it('shows twelve tokens a second, and says nothing of the result before the end', () => {
    const { session, replay, pass } = playing();
    replay.play();
    pass(50);
    // A second, and one millisecond for what rounding leaves.
    pass(1001);
    expect(replay.shown.value).toBe(READING_SPEED);
    const part = session.value.answer as Answer;
    expect(part.steps).toEqual(WHOLE.steps.slice(0, READING_SPEED));
    expect(part.text).toBe(WHOLE.text.slice(0, WHOLE.steps[READING_SPEED - 1]?.end));
    expect([part.status, part.result]).toEqual(['replaying', null]);
  });

  it('visits the steps of the look at the end, selects the look, and rests', () => {
    const { session, replay, steps, pass, frames } = playing();
    replay.play();
    pass(600_000);
    expect(session.value.answer).toBe(WHOLE);
    const look = steps.cards.value.find(({ kind }) => kind === 'back');
    expect(steps.shown.value).toEqual({ from: look?.fromStep, to: (look?.toStep ?? 0) - 1 });
    expect([replay.running.value, frames.size]).toEqual([false, 0]);
  });

  it('leaves the selection to whoever picks a step during the visit', () => {
    const { replay, steps, pass } = playing();
    replay.setSpeed(1000);
    replay.play();
    while (steps.selection.value.kind === 'live') pass(50);
    steps.pin(1);
    pass(60_000);
    expect(steps.selection.value).toEqual({ kind: 'step', step: 1 });
    expect(replay.running.value).toBe(false);
  });

  it('ends when another answer takes its place, and does not bring its own back', () => {
    const { session, replay, pass } = playing();
    replay.play();
    pass(500);
    const other = { ...WHOLE, number: 7 };
    session.value = { ...session.value, answer: other };
    pass(5000);
    expect(session.value.answer).toBe(other);
    expect(replay.running.value).toBe(false);
  });

  it('pauses, goes on, and stays within the answer when it is moved', () => {
    const { replay, pass } = playing();
    replay.play();
    pass(500);
    replay.pause();
    const shown = replay.shown.value;
    pass(5000);
    expect(replay.shown.value).toBe(shown);
    replay.seek(10_000);
    expect(replay.shown.value).toBe(WHOLE.steps.length);
    replay.seek(-3);
    expect(replay.shown.value).toBe(0);
    replay.play();
    pass(1000);
    expect(replay.shown.value).toBeGreaterThan(0);
  });

  it('ends at once where nothing looks back', () => {
    const plain = {
      ...WHOLE,
      steps: WHOLE.steps.slice(0, 1),
      text: WHOLE.steps[0]?.text ?? '',
      segments: [],
    };
    const { replay, pass } = playing(plain);
    replay.play();
    pass(2000);
    expect(replay.running.value).toBe(false);
  });
});
