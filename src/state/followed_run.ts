// Reads a run from the store and follows its events from then on; events that come while it is being read are taken in
// order afterwards.

import { type ReadonlySignal, signal } from '@preact/signals';
import type { EngineEvent } from '../worker/protocol/messages';
import type { TrainingCommands } from '../worker/protocol/training';
import type { PerformCommand } from './train_commands';
import { reduceShownRun, type ShownRun, shownRunOf } from './train_run';

/** One run, as long as somebody looks at it. */
export interface FollowedRun {
  readonly runId: string;
  /** Null while it is being read, and when that failed. */
  readonly record: ReadonlySignal<ShownRun | null>;
  /** Settles when it was read; false when that failed, which the command's failure tells. */
  readonly read: Promise<boolean>;
  take(events: readonly EngineEvent[]): void;
}

/** Begins to read and to follow a run. */
export function followRun(
  client: Pick<TrainingCommands, 'readRun'>,
  perform: PerformCommand,
  runId: string,
): FollowedRun {
  const record = signal<ShownRun | null>(null);
  /** Events that came while the run is being read; null afterwards. */
  let early: EngineEvent[] | null = [];
  const read = perform('read', () => client.readRun(runId)).then((detail) => {
    const missed = early ?? [];
    early = null;
    if (detail === null) return false;
    record.value = reduceShownRun(shownRunOf(detail), missed);
    return true;
  });
  return {
    ...{ runId, record, read },
    take: (events) => {
      early?.push(...events);
      if (record.value !== null) record.value = reduceShownRun(record.value, events);
    },
  };
}
