// The end of a live answer: its look is shown step by step, or selected where no motion is wanted, unless somebody has picked
// steps, and without a tick of the guide or a word of the live region.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { PictureReader } from '../../src/state/look_picture';
import { createLookReplay } from '../../src/state/look_replay';
import { createLookSelection } from '../../src/state/look_selection';
import { beginAnswer, EMPTY_SESSION, reduceSession, type Session } from '../../src/state/session';
import { ASKED, script } from './engine_script';

function live(still: boolean) {
  const session = signal<Session>(beginAnswer(EMPTY_SESSION, ASKED));
  const steps = createLookSelection(session);
  const frames = new Set<(now: number) => void>();
  createLookReplay({
    session,
    steps,
    still: () => still,
    reader: {} as PictureReader,
    answer: { answerPictures: signal([]), comparison: signal(null), showAnswer: () => undefined },
    target: { setComparing: () => undefined, showBoth: () => undefined },
    everyFrame: (callback) => {
      frames.add(callback);
      return () => frames.delete(callback);
    },
  });
  let now = 0;
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      now += Math.min(50, left);
      for (const frame of [...frames]) frame(now);
    }
  };
  const end = () => {
    session.value = reduceSession(session.value, script());
  };
  const look = () => steps.cards.value.find(({ kind }) => kind === 'back');
  return { session, steps, frames, pass, end, look };
}

describe('a live answer', () => {
  it('ends on its look, each step of it for a while, then all of it', () => {
    const { steps, frames, pass, end, look } = live(false);
    end();
    const seen = new Set<number>();
    while (frames.size > 0) {
      pass(50);
      const now = steps.selection.value;
      if (now.kind === 'step') seen.add(now.step);
    }
    const { fromStep = 0, toStep = 0 } = look() ?? {};
    expect([...seen]).toEqual(Array.from({ length: toStep - fromStep }, (_, at) => fromStep + at));
    expect(steps.shown.value).toEqual({ from: fromStep, to: toStep - 1 });
    expect(steps.byPage.value).toBe(true);
    steps.pin(1);
    expect(steps.byPage.value).toBe(false);
  });

  it('has its look selected at once where no motion is wanted', () => {
    const { steps, frames, end, look } = live(true);
    end();
    expect(frames.size).toBe(0);
    expect(steps.shown.value).toEqual({ from: look()?.fromStep, to: (look()?.toStep ?? 0) - 1 });
  });

  it('leaves the steps that somebody picked while it was written, or during the visit', () => {
    const before = live(false);
    before.session.value = reduceSession(before.session.value, script().slice(0, 9));
    before.steps.pin(2);
    before.end();
    before.pass(60_000);
    expect(before.steps.selection.value).toEqual({ kind: 'step', step: 2 });
    const during = live(false);
    during.end();
    during.pass(300);
    during.steps.toLive();
    during.pass(60_000);
    expect([during.steps.selection.value, during.frames.size]).toEqual([{ kind: 'live' }, 0]);
  });

  it('is left by a visit once something else takes its place', () => {
    const { session, steps, pass, end, frames } = live(false);
    end();
    pass(300);
    session.value = beginAnswer(session.value, ASKED);
    pass(60_000);
    expect([steps.selection.value.kind === 'range', frames.size]).toEqual([false, 0]);
  });

  it('is not visited when it comes from a trace or breaks off', () => {
    const { session, frames } = live(false);
    const whole = reduceSession(session.value, script()).answer;
    session.value = { ...EMPTY_SESSION, answer: whole && { ...whole, recorded: true } };
    session.value = beginAnswer(session.value, ASKED);
    session.value = reduceSession(session.value, [
      ...script().slice(0, 9),
      { type: 'failed', error: { code: 'engine/state', message: 'x' } },
    ]);
    expect(frames.size).toBe(0);
  });
});
