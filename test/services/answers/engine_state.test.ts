// engine_state: every command from every state, every outcome from every state.
import { describe, expect, it } from 'vitest';
import { StateError, stateAfterCommand, stateAfterOutcome } from '../../../src/services/answers/engine_state';
import type { EngineState } from '../../../src/worker/protocol/engine';

const STATES: readonly EngineState[] = ['idle', 'loading', 'ready', 'generating', 'failed'];

describe('commands', () => {
  it.each([
    ['load', { idle: 'loading', ready: 'loading', failed: 'loading' }],
    ['generate', { ready: 'generating' }],
  ] as const)(
    '%s is allowed from its states alone',
    (command, allowed: Partial<Record<EngineState, EngineState>>) => {
      for (const state of STATES) {
        const next = allowed[state];
        if (next !== undefined) expect(stateAfterCommand(state, command)).toBe(next);
        else expect(() => stateAfterCommand(state, command)).toThrow(StateError);
      }
    },
  );

  it('says which state refused which command', () => {
    expect(() => stateAfterCommand('generating', 'load')).toThrow(/generating.*load/);
    try {
      stateAfterCommand('loading', 'generate');
    } catch (error) {
      expect(error).toMatchObject({ code: 'engine/state', data: { state: 'loading', command: 'generate' } });
    }
  });
});

describe('outcomes', () => {
  it.each([
    ['loaded', { loading: 'ready' }],
    ['loadCancelled', { loading: 'idle' }],
    ['loadFailed', { loading: 'failed' }],
    ['answered', { generating: 'ready' }],
    ['deviceLost', { ready: 'loading', generating: 'loading', loading: 'loading' }],
  ] as const)(
    '%s leads on from its states and is too late in others',
    (outcome, next: Partial<Record<EngineState, EngineState>>) => {
      for (const state of STATES) expect(stateAfterOutcome(state, outcome)).toBe(next[state] ?? null);
    },
  );
});
