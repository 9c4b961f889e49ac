// Declares what the killed browser and the one who kills it say to each other, as JSON. A mark is answered before the
// Worker goes on, so that the ledger never knows less than the Worker does.

/** A key of IndexedDB as JSON has it: `∞` stands for infinity. */
export type MarkedKey = string | number | readonly MarkedKey[];

/** A range of keys. */
export interface MarkedRange {
  readonly lower: MarkedKey;
  readonly upper: MarkedKey;
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;
}

/** The few fields of a record that checks read. */
export type RecordFacts = Readonly<Record<string, string | number | boolean | null>>;

/** One request of a transaction. */
export interface MarkedWrite {
  readonly op: 'put' | 'add' | 'delete';
  readonly store: string;
  /** Of `put` and `add`. */
  readonly key?: MarkedKey;
  /** Of `delete`. */
  readonly range?: MarkedRange;
  /** Of the whole value. */
  readonly hash?: string;
  readonly facts?: RecordFacts;
}

/** A write boundary that the Worker has reached. */
export interface Mark {
  /** Counts the Worker's transactions that write. */
  readonly tx: number;
  readonly stores: readonly string[];
  readonly at: 'begun' | 'asked' | 'done' | 'committed' | 'aborted';
  /** Counts the requests of the transaction. */
  readonly nth: number;
  /** Of `asked` and `done`. */
  readonly write?: MarkedWrite;
}

/** A record found on disk. */
export interface FoundRecord {
  readonly store: string;
  readonly key: MarkedKey;
  readonly hash: string;
  readonly facts: RecordFacts;
  /** Why it cannot be read whole; absent when it can. */
  readonly broken?: string;
}

/** What the product says after a start. */
export interface FoundLists {
  readonly runs: readonly FoundRun[];
  readonly adapters: readonly FoundAdapter[];
  readonly datasets: readonly { readonly id: string; readonly rows: number; readonly createdAt: number }[];
}

/** A run as listed, with the steps of its metrics. */
export interface FoundRun {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly step: number;
  readonly checkpointStep: number | null;
  readonly createdAt: number;
  /** What it trains on; null for the built-in world. */
  readonly datasetId: string | null;
  readonly metrics: readonly FoundStep[];
}

/** Metrics that repeat bit for bit on the same device. */
export interface FoundStep {
  readonly step: number;
  readonly loss: number | null;
  readonly gradNorm: number | null;
}

/** An adapter as listed, with what its export holds. */
export interface FoundAdapter {
  readonly id: string;
  readonly name: string;
  readonly parameters: number;
  readonly createdAt: number;
  /** Of the exported safetensors file. */
  readonly weights: string;
  /** Numbers in its tensors. */
  readonly elements: number;
  /** Why the export cannot be read; absent when it can. */
  readonly broken?: string;
}

/** What the page does in one life, after it told what it found. */
export interface Act {
  readonly name: ActName;
  /** Run to go on with, to save or to delete; null makes one first where one is needed. */
  readonly runId: string | null;
  /** Dataset to train on or to delete, likewise. */
  readonly datasetId: string | null;
  /** Name of what it makes; begins with the act's. */
  readonly label: string;
}

/** Names of acts. */
export type ActName = 'dataset' | 'train' | 'pause' | 'grpo' | 'resume' | 'adapter' | 'delete';

/** What a life is for, once it told what it found. */
export interface LifeOrder {
  /** Null: nothing, as after the last kill. */
  readonly act: Act | null;
  /** What has piled up, deleted first. */
  readonly discard: {
    readonly runs: readonly string[];
    readonly adapters: readonly string[];
    readonly datasets: readonly string[];
  };
}

/** A command that the engine said was done. */
export interface Acknowledged {
  readonly what:
    | 'run'
    | 'step'
    | 'adapter'
    | 'renamed'
    | 'deletedAdapter'
    | 'deletedRun'
    | 'deletedDataset'
    | 'dataset';
  readonly id: string;
  readonly step?: number;
  readonly rows?: number;
  readonly name?: string;
}
