// The messages about training: a plan and the memory that it needs, runs with what their steps found, and the commands
// that start and end them. Types only.

import type { PlainError } from '../../lib/plain_error';
import type { ReasoningMode } from './answers';

/** What is trained: supervised fine-tuning on written answers, or GRPO on sampled ones. */
export type TrainingMethod = 'sft' | 'grpo';

/** A new adapter's shape, in PEFT's terms. */
export interface LoraSettings {
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  /** A regular expression that names modules in full, as PEFT matches it. */
  readonly targetModules: string;
}

/** AdamW with a schedule, in TRL's terms. */
export interface OptimSettings {
  readonly learningRate: number;
  readonly lrSchedulerType: 'constant' | 'linear' | 'cosine';
  readonly warmupSteps: number;
  readonly weightDecay: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  /** 0 never clips. */
  readonly maxGradNorm: number;
}

/** Settings that only SFT reads. */
export interface SftSettings {
  /** Examples per optimiser step. */
  readonly batchSize: number;
  /** Passes over the examples, which then decide the number of steps; 0 leaves it to `maxSteps`. */
  readonly numTrainEpochs: number;
  /** Longest example in tokens, prompt included; longer ones are left out and counted. */
  readonly maxLength: number;
  /** Steps between evaluations; 0 never evaluates. */
  readonly evalSteps: number;
  /** Examples held out by seed for the evaluation loss. */
  readonly evalSize: number;
  /** Answers sampled greedily at each evaluation. */
  readonly evalSamples: number;
}

/** Settings that only GRPO reads, in TRL's terms. */
export interface GrpoSettings {
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly maxCompletionLength: number;
  readonly temperature: number;
  readonly topP: number;
  readonly lossType: 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** Weight of the KL term against the reference; 0 leaves it out. */
  readonly beta: number;
  readonly numIterations: number;
  readonly scaleRewards: 'group' | 'none' | 'std_floor';
  /** Smallest divisor of `std_floor`. */
  readonly stdFloor: number;
  /** Groups that teach nothing are dropped: equal rewards, or equal accuracy. */
  readonly dropUniformGroups: 'none' | 'reward' | 'accuracy';
  readonly maskTruncatedCompletions: boolean;
  /** Weights of the rewards by name; absent is 0. */
  readonly rewardWeights: Readonly<Record<string, number>>;
}

/** Where examples come from. */
export type TrainingSource =
  | {
      readonly kind: 'shapes_world';
      /** Share of questions that ignore the picture. */
      readonly textShare: number;
      /** SFT: scenes drawn, answers sampled for each by the base, and the share of examples that look back. */
      readonly scenes: number;
      readonly rolloutsPerScene: number;
      readonly reflectionRate: number;
    }
  | { readonly kind: 'dataset'; readonly datasetId: string };

/** A whole training run, as the form edits it and the run keeps it. */
export interface TrainingPlan {
  readonly name: string;
  readonly method: TrainingMethod;
  readonly modelId: string;
  readonly source: TrainingSource;
  /** Adapter that the run continues (and that GRPO's reference then is); null begins a new one. */
  readonly adapterId: string | null;
  readonly mode: ReasoningMode;
  readonly lora: LoraSettings;
  readonly optim: OptimSettings;
  readonly maxSteps: number;
  readonly seed: number;
  /** Steps between checkpoints. */
  readonly saveSteps: number;
  /** Packed tokens of one micro-batch; a step is cut into as many as it needs and gradients are accumulated. */
  readonly tokensPerMicroBatch: number;
  /** Recompute layers in the reverse instead of keeping their activations. */
  readonly gradientCheckpointing: boolean;
  readonly sft: SftSettings;
  readonly grpo: GrpoSettings;
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

/** A run in the list. */
export interface RunSummary {
  readonly id: string;
  readonly plan: TrainingPlan;
  readonly state: RunState;
  /** Steps done. */
  readonly step: number;
  /** Step of the last checkpoint; null before the first. */
  readonly checkpointStep: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Adapter that was saved from it. */
  readonly adapterId: string | null;
  /** Why it paused or failed, when not asked to. */
  readonly reason: PlainError | null;
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
  readonly groups: { readonly step: number; readonly groups: readonly GroupFact[] } | null;
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
      readonly type: 'samplesEvaluated';
      readonly runId: string;
      readonly step: number;
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
  /** @returns bytes freed */
  deleteRun(runId: string): Promise<number>;
  exportRun(runId: string, format: 'jsonl' | 'csv'): Promise<Blob>;
}
