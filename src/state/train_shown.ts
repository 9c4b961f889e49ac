// Holds the run that the Train page shows: which one, and everything that it has shown so far.

import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { EngineEvent } from '../worker/protocol/messages';
import type { RunSummary, TrainingCommands } from '../worker/protocol/training';
import { type FollowedRun, followRun } from './followed_run';
import type { PerformCommand } from './train_commands';
import type { ShownRun } from './train_run';
import type { TrainStored } from './train_stored';

/** The shown run. */
export interface TrainShown {
  readonly selected: ReadonlySignal<RunSummary | null>;
  /** Null while nothing is shown, and while the run is being read. */
  readonly record: ReadonlySignal<ShownRun | null>;
  select(runId: string): Promise<void>;
}

/** The shown run, and how it hears of events and deletions. */
export interface TrainShownTold extends TrainShown {
  readonly selectedId: ReadonlySignal<string | null>;
  take(events: readonly EngineEvent[]): void;
  /** Shows nothing. */
  clear(): void;
}

/** Nothing is shown at first. */
export function createTrainShown(
  client: Pick<TrainingCommands, 'readRun'>,
  perform: PerformCommand,
  stored: Pick<TrainStored, 'runs'>,
): TrainShownTold {
  // A late reading of an earlier choice changes nothing: it fills a record that nobody looks at any more.
  const followed = signal<FollowedRun | null>(null);
  const selectedId = computed(() => followed.value?.runId ?? null);
  return {
    selectedId,
    record: computed(() => followed.value?.record.value ?? null),
    selected: computed(() => stored.runs.value.find(({ id }) => id === selectedId.value) ?? null),
    select: async (runId) => {
      const chosen = followRun(client, perform, runId);
      followed.value = chosen;
      await chosen.read;
    },
    take: (events) => followed.peek()?.take(events),
    clear: () => {
      followed.value = null;
    },
  };
}
