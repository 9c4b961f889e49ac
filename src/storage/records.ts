// Declares what the stores keep, as it lies in IndexedDB. Big bytes lie in stores of their own, so that a list never
// loads them. A field is added, moved or renamed only together with a migration in database.ts, but for one whose absence
// says what is true of earlier records.

import type { DBSchema } from 'idb';
import type { ErrorCode } from '../lib/error_codes';
import type { PlainColumns } from '../lib/plain_json';

/** LoRA settings of a stored adapter, in PEFT's terms. */
export interface StoredLoraConfig {
  readonly r: number;
  readonly loraAlpha: number;
  /** Ranks and alphas of modules where they differ, by canonical path; absent where none does. */
  readonly ranks?: Readonly<Record<string, number>>;
  readonly alphas?: Readonly<Record<string, number>>;
  readonly loraDropout: number;
  readonly useRslora: boolean;
  readonly baseModel: string;
  /** A regular expression that names modules in full, or a list of last names. */
  readonly targetModules: string | readonly string[];
}

/** How a model's weights are kept; see `WeightPrecision`. */
export type StoredPrecision = 'stored' | 'f32' | 'bf16' | 'int8' | 'int4';

/** An adapter without its weights. */
export interface AdapterRecord {
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  readonly modelId: string;
  /** SHA-256 of the base model's weights, hexadecimal. */
  readonly fingerprint: string;
  /** How these weights were kept when it was trained; null where it does not say. */
  readonly precision: StoredPrecision | null;
  readonly bundled: false;
  readonly config: StoredLoraConfig;
  /** Canonical paths of the modules that it adapts. */
  readonly targetModules: readonly string[];
  readonly parameters: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly run: { readonly id: string; readonly method: 'sft' | 'grpo'; readonly step: number } | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** Weights and record together. */
  readonly bytes: number;
}

/** The weights of an adapter. */
export interface AdapterWeightsRecord {
  readonly id: string;
  /** A whole safetensors file. */
  readonly weights: Uint8Array<ArrayBuffer>;
}

/** Where a run is; see `RunState` of the protocol. */
export type StoredRunState =
  | 'preparing'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'finished'
  | 'stopped'
  | 'failed';

/** A training run. */
export interface RunRecord<Plan = unknown> {
  readonly id: string;
  readonly plan: Plan;
  readonly state: StoredRunState;
  /** Steps done. */
  readonly step: number;
  /** Step of the checkpoint; null before the first. */
  readonly checkpointStep: number | null;
  /** Whose adapter the checkpoint holds besides the last; null before the first evaluation. */
  readonly best: StoredBest | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Adapter that was saved from it. */
  readonly adapterId: string | null;
  /** Why it paused or failed, when not asked to. */
  readonly reason: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  } | null;
  /** What a person wrote about it; '' for nothing. */
  readonly notes: string;
  /** Of the groups of its steps; they are kept within a limit. */
  readonly groupBytes: number;
  /** Everything stored for this run. */
  readonly bytes: number;
}

/** The best evaluation of a run; see `BestEvaluation` of settings/best_evaluation.ts. */
export interface StoredBest {
  readonly step: number;
  readonly metric: 'loss' | 'accuracy';
  readonly value: number;
}

/** The state from which a run goes on: a trainer's arrays, and whatever its owner must find again beside them. */
export interface StoredCheckpoint<Extra = unknown> {
  readonly step: number;
  /** f32, in the adapter arena's own layout. */
  readonly adapter: Float32Array;
  /** AdamW's moments, laid out like `adapter`. */
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** The adapter of the best evaluation so far; null before the first. */
  readonly best: (StoredBest & { readonly adapter: Float32Array }) | null;
  /** Plain data: kernel profile, device description. */
  readonly extra: Extra;
}

/** The checkpoint of a run. */
export interface CheckpointRecord extends StoredCheckpoint {
  readonly runId: string;
  readonly bytes: number;
}

/** Metrics of one step. */
export interface MetricsRecord {
  readonly runId: string;
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
  readonly bytes: number;
}

/** Answers sampled at one evaluation. */
export interface SamplesRecord {
  readonly runId: string;
  readonly step: number;
  readonly samples: readonly unknown[];
  readonly bytes: number;
}

/** Completions of one GRPO step. */
export interface GroupsRecord {
  readonly runId: string;
  readonly step: number;
  readonly groups: readonly unknown[];
  readonly bytes: number;
}

/** How a dataset was built here. */
export interface DatasetOrigin {
  readonly kind: 'cold-start';
  readonly modelId: string;
  /** SHA-256 of the model's weights, hexadecimal. */
  readonly fingerprint: string;
  /** The dataset that its problems are from; null for the built-in world. */
  readonly from: string | null;
  readonly settings: Readonly<Record<string, string | number | null>>;
  /** What each stage came to. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A dataset without its rows. */
export interface DatasetRecord {
  readonly id: string;
  readonly name: string;
  readonly rows: number;
  /** Rows that carry a written response. */
  readonly withResponse: number;
  readonly bytes: number;
  readonly createdAt: number;
  /** Absent for sets that were brought here. */
  readonly origin?: DatasetOrigin;
  /** Set by the last transaction of an import; a record without it is not listed. */
  readonly complete: boolean;
}

/** One row of a dataset. */
export interface RowRecord {
  readonly datasetId: string;
  /** From 0, without gaps. */
  readonly index: number;
  /** The encoded file. */
  readonly image: ArrayBuffer;
  readonly mimeType: string;
  readonly imageName: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** What the system turn says before the question; absent where it says nothing. */
  readonly system?: string;
  /** What the row has besides; absent where it has nothing. */
  readonly columns?: PlainColumns;
}

/** A cold start in the making. */
export interface ColdStartRecord<Plan = unknown> {
  readonly id: string;
  readonly plan: Plan;
  readonly modelId: string;
  /** SHA-256 of the model's weights, hexadecimal. */
  readonly fingerprint: string;
  readonly createdAt: number;
  /** Grows with every write. */
  readonly revision: number;
  /** Name of the data set that it was last saved as. */
  readonly savedAs: string | null;
  /** Everything stored for it. */
  readonly bytes: number;
}

/** Texts for one problem of a cold start: the model's answers, or looks by who wrote them. */
export interface ColdStartTextsRecord {
  readonly coldStartId: string;
  /** Looks of each adapter and of each other model lie by themselves, so that another choice loses none. */
  readonly stage: 'rollouts' | 'self' | 'file' | 'hand' | `adapter:${string}` | `model:${string}`;
  readonly problemId: string;
  /** What looks go on from; null for answers. */
  readonly opening: string | null;
  readonly texts: readonly string[];
}

/** An evaluation: questions that one or two sides were asked. */
export interface EvaluationRecord<Plan = unknown> {
  readonly id: string;
  readonly plan: Plan;
  readonly modelId: string;
  /** SHA-256 of the model's weights, hexadecimal. */
  readonly fingerprint: string;
  /** The device that answered first. */
  readonly device: string;
  readonly createdAt: number;
  /** Of each side, the questions that are done with and the seconds that they took. */
  readonly done: readonly number[];
  readonly seconds: readonly number[];
  /** Grows with every write. */
  readonly revision: number;
  /** Everything stored for it. */
  readonly bytes: number;
}

/** What one side of an evaluation came to at one question. */
export interface EvaluationOutcomeRecord<Outcome = unknown> {
  readonly evaluationId: string;
  /** From 0. */
  readonly side: number;
  readonly index: number;
  /** Null for a question that could not be asked. */
  readonly outcome: Outcome | null;
}

/** A saved look: an answer with its picture, tokens and attention, without its file. */
export interface TraceRecord {
  readonly id: string;
  readonly name: string;
  /** Labels of the model and of the adapter that answered. */
  readonly model: string;
  readonly adapter: string | null;
  /** Whether it was answered here, or opened from a file or a link. */
  readonly origin: 'here' | 'import';
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly usedAt: number;
  /** File and record together. */
  readonly bytes: number;
}

/** The file of a saved look. */
export interface TraceFileRecord {
  readonly id: string;
  /** A trace file, which is JSON. */
  readonly file: ArrayBuffer;
}

/** All stores. */
export interface LibrarySchema extends DBSchema {
  adapters: { key: string; value: AdapterRecord };
  adapterWeights: { key: string; value: AdapterWeightsRecord };
  runs: { key: string; value: RunRecord };
  checkpoints: { key: string; value: CheckpointRecord };
  metrics: { key: [runId: string, step: number]; value: MetricsRecord };
  samples: { key: [runId: string, step: number]; value: SamplesRecord };
  groupSteps: { key: [runId: string, step: number]; value: GroupsRecord };
  datasets: { key: string; value: DatasetRecord };
  rows: { key: [datasetId: string, index: number]; value: RowRecord };
  coldStarts: { key: string; value: ColdStartRecord };
  coldStartTexts: {
    key: [coldStartId: string, stage: string, problemId: string];
    value: ColdStartTextsRecord;
  };
  traces: { key: string; value: TraceRecord };
  traceFiles: { key: string; value: TraceFileRecord };
  evaluations: { key: string; value: EvaluationRecord };
  evaluationOutcomes: {
    key: [evaluationId: string, side: number, index: number];
    value: EvaluationOutcomeRecord;
  };
}
