// Holds the Train page's state as signals, and what people can do there: plan, start, pause, resume, step, stop,
// keep, export. It may be made at any time: what happened before is read from the store. The record of the selected
// run changes only by events and by reading it; commands never throw.

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { SettingValue } from '../settings/setting';
import type { TrainSettingId } from '../settings/train_settings';
import type { ModelEntry } from '../worker/protocol/engine';
import type {
  AdapterCommands,
  AdapterSummary,
  DatasetCommands,
  DatasetSummary,
} from '../worker/protocol/library';
import type { EngineEvent } from '../worker/protocol/messages';
import type {
  RunFormat,
  RunState,
  RunSummary,
  TrainingCommands,
  TrainingEstimate,
  TrainingPlan,
  TrainingStatus,
} from '../worker/protocol/training';
import { type KeptText, keptText, readKeptPlan } from './kept_plan';
import { createPlanWords, type PlanWords } from './plan_words';
import {
  differences,
  onSource,
  type PlanProblem,
  type PlanSplit,
  problemsOf,
  readField,
  splitOf,
  writeField,
} from './train_form';
import { PRESETS, type PresetId } from './train_presets';
import { isLive, reduceShownRun, type ShownRun, shownRunOf } from './train_run';

/** What the page needs of the engine's client. */
export type TrainClient = TrainingCommands &
  Pick<DatasetCommands, 'listDatasets' | 'checkDatasetWords'> &
  Pick<AdapterCommands, 'listAdapters' | 'saveAdapter'> & {
    listen(listener: (events: readonly EngineEvent[]) => void): () => void;
  };

/** The models of the page, and the one way to load another: runs train the model that is loaded. */
export interface ModelPort {
  readonly models: ReadonlySignal<readonly Pick<ModelEntry, 'id' | 'label'>[]>;
  /** Id of the loaded model; null while there is none. */
  readonly loaded: ReadonlySignal<string | null>;
  /** Resolves when the load is over, successful or not. */
  load(id: string): Promise<void>;
}

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
  | 'export';

/** A command that the engine refused or that broke. */
export interface TrainFailure {
  readonly command: TrainCommand;
  readonly error: PlainError;
}

/** The memory of the present plan: `estimate` of the plan before stays while a new one is asked for. */
export interface EstimateView {
  readonly estimate: TrainingEstimate | null;
  readonly error: PlainError | null;
  readonly asking: boolean;
}

/** What is worth telling someone who does not look: never a step, always a change of state or an evaluation. */
export type TrainNews =
  | { readonly kind: 'state'; readonly state: RunState; readonly step: number; readonly of: number }
  | { readonly kind: 'evaluated'; readonly step: number; readonly correct: number; readonly of: number }
  | { readonly kind: 'saved'; readonly name: string }
  | { readonly kind: 'deleted'; readonly bytes: number };

/** The state of the Train page and its commands. */
export interface Train {
  readonly plan: ReadonlySignal<TrainingPlan>;
  /** The preset that the plan began as; null after a run's plan was taken over. */
  readonly preset: ReadonlySignal<PresetId | null>;
  /** Fields in which the plan differs from its preset. */
  readonly changes: ReadonlySignal<readonly TrainSettingId[]>;
  readonly problems: ReadonlySignal<readonly PlanProblem[]>;
  /** How SFT would divide its examples; null where that is not known or not asked. */
  readonly split: ReadonlySignal<PlanSplit | null>;
  readonly estimate: ReadonlySignal<EstimateView>;
  /** Which words of the plan's dataset the loaded model does not know. */
  readonly words: ReadonlySignal<PlanWords>;
  readonly datasets: ReadonlySignal<readonly DatasetSummary[]>;
  readonly adapters: ReadonlySignal<readonly AdapterSummary[]>;
  /** Models that a plan may name. */
  readonly models: ReadonlySignal<readonly Pick<ModelEntry, 'id' | 'label'>[]>;
  /** True when the plan's model is known not to be the loaded one: starting loads it first. */
  readonly needsModel: ReadonlySignal<boolean>;
  /** Newest first. */
  readonly runs: ReadonlySignal<readonly RunSummary[]>;
  /** True once the runs were listed for the first time. */
  readonly listed: ReadonlySignal<boolean>;
  /** What the engine last said about its run, which may be over. */
  readonly status: ReadonlySignal<TrainingStatus | null>;
  /** True while this page's engine works on a run. */
  readonly live: ReadonlySignal<boolean>;
  readonly selected: ReadonlySignal<RunSummary | null>;
  readonly record: ReadonlySignal<ShownRun | null>;
  /** Commands under way. */
  readonly pending: ReadonlySignal<ReadonlySet<TrainCommand>>;
  readonly failure: ReadonlySignal<TrainFailure | null>;
  readonly news: ReadonlySignal<TrainNews | null>;
  readonly canStart: ReadonlySignal<boolean>;

  /** Hands over the page's models; without them a plan's model must have been loaded by somebody else. */
  useModels(port: ModelPort): void;
  /** Lists what is stored and selects the live run, or else the newest; call when the page is shown. */
  open(): Promise<void>;
  choosePreset(id: PresetId): void;
  /** Takes over the plan of a run, to change something and start again. */
  copyPlan(plan: TrainingPlan): void;
  setField(id: TrainSettingId, value: SettingValue): void;
  resetField(id: TrainSettingId): void;
  chooseModel(id: string): void;
  /** Null begins a new adapter. */
  chooseAdapter(id: string | null): void;
  /** Null is the built-in world. */
  chooseDataset(id: string | null): void;
  select(runId: string): Promise<void>;
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(runId: string): Promise<void>;
  stepOnce(runId: string): Promise<void>;
  stop(): Promise<void>;
  saveAdapter(runId: string, name: string): Promise<AdapterSummary | null>;
  deleteRun(runId: string): Promise<void>;
  /** The run's metrics as a file; null when that failed. */
  exportRun(runId: string, format: RunFormat): Promise<Blob | null>;
  dismissFailure(): void;
}

const FIRST: PresetId = 'sft-quick';

function writable(client: TrainClient, kept: KeptText | null) {
  const edited = readKeptPlan(kept?.read() ?? null, FIRST) ?? { plan: PRESETS[FIRST], preset: FIRST };
  const plan = signal<TrainingPlan>(edited.plan);
  const preset = signal<PresetId | null>(edited.preset);
  const datasets = signal<readonly DatasetSummary[]>([]);
  const adapters = signal<readonly AdapterSummary[]>([]);
  const runs = signal<readonly RunSummary[]>([]);
  const status = signal<TrainingStatus | null>(null);
  const selectedId = signal<string | null>(null);
  const port = signal<ModelPort | null>(null);
  /** The plan of the preset, on the source that was chosen. */
  const original = computed(() =>
    onSource(PRESETS[preset.value ?? FIRST], plan.value.source, datasets.value),
  );
  return {
    client,
    plan,
    preset,
    datasets,
    adapters,
    runs,
    status,
    selectedId,
    listed: signal(false),
    port,
    estimate: signal<EstimateView>({ estimate: null, error: null, asking: false }),
    record: signal<ShownRun | null>(null),
    pending: signal<ReadonlySet<TrainCommand>>(new Set()),
    failure: signal<TrainFailure | null>(null),
    news: signal<TrainNews | null>(null),
    opened: signal(false),
    needsModel: computed(() => port.value !== null && port.value.loaded.value !== plan.value.modelId),
    live: computed(() => status.value !== null && isLive(status.value.state)),
    problems: computed(() => problemsOf(plan.value, datasets.value)),
    selected: computed(() => runs.value.find(({ id }) => id === selectedId.value) ?? null),
    split: computed(() => splitOf(plan.value, datasets.value)),
    original,
    changes: computed(() => (preset.value === null ? [] : differences(original.value, plan.value))),
    /** Events that came while the selected run is being read; null at other times. */
    early: null as EngineEvent[] | null,
    /** Plan of the last estimate that was given. */
    estimated: null as TrainingPlan | null,
    /** Settles when the estimate that was last asked for is there. */
    measuring: Promise.resolve(),
    /** Counts selections, so that a late reading of an earlier one changes nothing. */
    readings: 0,
  };
}

type Writable = ReturnType<typeof writable>;

/** Runs a command: its failure becomes `failure`, and `pending` names it meanwhile. */
async function perform<T>(w: Writable, command: TrainCommand, work: () => Promise<T>): Promise<T | null> {
  batch(() => {
    w.pending.value = new Set([...w.pending.value, command]);
    if (command !== 'read') w.failure.value = null;
  });
  try {
    return await work();
  } catch (thrown) {
    w.failure.value = { command, error: plainError(thrown) };
    return null;
  } finally {
    w.pending.value = new Set([...w.pending.value].filter((other) => other !== command));
  }
}

/** One at a time, and once more when asked again meanwhile: for lists that change faster than they are read. */
function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  const loop = async () => {
    do {
      again = false;
      await work();
    } while (again);
    running = null;
  };
  return () => {
    again = true;
    running ??= loop();
    return running;
  };
}

function putRun(w: Writable, run: RunSummary): void {
  w.runs.value = [run, ...w.runs.value.filter(({ id }) => id !== run.id)].sort(
    (a, b) => b.createdAt - a.createdAt,
  );
}

function takeStatus(w: Writable, status: TrainingStatus): boolean {
  const before = w.status.value;
  w.status.value = status;
  const { runId, state, step, maxSteps, reason } = status;
  if (before?.runId !== runId || before.state !== state) {
    w.news.value = { kind: 'state', state, step, of: maxSteps };
  }
  const run = w.runs.value.find(({ id }) => id === runId);
  if (run === undefined) return false;
  if (run.state === state && run.step === step && run.reason === reason) return true;
  w.runs.value = w.runs.value.map((other) => (other === run ? { ...run, state, step, reason } : other));
  return true;
}

/** The Worker died: what it was doing goes on from the last checkpoint, once there is an engine again. */
function takeCrash(w: Writable, error: PlainError): void {
  const status = w.status.value;
  if (status !== null && isLive(status.state) && error.code.startsWith('worker/')) {
    takeStatus(w, { ...status, state: 'paused', phase: '', fraction: null, reason: error });
  }
}

interface Lists {
  readonly runs: () => Promise<void>;
  readonly adapters: () => Promise<void>;
  readonly datasets: () => Promise<void>;
}

function makeLists(w: Writable): Lists {
  // A list that cannot be read stays as it was; what is asked of a stale entry is refused by the engine.
  const quietly = (read: () => Promise<void>) => coalesced(() => read().catch(() => undefined));
  return {
    runs: quietly(async () => {
      const runs = await w.client.listRuns();
      batch(() => {
        w.runs.value = [...runs].sort((a, b) => b.createdAt - a.createdAt);
        w.listed.value = true;
      });
      await selectFirst(w);
    }),
    adapters: quietly(async () => {
      w.adapters.value = await w.client.listAdapters();
    }),
    datasets: quietly(async () => {
      w.datasets.value = await w.client.listDatasets();
    }),
  };
}

function refresh(w: Writable, lists: Lists): void {
  if (w.opened.value) void Promise.all([lists.runs(), lists.adapters(), lists.datasets()]);
}

function takeEvent(w: Writable, lists: Lists, event: EngineEvent): void {
  switch (event.type) {
    case 'trainingChanged':
      if (!takeStatus(w, event.status)) void lists.runs();
      return;
    case 'samplesEvaluated': {
      const correct = event.samples.filter((sample) => sample.correct).length;
      w.news.value = { kind: 'evaluated', step: event.step, correct, of: event.samples.length };
      return;
    }
    case 'storeChanged':
      if (w.opened.value) void lists[event.store]();
      return;
    case 'modelLoaded':
      // The first moment at which a new engine certainly answers; after a crash the old lists are stale.
      refresh(w, lists);
      return;
    case 'stateChanged':
      if (!w.listed.value) refresh(w, lists);
      return;
    case 'failed':
      takeCrash(w, event.error);
      return;
    default:
      return;
  }
}

function receive(w: Writable, lists: Lists): void {
  w.client.listen((events) => {
    batch(() => {
      for (const event of events) takeEvent(w, lists, event);
      w.early?.push(...events);
      if (w.record.value !== null) w.record.value = reduceShownRun(w.record.value, events);
    });
  });
}

/** Asks for the memory of the plan whenever it changes, unless it has problems or the device is busy with a run. */
function watchEstimate(w: Writable): void {
  const ask = coalesced(async () => {
    const plan = w.plan.peek();
    if (plan === w.estimated) return;
    w.estimate.value = { ...w.estimate.peek(), asking: true, error: null };
    try {
      const estimate = await w.client.estimateTraining(plan);
      w.estimated = plan;
      w.estimate.value = { estimate, error: null, asking: false };
    } catch (thrown) {
      w.estimate.value = { estimate: null, error: plainError(thrown), asking: false };
    }
  });
  effect(() => {
    const able = w.opened.value && !w.live.value && !w.needsModel.value;
    if (able && w.problems.value.length === 0 && w.plan.value) w.measuring = ask();
  });
}

async function select(w: Writable, runId: string): Promise<void> {
  w.readings += 1;
  const reading = w.readings;
  batch(() => {
    w.selectedId.value = runId;
    w.record.value = null;
    w.early = [];
  });
  const detail = await perform(w, 'read', () => w.client.readRun(runId));
  if (reading !== w.readings) return;
  const early = w.early ?? [];
  w.early = null;
  if (detail !== null) w.record.value = reduceShownRun(shownRunOf(detail), early);
}

/** The run that the page shows by itself: the live one, or else the newest. */
async function selectFirst(w: Writable): Promise<void> {
  if (!w.opened.value || w.selectedId.value !== null) return;
  const live = w.live.value ? w.status.value?.runId : undefined;
  const chosen = live ?? w.runs.value[0]?.id;
  if (chosen !== undefined) await select(w, chosen);
}

async function open(w: Writable, lists: Lists): Promise<void> {
  await perform(w, 'open', async () => {
    w.opened.value = true;
    await Promise.all([lists.runs(), lists.adapters(), lists.datasets()]);
  });
}

async function begin(
  w: Writable,
  command: 'start' | 'resume',
  work: () => Promise<RunSummary>,
): Promise<void> {
  const run = await perform(w, command, work);
  if (run === null) return;
  const known = w.status.value?.runId === run.id ? w.status.value : null;
  // The status may have come before this answer, and knows better.
  batch(() => putRun(w, known === null ? run : { ...run, state: known.state, step: known.step }));
  if (w.selectedId.value !== run.id) await select(w, run.id);
}

/** The newest adapter that SFT made for a model: what GRPO best begins with. */
function adapterForGrpo(w: Writable, modelId: string): string | null {
  const made = w.adapters.value.filter((one) => one.modelId === modelId && one.run?.method === 'sft');
  return made.sort((a, b) => b.createdAt - a.createdAt)[0]?.id ?? null;
}

/** Loads the model that a run needs, if the page can. */
async function withModel(w: Writable, modelId: string): Promise<void> {
  const port = w.port.peek();
  if (port === null || port.loaded.peek() === modelId) return;
  await port.load(modelId);
  if (port.loaded.peek() !== modelId) {
    throw {
      code: 'train/model',
      message: `The model "${modelId}" could not be loaded.`,
    } satisfies PlainError;
  }
}

async function startPlan(w: Writable): Promise<RunSummary> {
  const plan = w.plan.peek();
  await withModel(w, plan.modelId);
  await w.measuring;
  const { estimate } = w.estimate.peek();
  if (estimate !== null && !estimate.fits) {
    throw { code: 'train/memory', message: estimate.advice ?? '' } satisfies PlainError;
  }
  return w.client.startTraining(plan);
}

/** The model of a run's plan. */
function modelOf(w: Writable, runId: string): string {
  return (w.runs.peek().find(({ id }) => id === runId)?.plan ?? w.plan.peek()).modelId;
}

function planCommands(w: Writable) {
  const change = (by: Partial<TrainingPlan>) => {
    w.plan.value = { ...w.plan.value, ...by };
  };
  return {
    choosePreset: (id: PresetId) =>
      batch(() => {
        const plan = PRESETS[id];
        w.preset.value = id;
        const adapterId = plan.method === 'grpo' ? adapterForGrpo(w, plan.modelId) : null;
        w.plan.value = { ...plan, adapterId };
      }),
    copyPlan: (plan: TrainingPlan) =>
      batch(() => {
        w.preset.value = null;
        w.plan.value = plan;
      }),
    setField: (id: TrainSettingId, value: SettingValue) => {
      w.plan.value = writeField(w.plan.value, id, value);
    },
    resetField: (id: TrainSettingId) => {
      const value = readField(w.original.value, id);
      if (value !== undefined) w.plan.value = writeField(w.plan.value, id, value);
    },
    chooseModel: (modelId: string) => {
      const adapter = w.adapters.value.find(({ id }) => id === w.plan.value.adapterId);
      change({ modelId, adapterId: adapter?.modelId === modelId ? adapter.id : null });
    },
    chooseAdapter: (adapterId: string | null) => change({ adapterId }),
    chooseDataset: (id: string | null) => {
      const before = w.original.value.sft.evalSize;
      const world = PRESETS[w.preset.value ?? FIRST].source;
      change({ source: id === null ? world : { kind: 'dataset', datasetId: id } });
      // What nobody changed by hand follows the size of the set.
      if (w.plan.value.sft.evalSize === before) {
        w.plan.value = writeField(w.plan.value, 'sft.evalSize', w.original.value.sft.evalSize);
      }
    },
  };
}

function runCommands(w: Writable, lists: Lists) {
  const { client } = w;
  return {
    pause: async () => {
      await perform(w, 'pause', () => client.pauseTraining());
    },
    resume: (runId: string) =>
      begin(w, 'resume', async () => {
        await withModel(w, modelOf(w, runId));
        return client.resumeTraining(runId);
      }),
    stepOnce: async (runId: string) => {
      await perform(w, 'step', async () => {
        await withModel(w, modelOf(w, runId));
        await client.stepTraining(runId);
      });
    },
    stop: async () => {
      await perform(w, 'stop', () => client.stopTraining());
    },
    saveAdapter: async (runId: string, name: string) => {
      const adapter = await perform(w, 'save', () => client.saveAdapter(runId, name));
      if (adapter === null) return null;
      batch(() => {
        w.news.value = { kind: 'saved', name: adapter.name };
        w.runs.value = w.runs.value.map((run) =>
          run.id === runId ? { ...run, adapterId: adapter.id } : run,
        );
      });
      await lists.adapters();
      return adapter;
    },
    deleteRun: async (runId: string) => {
      const bytes = await perform(w, 'delete', () => client.deleteRun(runId));
      if (bytes === null) return;
      batch(() => {
        w.news.value = { kind: 'deleted', bytes };
        w.runs.value = w.runs.value.filter(({ id }) => id !== runId);
        if (w.selectedId.value !== runId) return;
        w.readings += 1;
        w.selectedId.value = null;
        w.record.value = null;
      });
      const next = w.runs.value[0];
      if (w.selectedId.value === null && next !== undefined) await select(w, next.id);
    },
    exportRun: (runId: string, format: RunFormat) =>
      perform(w, 'export', () => client.exportRun(runId, format)),
  };
}

/**
 * Makes the state of the Train page over the engine's client; nothing is asked of the engine before `open`.
 * @param kept where the edited plan survives a reload; null keeps nothing
 */
export function createTrain(client: TrainClient, kept: KeptText | null = null): Train {
  const w = writable(client, kept);
  effect(() => kept?.write(keptText({ preset: w.preset.value, plan: w.plan.value })));
  const lists = makeLists(w);
  receive(w, lists);
  watchEstimate(w);
  const canStart = computed(() => {
    const busy = w.live.value || w.pending.value.has('start') || w.pending.value.has('resume');
    const tooMuch = !w.needsModel.value && w.estimate.value.estimate?.fits === false;
    return !busy && !tooMuch && w.problems.value.length === 0;
  });
  const models = computed(() => {
    const known = w.port.value?.models.value ?? [];
    const ids = [w.plan.value.modelId, ...w.adapters.value.map((one) => one.modelId)];
    const unnamed = [...new Set(ids)].filter((id) => known.every((model) => model.id !== id));
    return [...known, ...unnamed.map((id) => ({ id, label: id }))];
  });
  const able = computed(() => w.opened.value && !w.needsModel.value);
  const words = createPlanWords(client, { plan: w.plan, datasets: w.datasets, able });
  const { plan, preset, changes, problems, split, estimate, datasets, adapters, runs, listed } = w;
  const { status, live, selected, record, pending, failure, news, needsModel } = w;
  return {
    ...{ plan, preset, changes, problems, split, estimate, words, datasets, adapters, models, runs, listed },
    ...{ status, live, selected, record, pending, failure, news, needsModel, canStart },
    ...planCommands(w),
    ...runCommands(w, lists),
    useModels: (port) => {
      w.port.value = port;
    },
    open: () => open(w, lists),
    select: (runId) => select(w, runId),
    start: async () => {
      if (canStart.value) await begin(w, 'start', () => startPlan(w));
    },
    dismissFailure: () => {
      w.failure.value = null;
    },
  };
}
