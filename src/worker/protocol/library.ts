// The messages about what is stored on this device: adapters, datasets and the room they take, with the commands.
// Types only.

import type { PlainColumns } from '../../lib/plain_json';
import type { WeightPrecision } from '../../model/weight_layout';
import type { ReasoningMode } from '../../settings/reasoning_modes';
import type { TrainingMethod } from '../../settings/train_settings';

/** A stored adapter. */
export interface AdapterSummary {
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  readonly modelId: string;
  /** SHA-256 of the base model's weights, hexadecimal. */
  readonly fingerprint: string;
  /** How these weights were kept when it was trained; null where it does not say. */
  readonly precision: WeightPrecision | null;
  /** What to expect of it over the model as it is loaded now; null where nothing speaks against it. */
  readonly caution: string | null;
  /** True when it came with the page: it cannot be deleted. */
  readonly bundled: boolean;
  readonly r: number;
  readonly loraAlpha: number;
  readonly targetModules: readonly string[];
  readonly parameters: number;
  readonly bytes: number;
  readonly createdAt: number;
  readonly run: { readonly id: string; readonly method: TrainingMethod; readonly step: number } | null;
  /** Last metrics of the run, or of the evaluation that came with it. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** How a dataset was built here. */
export interface DatasetOrigin {
  readonly kind: 'cold-start';
  readonly modelId: string;
  /** The dataset that its problems are from; null for the built-in world. */
  readonly from: string | null;
  readonly settings: Readonly<Record<string, string | number | null>>;
  /** What each stage came to. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A stored dataset. */
export interface DatasetSummary {
  readonly id: string;
  readonly name: string;
  readonly rows: number;
  /** Rows that carry a written response, which SFT needs. */
  readonly withResponse: number;
  readonly bytes: number;
  readonly createdAt: number;
  /** Absent for sets that were brought here. */
  readonly origin?: DatasetOrigin;
}

/** A dataset that was just stored. */
export interface KeptDataset {
  readonly dataset: DatasetSummary;
  /** Rows that were left out while storing. */
  readonly problems: readonly DatasetProblem[];
}

/** A row that cannot be used. */
export interface DatasetProblem {
  readonly file: string;
  /** Line or row from 1; null for a whole file. */
  readonly row: number | null;
  readonly reason: string;
}

/** Something of a dataset that can be used, but may not be meant. */
export interface DatasetWarning extends DatasetProblem {
  readonly kind: 'file' | 'duplicate' | 'id' | 'contradiction' | 'unknown words' | 'columns';
}

/** Which words of a stored dataset the loaded model does not know. */
export interface DatasetWords {
  /** The share of the whole set first, then rows that are mostly unknown; empty where every word is known. */
  readonly warnings: readonly DatasetWarning[];
  /** Warnings beyond those listed. */
  readonly more: number;
  /** Rows that were looked at, spread evenly over those of the dataset. */
  readonly looked: number;
  /** Rows of the dataset. */
  readonly rows: number;
}

/** A table of a set, or a part of it that was made for training, validation or test. */
export interface DatasetSplit {
  readonly name: string;
  /** Null where they were not counted. */
  readonly rows: number | null;
}

/** Which column of the source holds what; null where there is none. */
export interface ColumnMapping {
  readonly image: string | null;
  readonly question: string | null;
  readonly answer: string | null;
  readonly response: string | null;
  /** Of a text for the system turn; a chat's own system turn needs none. */
  readonly system: string | null;
  /** The column that holds all options of a question, or one column for each; empty where there are none. */
  readonly options: readonly string[];
}

/** What to read otherwise than guessed: null takes the guess. */
export interface ImportChoice {
  readonly mapping: ColumnMapping | null;
  /** Name of a split. */
  readonly split: string | null;
}

/** What an import found, before it is kept. */
export interface DatasetPreview {
  /** Hands the preview to `keepDataset`; only the newest is held. */
  readonly token: string;
  readonly columns: readonly string[];
  readonly mapping: ColumnMapping;
  readonly rows: number;
  readonly withResponse: number;
  readonly problems: readonly DatasetProblem[];
  /** Problems beyond those listed. */
  readonly moreProblems: number;
  readonly warnings: readonly DatasetWarning[];
  /** Warnings beyond those listed. */
  readonly moreWarnings: number;
  /** The splits or tables to choose from; empty for a set with one. */
  readonly splits: readonly DatasetSplit[];
  /** The split or table that was read. */
  readonly split: string;
  readonly sample: readonly DatasetRow[];
}

/** A row as stored. */
export interface DatasetRow {
  readonly image: Blob;
  readonly imageName: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** What the system turn says before the question; null or absent where it says nothing. */
  readonly system?: string | null;
  /** What the row has besides; absent where it has nothing. */
  readonly columns?: PlainColumns;
}

/** A row as the model receives it. */
export interface DatasetRowView {
  readonly row: DatasetRow;
  /** The template applied, image tokens shortened to one. */
  readonly prompt: string;
  readonly promptTokens: number;
  readonly imageTokens: number;
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  readonly responseTokens: number;
}

/** A file as dropped, pasted or picked; `path` is relative to what was dropped. */
export interface NamedFile {
  readonly path: string;
  readonly blob: Blob;
}

/** What the page keeps on this device. */
export interface StorageUsage {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** True once the browser promised not to clear it on its own. */
  readonly persisted: boolean;
  readonly items: readonly StoredItem[];
}

/** Anything that is kept. */
export interface StoredItem {
  readonly kind: 'adapter' | 'run' | 'dataset' | 'model' | 'coldStart' | 'evaluation' | 'trace';
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970: the last use where it is known, else when it was stored or changed; null where neither is. */
  readonly usedAt: number | null;
  /** How it came here. */
  readonly origin: 'hub' | 'run' | 'import' | 'coldStart' | 'here';
  /** False for a download that is not whole. */
  readonly whole: boolean;
}

/** A list of what is stored. */
export type StoreName = 'adapters' | 'runs' | 'datasets' | 'models' | 'traces';

/** Something stored changed, here or in another tab: its list is to be fetched again. */
export type LibraryEvent =
  | { readonly type: 'storeChanged'; readonly store: StoreName }
  | { readonly type: 'importProgressed'; readonly progress: ImportProgress };

/** How far an import is: bytes of the table, pictures looked at, rows stored. */
export interface ImportProgress {
  readonly phase: 'table' | 'images' | 'storing';
  readonly done: number;
  readonly total: number;
}

/** Which of a run's two checkpoints is meant. */
export type SavedCheckpoint = 'last' | 'best';

/** Commands of adapters. */
export interface AdapterCommands {
  listAdapters(): Promise<readonly AdapterSummary[]>;
  /** Keeps the run's last checkpoint as an adapter, or that of its best evaluation. */
  saveAdapter(runId: string, name: string, which?: SavedCheckpoint): Promise<AdapterSummary>;
  renameAdapter(id: string, change: { readonly name: string; readonly notes: string }): Promise<void>;
  /** @returns bytes freed */
  deleteAdapter(id: string): Promise<number>;
  /** A zip with `adapter_config.json` and `adapter_model.safetensors`, as PEFT reads them, and a model card. */
  exportAdapter(id: string): Promise<Blob>;
  /** From a zip, the files of a folder, or the two files of an adapter. */
  importAdapter(files: readonly NamedFile[], name: string): Promise<AdapterSummary>;
  /** From the hub by `organisation/name` at a branch, tag or commit; rejects as a model's download does. */
  importHubAdapter(id: string, revision: string): Promise<AdapterSummary>;
  /** Ends fetching; it then rejects with `adapter/cancelled`. */
  cancelHubAdapter(): Promise<void>;
}

/** Commands of datasets. */
export interface DatasetCommands {
  listDatasets(): Promise<readonly DatasetSummary[]>;
  /** Reads files without keeping them. */
  previewDataset(files: readonly NamedFile[], choice: ImportChoice): Promise<DatasetPreview>;
  /**
   * Keeps the usable rows of a preview; the caller has asked about the others. Pictures are decoded on the way, and rows
   * whose picture turns out to be broken are left out and told.
   */
  keepDataset(token: string, name: string): Promise<KeptDataset>;
  /** Ends reading or storing; it then rejects with `data/cancelled`. */
  cancelImport(): Promise<void>;
  readDatasetRow(id: string, index: number, mode: ReasoningMode): Promise<DatasetRowView>;
  /** Looks for words that the loaded model does not know; a newer call ends it with `data/cancelled`. */
  checkDatasetWords(id: string): Promise<DatasetWords>;
  /** Appends a row; `id` null makes a dataset of that name. */
  addToDataset(id: string | null, name: string, row: DatasetRow): Promise<DatasetSummary>;
  /** @returns bytes freed */
  deleteDataset(id: string): Promise<number>;
}

/** What is known of a look when it is saved. */
export interface TraceFacts {
  /** Cut where it is too long. */
  readonly name: string;
  /** Labels of the model and of the adapter that answered. */
  readonly model: string;
  readonly adapter: string | null;
  /** Whether it was answered here, or opened from a file or a link. */
  readonly origin: 'here' | 'import';
}

/** A saved look. */
export interface TraceSummary extends TraceFacts {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly usedAt: number;
  readonly bytes: number;
}

/** Commands of saved looks. */
export interface TraceCommands {
  listTraces(): Promise<readonly TraceSummary[]>;
  /** Keeps a trace file as it is. */
  keepTrace(file: Blob, facts: TraceFacts): Promise<TraceSummary>;
  renameTrace(id: string, name: string): Promise<void>;
  /** The file, to be played; notes that it was used. */
  openTrace(id: string): Promise<Blob>;
  /** The file, to be saved elsewhere. */
  exportTrace(id: string): Promise<Blob>;
  /** @returns bytes freed */
  deleteTrace(id: string): Promise<number>;
}

/** Commands of the room that is taken. */
export interface StorageCommands {
  storageUsage(): Promise<StorageUsage>;
}
