// Scripts an engine for the Train page's tests: runs, metrics, groups and answers that are made up and known exactly,
// and a client whose every command the test settles.
import type { PlainError } from '../../src/lib/plain_error';
import type { TrainClient } from '../../src/state/train';
import { PRESETS } from '../../src/state/train_presets';
import type {
  AdapterSummary,
  DatasetSummary,
  DatasetWords,
  TraceSummary,
} from '../../src/worker/protocol/library';
import type { EngineEvent } from '../../src/worker/protocol/messages';
import type {
  GroupFact,
  RunDetail,
  RunState,
  RunSummary,
  SampleFact,
  StepGroups,
  StepMetrics,
  TrainingEstimate,
  TrainingPlan,
  TrainingStatus,
} from '../../src/worker/protocol/training';

export const ESTIMATE: TrainingEstimate = {
  fits: true,
  bytes: 3 << 20,
  parts: [{ name: 'activations', bytes: 3 << 20 }],
  advice: null,
  trainableParameters: 74_752,
};

export function runOf(id: string, change: Partial<RunSummary> = {}): RunSummary {
  const createdAt = Number(id.replace(/\D/g, '')) || 0;
  return {
    ...{ id, plan: PRESETS['grpo-quick'], state: 'paused', step: 4, checkpointStep: 4 },
    ...{ createdAt, updatedAt: createdAt, adapterId: null, best: null },
    ...{ reason: null, notes: '', bytes: 1024 },
    ...change,
  };
}

export function statusOf(
  runId: string,
  state: RunState,
  step: number,
  change: Partial<TrainingStatus> = {},
): EngineEvent {
  const status: TrainingStatus = {
    ...{ runId, state, step, maxSteps: 20, phase: 'updating', fraction: null, secondsPerStep: 1.5 },
    reason: null,
    ...change,
  };
  return { type: 'trainingChanged', status };
}

export function metricsOf(step: number, values: Readonly<Record<string, number>> = {}): StepMetrics {
  return { step, values: { loss: 1 / step, ...values } };
}

export function stepped(
  runId: string,
  step: number,
  values: Readonly<Record<string, number>> = {},
): EngineEvent {
  return { type: 'trainingStepped', runId, metrics: metricsOf(step, values) };
}

export function sampleOf(correct: boolean): SampleFact {
  const text =
    '<think> i see 2 </think> <back> check a1 red square 1 </back> <think> so 1 </think> \\boxed{ 1 }';
  return { question: 'how many ?', expected: '1', text, answer: '1', correct, format: 'back' };
}

export function evaluated(runId: string, step: number, marks: readonly boolean[]): EngineEvent {
  const right = marks.filter((mark) => mark).length / marks.length;
  const values = { eval_accuracy: right, eval_answers: marks.length };
  return { type: 'evaluated', runId, metrics: { step, values }, samples: marks.map(sampleOf) };
}

export const GROUP: GroupFact = {
  ...{ question: 'how many ?', expected: '1', image: null, dropped: null },
  completions: [1, -1].map((advantage) => ({
    ...{ text: '\\boxed{ 1 }', answer: '1', correct: advantage > 0, format: 'none', tokens: 4 },
    ...{ truncated: false, rewards: { accuracy: 1, format: 0 }, reasons: {}, reward: 1, advantage },
  })),
};

export function grouped(runId: string, step: number): EngineEvent {
  return { type: 'groupsSampled', runId, step, groups: [GROUP] };
}

export function traceOf(id: string, change: Partial<TraceSummary> = {}): TraceSummary {
  const createdAt = Number(id.replace(/\D/g, '')) || 0;
  return {
    ...{ id, name: 'How many red squares ?', model: 'Pocket', adapter: null, origin: 'here' },
    ...{ createdAt, usedAt: createdAt, bytes: 2048 },
    ...change,
  };
}

export function adapterOf(id: string, change: Partial<AdapterSummary> = {}): AdapterSummary {
  return {
    ...{ id, name: `Adapter ${id}`, notes: '', modelId: 'pocket', fingerprint: '00', bundled: false },
    ...{ r: 8, loraAlpha: 16, targetModules: [], parameters: 1, bytes: 1, createdAt: 1, run: null },
    ...{ precision: null, caution: null, metrics: {} },
    ...change,
  };
}

export function datasetOf(id: string, rows: number, withResponse: number): DatasetSummary {
  return { id, name: `Dataset ${id}`, rows, withResponse, bytes: 1, createdAt: 1 };
}

export function detailOf(summary: RunSummary, steps = 0): RunDetail {
  const metrics = Array.from({ length: steps }, (_, i) => metricsOf(i + 1));
  return { summary, metrics, samples: [], groups: null, groupSteps: [] };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: PlainError) => void;
}

/** A client whose stored lists are plain fields, and whose other commands wait for the test. */
export class HandTrainer implements TrainClient {
  runs: RunSummary[] = [];
  adapters: AdapterSummary[] = [];
  datasets: DatasetSummary[] = [];
  /** What is found of each dataset's words; nothing unknown where it is not named. */
  words: Record<string, DatasetWords> = {};
  estimate: TrainingEstimate | PlainError = ESTIMATE;
  /** Commands in order, with their first argument where it is a string. */
  readonly calls: string[] = [];
  readonly estimated: TrainingPlan[] = [];
  started: TrainingPlan | null = null;
  private readonly pending = new Map<string, Pending>();
  private listener: (events: readonly EngineEvent[]) => void = () => undefined;

  listen(listener: (events: readonly EngineEvent[]) => void): () => void {
    this.listener = listener;
    return () => undefined;
  }

  emit(...events: EngineEvent[]): void {
    this.listener(events);
  }

  private wait<T>(name: string, argument = ''): Promise<T> {
    this.calls.push(argument === '' ? name : `${name} ${argument}`);
    return new Promise<T>((resolve, reject) => {
      const pending = { resolve: resolve as (value: unknown) => void, reject };
      this.pending.set(name, pending);
      this.pending.set(`${name} ${argument}`, pending);
    });
  }

  /** Resolves the last call of that name (or `name argument`), and lets what waits for it run. */
  async resolve(name: string, value?: unknown): Promise<void> {
    this.pending.get(name)?.resolve(value);
    await settled();
  }

  async reject(name: string, error: PlainError): Promise<void> {
    this.pending.get(name)?.reject(error);
    await settled();
  }

  estimateTraining = async (plan: TrainingPlan) => {
    this.estimated.push(plan);
    if ('code' in this.estimate) throw this.estimate;
    return this.estimate;
  };
  listRuns = async () => this.runs;
  listAdapters = async () => this.adapters;
  listDatasets = async () => this.datasets;
  checkDatasetWords = async (id: string) => {
    this.calls.push(`checkDatasetWords ${id}`);
    return this.words[id] ?? { warnings: [], more: 0, looked: 1, rows: 1 };
  };
  startTraining = (plan: TrainingPlan) => {
    this.started = plan;
    return this.wait<RunSummary>('startTraining');
  };
  readRun = (id: string) => this.wait<RunDetail>('readRun', id);
  readGroups = (id: string, step: number) => this.wait<StepGroups | null>('readGroups', `${id} ${step}`);
  pauseTraining = () => this.wait<void>('pauseTraining');
  resumeTraining = (id: string) => this.wait<RunSummary>('resumeTraining', id);
  stepTraining = (id: string) => this.wait<void>('stepTraining', id);
  stopTraining = () => this.wait<void>('stopTraining');
  noteRun = (id: string, notes: string) => this.wait<void>('noteRun', `${id} ${notes}`);
  deleteRun = (id: string) => this.wait<number>('deleteRun', id);
  exportRun = (id: string) => this.wait<Blob>('exportRun', id);
  saveAdapter = (id: string, name: string, which = 'last') =>
    this.wait<AdapterSummary>('saveAdapter', which === 'last' ? `${id} ${name}` : `${id} ${name} ${which}`);
}

/** Lets every promise that is settled be heard. */
export function settled(): Promise<void> {
  return new Promise((done) => setTimeout(done));
}
