// The reducer over engine events: cutting into batches must not matter, and what arrived is never lost.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginAnswer,
  EMPTY_SESSION,
  failAnswer,
  isOpen,
  recordedSteps,
  reduceSession,
  type Session,
} from '../../src/state/session';
import type { EngineEvent } from '../../src/worker/protocol/messages';
import { ASKED, attention, finished, LOADED_MODEL, PROMPT, script, token } from './engine_script';

function asked(): Session {
  return beginAnswer(reduceSession(EMPTY_SESSION, [{ type: 'modelLoaded', model: LOADED_MODEL }]), ASKED);
}

describe('reduceSession', () => {
  it('grows text, steps and segments, and attaches attention to the step that it belongs to', () => {
    const session = reduceSession(asked(), [
      { type: 'promptReady', prompt: PROMPT },
      token(0, '<think>'),
      token(1, ' two'),
      attention(0, 0.25),
    ]);
    const { answer } = session;
    expect(answer?.status).toBe('running');
    expect(answer?.text).toBe('<think> two');
    expect(answer?.steps.map(({ start, end }) => [start, end])).toEqual([
      [0, 7],
      [7, 11],
    ]);
    expect(answer?.steps[0]?.shares?.image).toBe(0.25);
    expect(answer?.steps[1]?.shares).toBeNull();
    expect(recordedSteps(answer)).toBe(1);
    expect(answer?.prompt).toEqual(PROMPT);
  });

  it('gives the same session however the events are cut into batches', () => {
    const events = script();
    const whole = reduceSession(asked(), events);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 200 }), (sizes) => {
        let session = asked();
        let at = 0;
        for (const size of sizes) {
          session = reduceSession(session, events.slice(at, at + size));
          at += size;
        }
        session = reduceSession(session, events.slice(at));
        expect(session).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('does not change the session it was given', () => {
    const before = reduceSession(asked(), script().slice(0, 20));
    const text = before.answer?.text;
    const count = before.answer?.steps.length;
    reduceSession(before, script().slice(20));
    expect(before.answer?.text).toBe(text);
    expect(before.answer?.steps.length).toBe(count);
  });

  it('ignores tokens out of order, attention for unknown steps, and tokens without a question', () => {
    const session = reduceSession(asked(), [token(0, 'a'), token(0, 'a'), token(5, 'x'), attention(9, 1)]);
    expect(session.answer?.text).toBe('a');
    expect(reduceSession(EMPTY_SESSION, [token(0, 'a')]).answer).toBeNull();
  });

  it('ignores what trails a finished answer', () => {
    const session = reduceSession(asked(), [token(0, 'a'), finished('a'), token(1, 'b')]);
    expect(session.answer?.text).toBe('a');
    expect(session.answer?.status).toBe('finished');
  });

  it('keeps the partial answer when the device is lost, and takes tokens that were under way', () => {
    const lost: EngineEvent = { type: 'deviceLost', message: 'gone', recovering: true };
    let session = reduceSession(asked(), [token(0, 'a'), lost, token(1, 'b')]);
    expect(session.answer?.status).toBe('interrupted');
    expect(session.answer?.error?.code).toBe('gpu/device-lost');
    expect(session.answer?.text).toBe('ab');
    expect(session.deviceTrouble).toBe('recovering');
    const device = { description: 'd', vendor: '', architecture: '', software: true, shaderF16: false };
    session = reduceSession(session, [{ type: 'deviceRestored', device }]);
    expect(session.deviceTrouble).toBe('restored');
    expect(beginAnswer(session, ASKED).deviceTrouble).toBeNull();
  });

  it('tells an interruption from a refusal, and leaves a finished answer alone', () => {
    const refused = failAnswer(asked(), { code: 'data/prompt-length', message: '' });
    expect(refused.answer?.status).toBe('failed');
    const crashed = reduceSession(asked(), [
      { type: 'failed', error: { code: 'worker/crashed', message: '' } },
    ]);
    expect(crashed.answer?.status).toBe('interrupted');
    expect(crashed.error?.code).toBe('worker/crashed');
    const done = reduceSession(asked(), [token(0, 'a'), finished('a')]);
    expect(failAnswer(done, { code: 'worker/crashed', message: '' })).toBe(done);
  });

  it('has no model after a cancelled load or a device that stays away', () => {
    expect(reduceSession(asked(), [{ type: 'stateChanged', state: 'idle' }]).model).toBeNull();
    expect(reduceSession(asked(), [{ type: 'stateChanged', state: 'generating' }]).model).toBe(LOADED_MODEL);
    const lost = reduceSession(asked(), [{ type: 'deviceLost', message: 'gone', recovering: false }]);
    expect(lost.deviceTrouble).toBe('lost');
    expect(lost.model).toBeNull();
  });

  it('numbers answers, and forgets progress when loading ends', () => {
    expect(beginAnswer(asked(), ASKED).answer?.number).toBe(2);
    expect(isOpen(asked().answer)).toBe(true);
    const loading = reduceSession(EMPTY_SESSION, [
      { type: 'stateChanged', state: 'loading' },
      { type: 'loadProgressed', phase: 'download', loaded: 1, total: 2 },
    ]);
    expect(loading.load).toEqual({ phase: 'download', loaded: 1, total: 2 });
    expect(reduceSession(loading, [{ type: 'stateChanged', state: 'idle' }]).load).toBeNull();
  });
});
