// The messages about training: a plan and the memory that it needs, runs with what their steps found, and the commands
// that start and end them. Types only.

import type { Reason } from '../../answer/answer_form';
import type { PlainError } from '../../lib/plain_error';
import type { BestEvaluation } from '../../settings/best_evaluation';
import type { TrainSettings, WorldSettings } from '../../settings/train_settings';

/** Where examples come from. */
export type TrainingSource =
  | ({ readonly kind: 'shapes_world' } & WorldSettings)
  | { readonly kind: 'dataset'; readonly datasetId: string };

/** A whole training run, as the form edits it and the run keeps it. */
export interface TrainingPlan extends Omit<TrainSettings, 'source'> {
  readonly modelId: string;
  readonly source: TrainingSource;
  /** Adapter that the run continues (and that GRPO's reference then is); null begins a new one. */
  readonly adapterId: string | null;
  /** Dataset that the run is evaluated on; null holds some of its own examples out. */
  readonly evalDatasetId: string | null;
}

/** What a plan would need, found by a trial allocation. */
export interface TrainingEstimate {
  readonly fits: boolean;
  readonly bytes: number;
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
  /** What to change when it does not fit: the setting and a value that should. */
  readonly advice: string | null;
  /** Parameters of the adapter. */
  readonly trainableParameters: number;
}

/** Where a run is. `paused` holds its checkpoint; the last three are ends, of which only `failed` may go on. */
export type RunState = 'preparing' | 'running' | 'pausing' | 'paused' | 'finished' | 'stopped' | 'failed';

/** How a run is exported. */
export type RunFormat = 'zip' | 'jsonl' | 'csv';

/** A run in the list. */
export interface RunSummary {
  readonly id: string;
  readonly plan: TrainingPlan;
  readonly state: RunState;
  /** Steps done. */
  readonly step: number;
  /** Step of the last checkpoint; null before the first. */
  readonly checkpointStep: number | null;
  /** The best evaluation, whose adapter is kept beside the last; null before the first. */
  readonly best: BestEvaluation | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Adapter that was saved from it. */
  readonly adapterId: string | null;
  /** Why it paused or failed, when not asked to. */
  readonly reason: PlainError | null;
  /** What a person wrote about it; '' for nothing. */
  readonly notes: string;
  readonly bytes: number;
}

/** Metrics of one step under TRL's names, besides Look-Back's. */
export interface StepMetrics {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** One completion in the group inspector. */
export interface CompletionFact {
  readonly text: string;
  readonly answer: string | null;
  readonly correct: boolean;
  readonly format: 'back' | 'cot' | 'none';
  readonly tokens: number;
  readonly truncated: boolean;
  /** Unweighted rewards by name. */
  readonly rewards: Readonly<Record<string, number>>;
  /** Why each reward is what it is, by the same names; runs of earlier versions have stored none. */
  readonly reasons?: Readonly<Record<string, Reason>>;
  readonly reward: number;
  readonly advantage: number;
}

/** One prompt with its sampled completions. */
export interface GroupFact {
  readonly question: string;
  readonly expected: string;
  /** PNG or the source file. */
  readonly image: Blob | null;
  /** Why it was left out of the update; null when it was not. */
  readonly dropped: 'uniform' | 'truncated' | null;
  readonly completions: readonly CompletionFact[];
}

/** An answer sampled at an evaluation. */
export interface SampleFact {
  readonly question: string;
  readonly expected: string;
  readonly text: string;
  readonly answer: string | null;
  readonly correct: boolean;
  readonly format: 'back' | 'cot' | 'none';
}

/** A run with everything that the page shows of it. */
export interface RunDetail {
  readonly summary: RunSummary;
  readonly metrics: readonly StepMetrics[];
  readonly samples: readonly { readonly step: number; readonly samples: readonly SampleFact[] }[];
  /** Of the newest step that has some. */
  readonly groups: StepGroups | null;
  /** Steps whose groups are kept. */
  readonly groupSteps: readonly number[];
}

/** Groups of a step. */
export interface StepGroups {
  readonly step: number;
  readonly groups: readonly GroupFact[];
}

/** The live run, in one line. */
export interface TrainingStatus {
  readonly runId: string;
  readonly state: RunState;
  readonly step: number;
  readonly maxSteps: number;
  /** What is being done now, e.g. `sampling`, `updating`, `evaluating`, `saving`, with a fraction where known. */
  readonly phase: string;
  readonly fraction: number | null;
  /** Measured over the last steps; null before the first. */
  readonly secondsPerStep: number | null;
  readonly reason: PlainError | null;
}

/** Facts about the live run. */
export type TrainingEvent =
  | { readonly type: 'trainingChanged'; readonly status: TrainingStatus }
  | { readonly type: 'trainingStepped'; readonly runId: string; readonly metrics: StepMetrics }
  | {
      readonly type: 'groupsSampled';
      readonly runId: string;
      readonly step: number;
      readonly groups: readonly GroupFact[];
    }
  | {
      /** On held-out examples, after the step that the metrics name; they add to that step's own. */
      readonly type: 'evaluated';
      readonly runId: string;
      readonly metrics: StepMetrics;
      readonly samples: readonly SampleFact[];
    };

/** Commands of training; one run is live at a time. */
export interface TrainingCommands {
  /** Memory of a plan, by a trial allocation. */
  estimateTraining(plan: TrainingPlan): Promise<TrainingEstimate>;
  /** Records a run and starts it; resolves when it is recorded. Rejects with `train/busy` while another is live. */
  startTraining(plan: TrainingPlan): Promise<RunSummary>;
  /** Ends the work in flight, saves a checkpoint; resolves when paused. */
  pauseTraining(): Promise<void>;
  /** Goes on from the run's last checkpoint, after a pause, a reload or a failure. */
  resumeTraining(runId: string): Promise<RunSummary>;
  /** One step of a paused run, which is paused again after it. */
  stepTraining(runId: string): Promise<void>;
  /** Ends the run for good, with a checkpoint from which an adapter can be saved. */
  stopTraining(): Promise<void>;
  listRuns(): Promise<readonly RunSummary[]>;
  readRun(runId: string): Promise<RunDetail>;
  /** Groups of a step; null where none are kept. */
  readGroups(runId: string, step: number): Promise<StepGroups | null>;
  /** Keeps what a person wrote about a run, instead of what was there; also of a live one. */
  noteRun(runId: string, notes: string): Promise<void>;
  /** @returns bytes freed */
  deleteRun(runId: string): Promise<number>;
  /** The metrics alone, or a zip of them with the run's configuration, its notes and, of GRPO, every group that is kept. */
  exportRun(runId: string, format: RunFormat): Promise<Blob>;
}
