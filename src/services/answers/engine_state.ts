// Decides what the engine may do when: its states, and which command or outcome leads from one to the next. A
// transition that is not in the table cannot happen.

import { LookBackError } from '../../lib/errors';
import type { EngineState } from '../../worker/protocol/engine';

/** Commands that depend on the state. `stop` and `cancelLoad` are wishes: without effect in any other state. */
export type EngineCommand = 'load' | 'generate';

/** What ends or interrupts the work of a state. */
export type EngineOutcome = 'loaded' | 'loadCancelled' | 'loadFailed' | 'answered' | 'deviceLost';

const COMMANDS: Readonly<
  Record<EngineCommand, { readonly from: readonly EngineState[]; readonly to: EngineState }>
> = {
  load: { from: ['idle', 'ready', 'failed'], to: 'loading' },
  generate: { from: ['ready'], to: 'generating' },
};

const OUTCOMES: Readonly<
  Record<EngineOutcome, { readonly from: readonly EngineState[]; readonly to: EngineState }>
> = {
  loaded: { from: ['loading'], to: 'ready' },
  loadCancelled: { from: ['loading'], to: 'idle' },
  loadFailed: { from: ['loading'], to: 'failed' },
  answered: { from: ['generating'], to: 'ready' },
  // Losing the device starts a load of its own: the model goes onto the new device.
  deviceLost: { from: ['ready', 'generating', 'loading'], to: 'loading' },
};

/** A command that the engine's state does not allow. Code `engine/state`. */
export class StateError extends LookBackError {
  constructor(state: EngineState, command: string) {
    const allowed = Object.values(COMMANDS).some(({ from }) => from.includes(state));
    const advice = allowed ? '' : ' Wait for it to finish, or stop it.';
    super('engine/state', `The engine is ${state}; it cannot ${command} now.${advice}`, { state, command });
  }
}

/** The state after a command. Throws StateError when the state does not allow it. */
export function stateAfterCommand(state: EngineState, command: EngineCommand): EngineState {
  const { from, to } = COMMANDS[command];
  if (!from.includes(state)) throw new StateError(state, command);
  return to;
}

/** The state after an outcome, or null when the outcome comes too late to matter. */
export function stateAfterOutcome(state: EngineState, outcome: EngineOutcome): EngineState | null {
  const { from, to } = OUTCOMES[outcome];
  return from.includes(state) ? to : null;
}
