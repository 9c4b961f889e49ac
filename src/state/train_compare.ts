// Holds the runs that the Train page compares with the shown one: which they are, and everything that they have shown so
// far. The shown run is always among those compared; showing another that is compared changes their places.

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { EngineEvent } from '../worker/protocol/messages';
import type { RunSummary, TrainingCommands } from '../worker/protocol/training';
import { type FollowedRun, followRun } from './followed_run';
import type { PerformCommand } from './train_commands';
import type { ShownRun } from './train_run';
import type { TrainShownTold } from './train_shown';
import type { TrainStored } from './train_stored';

/** Runs that are compared at most, the shown one among them. */
export const MOST_COMPARED = 5;

/** A run of the comparison. */
export interface ComparedRun {
  readonly summary: RunSummary;
  /** Null while it is being read. */
  readonly record: ShownRun | null;
}

/** The comparison. */
export interface TrainCompare {
  /** The shown run, then the others in the order in which they were chosen; empty while none is chosen. */
  readonly runs: ReadonlySignal<readonly ComparedRun[]>;
  /** True when no further run can be chosen. */
  readonly full: ReadonlySignal<boolean>;
  /** Takes a run into the comparison, or out of it. Nothing happens for the shown run, and when the comparison is full. */
  toggle(runId: string): void;
  /** Ends the comparison. */
  clear(): void;
}

/** The comparison, and how it hears of events. */
export interface TrainCompareTold extends TrainCompare {
  take(events: readonly EngineEvent[]): void;
}

/** Nothing is compared at first. */
export function createTrainCompare(
  client: Pick<TrainingCommands, 'readRun'>,
  perform: PerformCommand,
  stored: Pick<TrainStored, 'runs'>,
  shown: TrainShownTold,
): TrainCompareTold {
  /** Runs besides the shown one. */
  const chosen = signal<readonly FollowedRun[]>([]);
  const without = (runId: string) => chosen.peek().filter((one) => one.runId !== runId);
  const follow = (runId: string): FollowedRun => {
    const followed = followRun(client, perform, runId);
    void followed.read.then((read) => {
      if (!read) chosen.value = chosen.peek().filter((one) => one !== followed);
    });
    return followed;
  };
  let before: string | null = null;
  effect(() => {
    const now = shown.selectedId.value;
    const left = before;
    before = now;
    if (now === null || !chosen.peek().some(({ runId }) => runId === now)) return;
    // The run that was shown takes the place of the one that is shown now.
    const others = without(now);
    chosen.value = left === null ? others : [...others, follow(left)];
  });
  const others = computed(() =>
    chosen.value.flatMap(({ runId, record }): ComparedRun[] => {
      const summary = stored.runs.value.find(({ id }) => id === runId);
      return summary === undefined ? [] : [{ summary, record: record.value }];
    }),
  );
  const full = computed(() => others.value.length + 1 >= MOST_COMPARED);
  return {
    full,
    runs: computed(() => {
      const summary = shown.selected.value;
      if (summary === null || others.value.length === 0) return [];
      return [{ summary, record: shown.record.value }, ...others.value];
    }),
    toggle: (runId) => {
      if (runId === shown.selectedId.peek()) return;
      const rest = without(runId);
      if (rest.length < chosen.peek().length) chosen.value = rest;
      else if (!full.peek()) chosen.value = [...rest, follow(runId)];
    },
    clear: () => {
      chosen.value = [];
    },
    take: (events) =>
      batch(() => {
        for (const followed of chosen.peek()) followed.take(events);
      }),
  };
}
