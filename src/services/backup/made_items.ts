// Knows what is particular to each kind of item in a backup: its name, what it refers to, what of its record follows from
// its parts, and what the parts have to be like together.

import type { PlainError } from '../../lib/plain_error';
import { loraWeightsOf, type ShapedModule } from '../../model/lora';
import { COLD_START_SETTINGS } from '../../settings/cold_start_settings';
import { EVALUATION_PAGE_SETTINGS } from '../../settings/evaluation_settings';
import { givenProblems } from '../../settings/read_settings';
import { completePlan, planProblems } from '../../settings/train_plan';
import type { StoreName } from '../../storage/database';
import type { MadeKind, PlainRecord } from '../../storage/item_tables';
import { recordSize } from '../../storage/record_size';
import type { StoredBest, StoredCheckpoint, StoredLoraConfig } from '../../storage/records';
import type { TrainingPlan } from '../../worker/protocol/training';

/** The id of an item of a kind as it is called here. */
export type MapId = (kind: MadeKind, id: string) => string;

/** Takes the parts of an item that is being restored. */
export interface PartCounter {
  /** Why a part cannot be of this item; null where it can. */
  take(store: StoreName, row: PlainRecord): string | null;
  /** The record to keep, or why there can be none. */
  finish(): PlainRecord | string;
}

/** What is particular to a kind. */
export interface ItemRules {
  nameOf(record: PlainRecord): string;
  withName(record: PlainRecord, name: string): PlainRecord;
  withReferences(record: PlainRecord, map: MapId): PlainRecord;
  /** Fields that follow from the parts, or count writes. */
  readonly derived: readonly string[];
  /** Fields that looking at the item changes, so that they make it no other one. */
  readonly passing?: readonly string[];
  /** The record as it is once nothing works on the item any more. */
  settled(record: PlainRecord): PlainRecord;
  counter(record: PlainRecord): PartCounter;
}

const INTERRUPTED: PlainError = {
  code: 'train/interrupted',
  message: 'The backup was made while this run was live. It can go on from its last checkpoint.',
};

const object = (value: unknown): PlainRecord => value as PlainRecord;
const named = {
  nameOf: ({ name }: PlainRecord) => String(name),
  withName: (record: PlainRecord, name: string) => ({ ...record, name }),
};
/** Kinds without a name of their own are called by their model. */
const nameless = {
  nameOf: ({ modelId }: PlainRecord) => String(modelId),
  withName: (record: PlainRecord) => record,
};
const asIs = (record: PlainRecord): PlainRecord => record;

function withSource(plan: PlainRecord, map: MapId): PlainRecord {
  const source = object(plan.source);
  if (source.kind !== 'dataset') return plan;
  return { ...plan, source: { ...source, datasetId: map('dataset', String(source.datasetId)) } };
}

const mapped = (id: unknown, kind: MadeKind, map: MapId): string | null =>
  typeof id === 'string' ? map(kind, id) : null;

const dataset: ItemRules = {
  ...{ ...named, derived: ['bytes', 'rows', 'withResponse', 'complete'], settled: asIs },
  withReferences: asIs,
  counter: (record) => {
    let [rows, withResponse] = [0, 0];
    return {
      take: (_, row) => {
        if (row.index !== rows) return `row ${rows + 1} is missing`;
        rows += 1;
        if (row.response !== null) withResponse += 1;
        return null;
      },
      finish: () => ({ ...record, rows, withResponse, complete: true }),
    };
  },
};

/** Items that are a record and one file. */
function oneFile(record: PlainRecord): PartCounter {
  let files = 0;
  return {
    take: () => {
      files += 1;
      return files === 1 ? null : 'it has several files';
    },
    finish: () => (files === 1 ? record : 'its file is missing'),
  };
}

const adapter: ItemRules = {
  ...{ ...named, derived: ['bytes'], settled: asIs },
  withReferences: (record, map) => {
    const run = record.run === null ? null : object(record.run);
    return { ...record, run: run && { ...run, id: map('run', String(run.id)) } };
  },
  counter: oneFile,
};

/** Whether this page would train by a plan. */
function isTrainable(plan: unknown): boolean {
  try {
    return planProblems(completePlan(plan as TrainingPlan)).length === 0;
  } catch {
    return false;
  }
}

/** A run that nobody is at work on. Backups of before there were notes have none. */
function settledRun(given: PlainRecord, hasCheckpoint: boolean): PlainRecord {
  const record: PlainRecord = { notes: '', ...given };
  if (!['preparing', 'running', 'pausing'].includes(String(record.state))) return record;
  return { ...record, state: hasCheckpoint ? 'paused' : 'failed', reason: INTERRUPTED };
}

/** Why a checkpoint is not the state of an adapter of its shape; null where it is. */
function checkpointFault({ adapter: values, m, v, best, extra }: PlainRecord): string | null {
  const [own, first, second] = [values, m, v] as Float32Array[];
  const kept = best as StoredCheckpoint['best'] | undefined;
  if (kept && kept.adapter.length !== own?.length)
    return 'its checkpoint holds a best adapter of another length than its last';
  if (own === undefined || first?.length !== own.length || second?.length !== own.length)
    return 'its checkpoint holds moments of another length than its adapter';
  const { config, modules } = extra as { config: StoredLoraConfig; modules: readonly ShapedModule[] };
  try {
    loraWeightsOf(own, config, modules);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'its checkpoint is of another shape';
  }
}

const run: ItemRules = {
  nameOf: ({ plan }) => String(object(plan).name),
  withName: (record, name) => ({ ...record, plan: { ...object(record.plan), name } }),
  derived: ['bytes', 'groupBytes', 'checkpointStep', 'best'],
  settled: (record) => settledRun(record, record.checkpointStep !== null),
  withReferences: (record, map) => {
    const plan = withSource(object(record.plan), map);
    const evalDatasetId = mapped(plan.evalDatasetId, 'dataset', map);
    return {
      ...record,
      adapterId: mapped(record.adapterId, 'adapter', map),
      plan: { ...plan, evalDatasetId, adapterId: mapped(plan.adapterId, 'adapter', map) },
    };
  },
  counter: (record) => {
    let checkpointStep: number | null = null;
    let best: StoredBest | null = null;
    let [groupBytes, step] = [0, Number(record.step)];
    return {
      take: (store, row) => {
        step = Math.max(step, Number(row.step));
        if (store === 'groupSteps') groupBytes += recordSize(row);
        if (store !== 'checkpoints') return null;
        if (checkpointStep !== null) return 'it has several checkpoints';
        checkpointStep = Number(row.step);
        const kept = row.best as StoredCheckpoint['best'] | undefined;
        best = kept ? { step: kept.step, metric: kept.metric, value: kept.value } : null;
        return checkpointFault(row);
      },
      finish: () => {
        const settled = settledRun(
          { ...record, step, groupBytes, checkpointStep, best },
          checkpointStep !== null,
        );
        // What this page would not start is never gone on with either, but stays to be looked at.
        const open = settled.state === 'paused' || settled.state === 'failed';
        return open && !isTrainable(record.plan) ? { ...settled, state: 'stopped' } : settled;
      },
    };
  },
};

/** What cannot be asked by a plan's settings; null where all can. */
function settingsFault(table: Parameters<typeof givenProblems>[0], settings: unknown): string | null {
  const [problem] = givenProblems(table, settings);
  return problem === undefined ? null : `its plan cannot be used: ${problem.message}`;
}

const evaluation: ItemRules = {
  ...{ ...nameless, derived: ['bytes', 'revision', 'done'], settled: asIs },
  withReferences: (record, map) => {
    const plan = withSource(object(record.plan), map);
    const sides = (plan.sides as readonly PlainRecord[]).map((side) => {
      if (side.adapter === null) return side;
      const own = object(side.adapter);
      return { ...side, adapter: { ...own, id: map('adapter', String(own.id)) } };
    });
    return { ...record, plan: { ...plan, sides } };
  },
  counter: (record) => {
    const { sides, source: _, ...settings } = object(record.plan);
    const count = Number(settings.count);
    const done = (sides as readonly unknown[]).map(() => 0);
    return {
      take: (_store, { side, index, outcome }) => {
        const at = Number(side);
        if (done[at] === undefined || Number(index) >= count)
          return 'it has an answer to no question of its plan';
        if (outcome !== null && object(outcome).index !== index) return 'an answer is to another question';
        done[at] += 1;
        return null;
      },
      finish: () => {
        if ((record.seconds as readonly number[]).length !== done.length) return 'seconds: one for each side';
        // One that is done asks nothing any more: what it was asked by may have been set otherwise then.
        const isDone = done.every((own) => own >= count);
        const fault = isDone ? null : settingsFault(EVALUATION_PAGE_SETTINGS, settings);
        return fault ?? { ...record, done, revision: 0 };
      },
    };
  },
};

const coldStart: ItemRules = {
  ...{ ...nameless, derived: ['bytes', 'revision'], settled: asIs },
  withReferences: (record, map) => ({ ...record, plan: withSource(object(record.plan), map) }),
  counter: (record) => ({
    take: () => null,
    finish: () => {
      const {
        source: _,
        writer: _a,
        writerModel: _m,
        writerFingerprints: _f,
        ...settings
      } = object(record.plan);
      return settingsFault(COLD_START_SETTINGS, settings) ?? { ...record, revision: 0 };
    },
  }),
};

const trace: ItemRules = {
  ...{ ...named, derived: ['bytes'], passing: ['usedAt'] },
  ...{ settled: asIs, withReferences: asIs, counter: oneFile },
};

/** The rules of every kind. */
export const ITEM_RULES: Readonly<Record<MadeKind, ItemRules>> = {
  dataset,
  adapter,
  run,
  evaluation,
  coldStart,
  trace,
};
