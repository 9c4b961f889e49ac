// Puts the state of the Train page together out of small stores, each with what changes together, and hands them what the
// engine reports. It may be made at any time: what happened before is read from the store.

import { batch, computed } from '@preact/signals';
import type { AdapterCommands, DatasetCommands } from '../worker/protocol/library';
import type { EngineEvent } from '../worker/protocol/messages';
import type { TrainingCommands } from '../worker/protocol/training';
import type { KeptText } from './kept_plan';
import { createPlanWords } from './plan_words';
import { createRunNotes, type RunNotes } from './run_notes';
import { createRunControl, createRunResults, type RunControl, type RunResults } from './train_acts';
import { createTrainCommands, type TrainCommands } from './train_commands';
import { createTrainCompare, type TrainCompare } from './train_compare';
import { createPlanEstimate, type TrainForecast } from './train_forecast';
import { createLiveRun, type LiveRun, type LiveRunTold } from './train_live';
import { createTrainModels, type TrainModels } from './train_models';
import { createTrainPlan, type TrainPlan } from './train_plan';
import { createTrainShown, type TrainShown, type TrainShownTold } from './train_shown';
import { createStoredLists, type StoredLists, type TrainStored } from './train_stored';

/** What the page needs of the engine's client. */
export type TrainClient = TrainingCommands &
  Pick<DatasetCommands, 'listDatasets' | 'checkDatasetWords'> &
  Pick<AdapterCommands, 'listAdapters' | 'saveAdapter'> & {
    listen(listener: (events: readonly EngineEvent[]) => void): () => void;
  };

/** The state of the Train page, store by store. */
export interface Train {
  readonly plan: TrainPlan;
  readonly models: TrainModels;
  readonly forecast: TrainForecast;
  readonly stored: TrainStored;
  readonly shown: TrainShown;
  readonly compare: TrainCompare;
  readonly live: LiveRun;
  readonly control: RunControl;
  readonly results: RunResults;
  readonly notes: RunNotes;
  readonly commands: TrainCommands;
  /** Lists what is stored and selects the live run, or else the newest; call when the page is shown. */
  open(): Promise<void>;
}

function takeEvent(stored: StoredLists, live: LiveRunTold, event: EngineEvent): void {
  switch (event.type) {
    case 'trainingChanged':
      if (!live.takeStatus(event.status)) void stored.fetch('runs');
      return;
    case 'evaluated':
      live.takeEvaluation(event.metrics);
      return;
    case 'storeChanged':
      stored.changed(event.store);
      return;
    case 'modelLoaded':
      // The first moment at which a new engine certainly answers; after a crash the old lists are stale.
      stored.refresh();
      return;
    case 'stateChanged':
      if (!stored.listed.value) stored.refresh();
      return;
    case 'failed':
      live.takeCrash(event.error);
      return;
    default:
      return;
  }
}

/** The run that the page shows by itself: the live one, or else the newest. */
async function selectFirst(stored: StoredLists, live: LiveRun, shown: TrainShownTold): Promise<void> {
  if (!stored.opened.value || shown.selectedId.value !== null) return;
  const working = live.live.value ? live.status.value?.runId : undefined;
  const chosen = working ?? stored.runs.value[0]?.id;
  if (chosen !== undefined) await shown.select(chosen);
}

/**
 * Makes the state of the Train page over the engine's client; nothing is asked of the engine before `open`.
 * @param kept where the edited plan survives a reload; null keeps nothing
 */
export function createTrain(client: TrainClient, kept: KeptText | null = null): Train {
  const commands = createTrainCommands();
  const stored = createStoredLists(client, () => selectFirst(stored, live, shown));
  const live = createLiveRun(stored);
  const shown = createTrainShown(client, commands.perform, stored);
  const compare = createTrainCompare(client, commands.perform, stored, shown);
  const plan = createTrainPlan(stored, kept);
  const models = createTrainModels(plan, stored);
  client.listen((events) => {
    batch(() => {
      for (const event of events) takeEvent(stored, live, event);
      shown.take(events);
      compare.take(events);
    });
  });
  const answering = computed(() => stored.opened.value && !models.needsModel.value);
  const free = computed(() => answering.value && !live.live.value);
  const estimate = createPlanEstimate(client, plan, free);
  const words = createPlanWords(client, { plan: plan.plan, datasets: stored.datasets, able: answering });
  const parts = { client, commands, stored, plan, models, estimate, live, shown };
  return {
    ...{ plan, models, stored, shown, compare, live, commands },
    forecast: { estimate: estimate.estimate, words },
    control: createRunControl(parts),
    results: createRunResults(parts),
    notes: createRunNotes(client, commands.perform, stored),
    open: async () => {
      await commands.perform('open', () => stored.open());
    },
  };
}
