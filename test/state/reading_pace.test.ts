// The pace of live answers: tokens come no faster than they are read, in their order, and all at once when somebody stops.
import { describe, expect, it } from 'vitest';
import { createReadingPace, READING_SPEED } from '../../src/state/reading_pace';
import { beginAnswer, EMPTY_SESSION, isOpen, reduceSession, type Session } from '../../src/state/session';
import type { EngineEvent } from '../../src/worker/protocol/messages';
import { ASKED, PROMPT, script } from './engine_script';

function reading(choice: string | null = 'on') {
  let session: Session = beginAnswer(EMPTY_SESSION, ASKED);
  const frames = new Set<(now: number) => void>();
  const written: string[] = [];
  const pace = createReadingPace({
    kept: { read: () => choice, write: (text) => written.push(text) },
    everyFrame: (callback) => {
      frames.add(callback);
      return () => frames.delete(callback);
    },
    apply: (events) => {
      session = reduceSession(session, events);
    },
  });
  let now = 0;
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      now += Math.min(50, left);
      for (const frame of [...frames]) frame(now);
    }
  };
  return { pace, pass, frames, written, session: () => session };
}

/** The script with the tokens of several steps in one event, as a fast engine sends them. */
function bunched(): EngineEvent[] {
  const events = script();
  const tokens = events.flatMap((event) => (event.type === 'tokensGenerated' ? event.tokens : []));
  const last = events.findLast((event) => event.type === 'tokensGenerated');
  const rest = events.filter(({ type }) => type === 'attentionRecorded' || type === 'generationFinished');
  return [{ type: 'promptReady', prompt: PROMPT }, { ...last, tokens } as EngineEvent, ...rest];
}

const WHOLE = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), script()).answer;

describe('a reading pace', () => {
  it('lets one token through at once, and then as many as are read', () => {
    const { pace, pass, frames, session } = reading();
    pace.take(bunched());
    expect(session().answer?.steps).toHaveLength(1);
    pass(50);
    // A second, and one millisecond for what rounding leaves.
    pass(1001);
    const { answer } = session();
    expect(answer?.steps).toHaveLength(1 + READING_SPEED);
    expect(answer?.text).toBe(WHOLE?.text.slice(0, answer?.steps.at(-1)?.end));
    // Segments are those of the text that is shown.
    expect(Math.max(...(answer?.segments ?? []).map(({ end }) => end))).toBeLessThanOrEqual(
      answer?.text.length ?? 0,
    );
    expect(isOpen(answer ?? null)).toBe(true);
    pass(60_000);
    expect(session().answer?.status).toBe('finished');
    expect(session().answer?.steps).toEqual(WHOLE?.steps);
    expect(frames.size).toBe(0);
  });

  it('shows everything when it is flushed, and when somebody switches it off', () => {
    for (const end of ['flush', 'off'] as const) {
      const { pace, session, frames, written } = reading();
      pace.take(bunched());
      if (end === 'flush') pace.flush();
      else pace.setPaced(false);
      expect(session().answer?.status).toBe('finished');
      expect([frames.size, written]).toEqual([0, end === 'off' ? ['off'] : []]);
    }
  });

  it('keeps nothing back where it was not chosen, nor what is not about the answer, nor a failure', () => {
    const off = reading(null);
    off.pace.take(bunched());
    expect(off.session().answer?.status).toBe('finished');
    const on = reading();
    on.pace.take(bunched().slice(0, 2));
    on.pace.take([{ type: 'stateChanged', state: 'ready' }]);
    expect(on.session().engine).toBe('ready');
    on.pace.take([{ type: 'failed', error: { code: 'gpu/x', message: 'x' } } as unknown as EngineEvent]);
    expect(on.session().answer?.steps).toHaveLength(WHOLE?.steps.length ?? -1);
    expect(on.session().answer?.status).toBe('failed');
  });

  it('does not save tokens up while a slow model is thinking', () => {
    const { pace, pass, session } = reading();
    const tokens = script().filter(({ type }) => type === 'tokensGenerated');
    pace.take(tokens.slice(0, 1));
    pass(5000);
    pace.take(tokens.slice(1));
    expect(session().answer?.steps).toHaveLength(2);
  });
});
