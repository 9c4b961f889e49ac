// Describes what each kind of stored item consists of: its record, the stores of its parts, and the files that its bytes
// become outside the browser. Every store of the database belongs to one kind.

import { MAX_IMAGE_BYTES } from '../data/image/picture_check';
import type { StoreName } from './database';
import { extensionOf } from './packed_value';

/** What a person made, as a whole that is backed up or not. In the order in which they are restored. */
export const ITEM_KINDS = ['dataset', 'adapter', 'run', 'evaluation', 'coldStart', 'trace'] as const;
/** One of {@link ITEM_KINDS}. */
export type MadeKind = (typeof ITEM_KINDS)[number];

/** A record or a part while nothing is known of it but that it is an object. */
export type PlainRecord = Readonly<Record<string, unknown>>;

/** A field whose bytes are a file of their own, under a name that other programs know. */
export interface FileField {
  readonly field: string;
  /** What stands in the row for the field: the file's path. */
  readonly column: string;
  readonly as: 'ArrayBuffer' | 'Uint8Array' | 'Float32Array';
  /** Bytes that are read at most. */
  readonly most: number;
  name(row: PlainRecord): string;
}

/** Parts of an item in one store. */
export interface PartTable {
  readonly store: StoreName;
  /** The field that holds the item's id. */
  readonly owner: string;
  /** Name of the file of JSON lines. */
  readonly file: string;
  readonly files: readonly FileField[];
  /** Whether each part says how many bytes it takes. */
  readonly sized: boolean;
}

/** An item of one kind. */
export interface ItemTable {
  readonly record: StoreName;
  /** Folder of all items of the kind in a backup. */
  readonly folder: string;
  readonly parts: readonly PartTable[];
  /** Whether there is at most one. */
  readonly single: boolean;
}

/** Rank 64 on every projection of a 7B model. */
const MOST_WEIGHTS = 2 ** 30;

/** Pictures in their order, with the ending of their type. */
const picture: FileField = {
  field: 'image',
  column: 'file_name',
  as: 'ArrayBuffer',
  most: MAX_IMAGE_BYTES,
  name: ({ index, mimeType }) => `images/${String(index).padStart(6, '0')}.${extensionOf(String(mimeType))}`,
};
const weights: FileField = {
  field: 'weights',
  column: 'file',
  as: 'Uint8Array',
  most: MOST_WEIGHTS,
  name: () => 'adapter_model.safetensors',
};
const trace: FileField = {
  field: 'file',
  column: 'file',
  as: 'ArrayBuffer',
  most: 2 ** 26,
  name: () => 'answer.trace.json',
};
const floats = (field: string): FileField => {
  return {
    field,
    column: field,
    as: 'Float32Array',
    most: MOST_WEIGHTS,
    name: () => `checkpoint/${field}.f32`,
  };
};

/** Parts that do not say what they take. */
function table(store: StoreName, owner: string, file: string, files: readonly FileField[] = []): PartTable {
  return { store, owner, file, files, sized: false };
}

/** Parts of a run, which do. */
function ofRun(store: StoreName, file: string, files: readonly FileField[] = []): PartTable {
  return { store, owner: 'runId', file, files, sized: true };
}

/** All kinds. */
export const ITEM_TABLES: Readonly<Record<MadeKind, ItemTable>> = {
  dataset: {
    ...{ record: 'datasets', folder: 'datasets', single: false },
    parts: [table('rows', 'datasetId', 'metadata', [picture])],
  },
  adapter: {
    ...{ record: 'adapters', folder: 'adapters', single: false },
    parts: [table('adapterWeights', 'id', 'weights', [weights])],
  },
  // The checkpoint is read before the steps: a run that goes on meanwhile then lacks none up to it.
  run: {
    ...{ record: 'runs', folder: 'runs', single: false },
    parts: [
      ofRun('checkpoints', 'checkpoint', ['adapter', 'm', 'v'].map(floats)),
      ofRun('metrics', 'metrics'),
      ofRun('samples', 'samples'),
      ofRun('groupSteps', 'groups'),
    ],
  },
  evaluation: {
    ...{ record: 'evaluations', folder: 'evaluations', single: false },
    parts: [table('evaluationOutcomes', 'evaluationId', 'outcomes')],
  },
  coldStart: {
    ...{ record: 'coldStarts', folder: 'cold-start', single: true },
    parts: [table('coldStartTexts', 'coldStartId', 'texts')],
  },
  trace: {
    ...{ record: 'traces', folder: 'looks', single: false },
    parts: [table('traceFiles', 'id', 'file', [trace])],
  },
};
