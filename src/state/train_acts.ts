// Holds what can be done with runs: start, pause, resume, step and stop them, save an adapter from one, delete and export.
// A command that failed leaves its reason with the commands; none throws.

import { batch, computed, type ReadonlySignal } from '@preact/signals';
import type { PlainError } from '../lib/plain_error';
import type { AdapterCommands, AdapterSummary, SavedCheckpoint } from '../worker/protocol/library';
import type { RunFormat, RunSummary, StepGroups, TrainingCommands } from '../worker/protocol/training';
import type { PerformCommand, TrainCommands } from './train_commands';
import type { PlanEstimate } from './train_forecast';
import type { LiveRunTold } from './train_live';
import type { TrainModelsLoading } from './train_models';
import type { TrainPlan } from './train_plan';
import type { TrainShownTold } from './train_shown';
import type { StoredLists } from './train_stored';

/** What moves a run. */
export interface RunControl {
  readonly canStart: ReadonlySignal<boolean>;
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(runId: string): Promise<void>;
  stepOnce(runId: string): Promise<void>;
  stop(): Promise<void>;
}

/** What is made of a run. */
export interface RunResults {
  saveAdapter(runId: string, name: string, which: SavedCheckpoint): Promise<AdapterSummary | null>;
  deleteRun(runId: string): Promise<void>;
  /** Groups of a step; null where none are kept, or where reading them failed. */
  readGroups(runId: string, step: number): Promise<StepGroups | null>;
  /** The run's metrics as a file; null when that failed. */
  exportRun(runId: string, format: RunFormat): Promise<Blob | null>;
}

/** What the acts are made of. */
export interface ActParts {
  readonly client: TrainingCommands & Pick<AdapterCommands, 'saveAdapter'>;
  readonly commands: TrainCommands & { readonly perform: PerformCommand };
  readonly stored: StoredLists;
  readonly plan: TrainPlan;
  readonly models: TrainModelsLoading;
  readonly estimate: PlanEstimate;
  readonly live: LiveRunTold;
  readonly shown: TrainShownTold;
}

/** Starts or resumes a run and shows it. */
async function begin(
  { commands, stored, live, shown }: ActParts,
  command: 'start' | 'resume',
  work: () => Promise<RunSummary>,
): Promise<void> {
  const run = await commands.perform(command, work);
  if (run === null) return;
  const status = live.status.value;
  const known = status?.runId === run.id ? status : null;
  // The status may have come before this answer, and knows better.
  stored.putRun(known === null ? run : { ...run, state: known.state, step: known.step });
  if (shown.selectedId.value !== run.id) await shown.select(run.id);
}

async function startPlan({ client, plan, models, estimate }: ActParts): Promise<RunSummary> {
  const started = plan.plan.peek();
  await models.withModel(started.modelId);
  await estimate.measured();
  const { estimate: found } = estimate.estimate.peek();
  if (found !== null && !found.fits)
    throw { code: 'train/memory', message: found.advice ?? '' } satisfies PlainError;
  return client.startTraining(started);
}

/** The commands that move a run. */
export function createRunControl(parts: ActParts): RunControl {
  const { client, commands, stored, plan, models, estimate, live } = parts;
  const { perform } = commands;
  const canStart = computed(() => {
    const pending = commands.pending.value;
    const busy = live.live.value || pending.has('start') || pending.has('resume');
    const tooMuch = !models.needsModel.value && estimate.estimate.value.estimate?.fits === false;
    return !busy && !tooMuch && plan.problems.value.length === 0;
  });
  const modelOf = (runId: string): string =>
    (stored.runs.peek().find(({ id }) => id === runId)?.plan ?? plan.plan.peek()).modelId;
  return {
    canStart,
    start: async () => {
      if (canStart.value) await begin(parts, 'start', () => startPlan(parts));
    },
    pause: async () => {
      await perform('pause', () => client.pauseTraining());
    },
    resume: (runId) =>
      begin(parts, 'resume', async () => {
        await models.withModel(modelOf(runId));
        return client.resumeTraining(runId);
      }),
    stepOnce: async (runId) => {
      await perform('step', async () => {
        await models.withModel(modelOf(runId));
        await client.stepTraining(runId);
      });
    },
    stop: async () => {
      await perform('stop', () => client.stopTraining());
    },
  };
}

/** The commands that make something of a run. */
export function createRunResults({ client, commands, stored, live, shown }: ActParts): RunResults {
  const { perform } = commands;
  return {
    saveAdapter: async (runId, name, which) => {
      const adapter = await perform('save', () => client.saveAdapter(runId, name, which));
      if (adapter === null) return null;
      batch(() => {
        live.tell({ kind: 'saved', name: adapter.name });
        stored.changeRun(runId, { adapterId: adapter.id });
      });
      await stored.fetch('adapters');
      return adapter;
    },
    deleteRun: async (runId) => {
      const bytes = await perform('delete', () => client.deleteRun(runId));
      if (bytes === null) return;
      batch(() => {
        live.tell({ kind: 'deleted', bytes });
        stored.removeRun(runId);
        if (shown.selectedId.value === runId) shown.clear();
      });
      const [next] = stored.runs.value;
      if (shown.selectedId.value === null && next !== undefined) await shown.select(next.id);
    },
    readGroups: (runId, step) => perform('groups', () => client.readGroups(runId, step)),
    exportRun: (runId, format) => perform('export', () => client.exportRun(runId, format)),
  };
}
