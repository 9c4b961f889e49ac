// Holds the run that the Train page shows: which one, and everything that it has shown so far. The record changes only by
// events and by reading it; events that come while it is being read are taken in order afterwards.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { EngineEvent } from '../worker/protocol/messages';
import type { RunSummary, TrainingCommands } from '../worker/protocol/training';
import type { PerformCommand } from './train_commands';
import { reduceShownRun, type ShownRun, shownRunOf } from './train_run';
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
  const selectedId = signal<string | null>(null);
  const record = signal<ShownRun | null>(null);
  /** Events that came while the selected run is being read; null at other times. */
  let early: EngineEvent[] | null = null;
  /** Counts selections, so that a late reading of an earlier one changes nothing. */
  let readings = 0;
  return {
    ...{ selectedId, record },
    selected: computed(() => stored.runs.value.find(({ id }) => id === selectedId.value) ?? null),
    select: async (runId) => {
      readings += 1;
      const reading = readings;
      batch(() => {
        selectedId.value = runId;
        record.value = null;
        early = [];
      });
      const detail = await perform('read', () => client.readRun(runId));
      if (reading !== readings) return;
      const missed = early ?? [];
      early = null;
      if (detail !== null) record.value = reduceShownRun(shownRunOf(detail), missed);
    },
    take: (events) => {
      early?.push(...events);
      if (record.value !== null) record.value = reduceShownRun(record.value, events);
    },
    clear: () => {
      readings += 1;
      batch(() => {
        selectedId.value = null;
        record.value = null;
      });
    },
  };
}
