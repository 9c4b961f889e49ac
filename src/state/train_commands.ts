// Runs the Train page's commands: names those under way, and keeps why the last one failed. A command never throws.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';

/** Commands that take a while, by name. */
export type TrainCommand =
  | 'open'
  | 'start'
  | 'pause'
  | 'resume'
  | 'step'
  | 'stop'
  | 'save'
  | 'read'
  | 'delete'
  | 'export'
  | 'groups'
  | 'notes';

/** A command that the engine refused or that broke. */
export interface TrainFailure {
  readonly command: TrainCommand;
  readonly error: PlainError;
}

/** What is known of the commands. */
export interface TrainCommands {
  /** Commands under way. */
  readonly pending: ReadonlySignal<ReadonlySet<TrainCommand>>;
  readonly failure: ReadonlySignal<TrainFailure | null>;
  dismissFailure(): void;
}

/** Runs a command and gives what it came to; null when it failed. */
export type PerformCommand = <T>(command: TrainCommand, work: () => Promise<T>) => Promise<T | null>;

/** Makes the commands' state, with the one way to run them. */
export function createTrainCommands(): TrainCommands & { readonly perform: PerformCommand } {
  const pending = signal<ReadonlySet<TrainCommand>>(new Set());
  const failure = signal<TrainFailure | null>(null);
  return {
    pending,
    failure,
    dismissFailure: () => {
      failure.value = null;
    },
    perform: async (command, work) => {
      batch(() => {
        pending.value = new Set([...pending.value, command]);
        if (command !== 'read') failure.value = null;
      });
      try {
        return await work();
      } catch (thrown) {
        failure.value = { command, error: plainError(thrown) };
        return null;
      } finally {
        pending.value = new Set([...pending.value].filter((other) => other !== command));
      }
    },
  };
}
