// Stores training runs: the record, the checkpoint to go on from, and of each step metrics, sample answers and groups.
// A run's `bytes`, its `checkpointStep` and its parts change in the same transaction, so a reader sees the run of
// before or of after; the old checkpoint is there until the new one is.

import { StorageError } from '../lib/errors';
import type { Database } from './database';
import { ensureRoom } from './quota';
import { ownBytes, recordSize } from './record_size';
import type { GroupsRecord, MetricsRecord, RunRecord, StoredCheckpoint } from './records';

/** What may change of a run from outside; the rest follows from what is saved. */
export type RunChange = Partial<Pick<RunRecord, 'state' | 'adapterId' | 'reason' | 'notes' | 'updatedAt'>>;

/** What a step leaves behind. */
export interface StepProgress<Group> {
  readonly runId: string;
  /** Steps done. */
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Groups of this step; the oldest steps' go when a run's groups take more than the store's limit. */
  readonly groups?: readonly Group[] | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A run with everything but its checkpoint, steps ascending. */
export interface StoredRun<Plan, Sample, Group> {
  readonly run: RunRecord<Plan>;
  readonly metrics: readonly Pick<MetricsRecord, 'step' | 'values'>[];
  readonly samples: readonly { readonly step: number; readonly samples: readonly Sample[] }[];
  /** Those of the newest step that has some. */
  readonly groups: StepGroups<Group> | null;
  /** Steps whose groups are kept. */
  readonly groupSteps: readonly number[];
}

/** Groups of a step. */
export interface StepGroups<Group> {
  readonly step: number;
  readonly groups: readonly Group[];
}

/** What is needed of a store in a transaction that writes; idb's own types tie it to one list of stores. */
interface PartStore<K, V> {
  get(key: K): Promise<V | undefined>;
  put(value: V): Promise<unknown>;
}
interface StepwiseStore {
  getAll(query: IDBKeyRange): Promise<{ readonly bytes: number }[]>;
  delete(key: IDBKeyRange): Promise<void>;
}
interface GroupStore {
  getAllKeys(query: IDBKeyRange): Promise<[string, number][]>;
  get(key: [string, number]): Promise<GroupsRecord | undefined>;
  delete(key: [string, number]): Promise<void>;
}
interface Stepwise {
  readonly metrics: StepwiseStore;
  readonly samples: StepwiseStore;
  readonly groups: StepwiseStore;
}

/** Bytes that the groups of one run may take: a picture for each question, and every answer. */
const MOST_GROUP_BYTES = 2 ** 27;

/** Keys of a run's steps after `step`. */
const stepsAfter = (runId: string, step: number) =>
  IDBKeyRange.bound([runId, step], [runId, Number.POSITIVE_INFINITY], true);
const oneStep = (runId: string, step: number): [string, number] => [runId, step];
const allSteps = (runId: string) => stepsAfter(runId, -1);

/**
 * Training runs of this origin. Plans, samples, groups and the extra data of checkpoints are kept as they are.
 * Every call rejects with StorageError as {@link Database} says; those that name a run with `storage/missing`.
 */
export class RunStore<Plan = unknown, Sample = unknown, Group = unknown, Extra = unknown> {
  readonly #database: Database;
  readonly #mostGroupBytes: number;

  constructor(database: Database, mostGroupBytes = MOST_GROUP_BYTES) {
    this.#database = database;
    this.#mostGroupBytes = mostGroupBytes;
  }

  /** All runs, newest first. */
  async list(): Promise<RunRecord<Plan>[]> {
    const runs = await this.#database.read(['runs'], 'the runs', (tx) => tx.objectStore('runs').getAll());
    return (runs as RunRecord<Plan>[]).sort((a, b) => b.createdAt - a.createdAt);
  }

  /** Records a new run, before its first step. */
  async create(run: Pick<RunRecord<Plan>, 'id' | 'plan' | 'state' | 'createdAt'>): Promise<RunRecord<Plan>> {
    const draft: RunRecord<Plan> = {
      ...run,
      ...{
        step: 0,
        checkpointStep: null,
        best: null,
        updatedAt: run.createdAt,
        adapterId: null,
        reason: null,
        notes: '',
        groupBytes: 0,
        bytes: 0,
      },
    };
    const record = { ...draft, bytes: recordSize(draft) };
    await this.#database.write(['runs'], 'the run', (tx) => tx.objectStore('runs').add(record));
    return record;
  }

  /** A run with metrics, samples and groups. */
  async read(runId: string): Promise<StoredRun<Plan, Sample, Group>> {
    return this.#database.read(['runs', 'metrics', 'samples', 'groupSteps'], 'the run', async (tx) => {
      const [run, metrics, samples, keys] = await Promise.all([
        tx.objectStore('runs').get(runId),
        tx.objectStore('metrics').getAll(allSteps(runId)),
        tx.objectStore('samples').getAll(allSteps(runId)),
        tx.objectStore('groupSteps').getAllKeys(allSteps(runId)),
      ]);
      const newest = keys.at(-1);
      const groups = newest === undefined ? undefined : await tx.objectStore('groupSteps').get(newest);
      return {
        run: present(run, runId) as RunRecord<Plan>,
        metrics: metrics.map(({ step, values }) => ({ step, values })),
        samples: samples.map(({ step, samples: rows }) => ({ step, samples: rows as Sample[] })),
        groups: groups ? { step: groups.step, groups: groups.groups as Group[] } : null,
        groupSteps: keys.map(([, step]) => step),
      };
    });
  }

  /** Groups of a step; null where none are kept. */
  async readGroups(runId: string, step: number): Promise<StepGroups<Group> | null> {
    const found = await this.#database.read(['groupSteps'], 'the groups', (tx) =>
      tx.objectStore('groupSteps').get(oneStep(runId, step)),
    );
    return found === undefined ? null : { step: found.step, groups: found.groups as Group[] };
  }

  /** The checkpoint from which a run goes on; null before the first. */
  async readCheckpoint(runId: string): Promise<StoredCheckpoint<Extra> | null> {
    const record = await this.#database.read(['checkpoints'], 'the checkpoint', (tx) =>
      tx.objectStore('checkpoints').get(runId),
    );
    if (!record) return null;
    // One out of an early backup has no best.
    const { step, adapter, m, v, best = null, extra } = record;
    return { step, adapter, m, v, best, extra: extra as Extra };
  }

  /** Changes a run's state, reason, adapter or notes, or what its plan came to mean. */
  async update(runId: string, change: RunChange & { readonly plan?: Plan }): Promise<RunRecord<Plan>> {
    return this.#database.write(['runs'], 'the run', (tx) =>
      this.#change(tx.objectStore('runs'), runId, change),
    );
  }

  /** Keeps what a step left behind; the same step again replaces what it left before. */
  async saveProgress(progress: StepProgress<Group>): Promise<RunRecord<Plan>> {
    const { runId, step, metrics, groups, at } = progress;
    return this.#database.write(['runs', 'metrics', 'groupSteps'], `step ${step} of the run`, async (tx) => {
      let grown = await putSized(tx.objectStore('metrics'), [runId, step], {
        runId,
        step,
        values: metrics,
      });
      let ofGroups = 0;
      if (groups) {
        const store = tx.objectStore('groupSteps');
        ofGroups = await putSized(store, oneStep(runId, step), { runId, step, groups });
        const before = present(await tx.objectStore('runs').get(runId), runId).groupBytes;
        const over = before + ofGroups - this.#mostGroupBytes;
        if (over > 0) ofGroups -= await dropOldest(store, runId, step, over);
        grown += ofGroups;
      }
      return this.#change(tx.objectStore('runs'), runId, { step, updatedAt: at }, grown, ofGroups);
    });
  }

  /** Adds what an evaluation found to what its step left behind. */
  async saveEvaluation(
    progress: Omit<StepProgress<Group>, 'groups'> & { readonly samples: readonly Sample[] },
  ): Promise<RunRecord<Plan>> {
    const { runId, step, metrics, samples, at } = progress;
    const what = `the evaluation of step ${step} of the run`;
    return this.#database.write(['runs', 'metrics', 'samples'], what, async (tx) => {
      const store = tx.objectStore('metrics');
      const values = { ...(await store.get(oneStep(runId, step)))?.values, ...metrics };
      let grown = await putSized(store, oneStep(runId, step), { runId, step, values });
      if (samples.length > 0)
        grown += await putSized(tx.objectStore('samples'), oneStep(runId, step), { runId, step, samples });
      return this.#change(tx.objectStore('runs'), runId, { updatedAt: at }, grown);
    });
  }

  /**
   * Replaces the run's checkpoint. The run is then at its step: whatever was recorded of later steps goes with the old
   * checkpoint.
   */
  async saveCheckpoint(
    runId: string,
    checkpoint: StoredCheckpoint<Extra>,
    change: RunChange = {},
  ): Promise<RunRecord<Plan>> {
    const { step, extra, best: kept } = checkpoint;
    const arrays = {
      adapter: ownBytes(checkpoint.adapter),
      m: ownBytes(checkpoint.m),
      v: ownBytes(checkpoint.v),
      best: kept && { ...kept, adapter: ownBytes(kept.adapter) },
    };
    const best = kept && { step: kept.step, metric: kept.metric, value: kept.value };
    const what = `the checkpoint of step ${step}`;
    await ensureRoom(recordSize(arrays), what);
    return this.#database.write(
      ['runs', 'metrics', 'samples', 'groupSteps', 'checkpoints'],
      what,
      async (tx) => {
        let grown = await putSized(tx.objectStore('checkpoints'), runId, { runId, step, ...arrays, extra });
        const cut = await truncate(
          {
            metrics: tx.objectStore('metrics'),
            samples: tx.objectStore('samples'),
            groups: tx.objectStore('groupSteps'),
          },
          runId,
          step,
        );
        grown += cut.grown;
        const changed = { ...change, step, checkpointStep: step, best };
        return this.#change(tx.objectStore('runs'), runId, changed, grown, cut.ofGroups);
      },
    );
  }

  /**
   * Forgets what was recorded after the checkpoint, or everything before the first one, so that a run goes on from
   * there without steps of another life behind it.
   */
  async rewind(runId: string, change: RunChange = {}): Promise<RunRecord<Plan>> {
    return this.#database.write(['runs', 'metrics', 'samples', 'groupSteps'], 'the run', async (tx) => {
      const run = present(await tx.objectStore('runs').get(runId), runId);
      const step = run.checkpointStep ?? 0;
      const cut = await truncate(
        {
          metrics: tx.objectStore('metrics'),
          samples: tx.objectStore('samples'),
          groups: tx.objectStore('groupSteps'),
        },
        runId,
        step,
      );
      return this.#change(tx.objectStore('runs'), runId, { ...change, step }, cut.grown, cut.ofGroups);
    });
  }

  /**
   * Marks runs that a crash or a closed tab left in flight as paused, or failed where there is no checkpoint. Only for
   * the holder of the lock under which runs are live: anybody else would end another tab's run.
   * @returns how many there were
   */
  async settleInterrupted(reason: NonNullable<RunRecord['reason']>): Promise<number> {
    return this.#database.write(['runs'], 'the runs', async (tx) => {
      const runs = await tx.objectStore('runs').getAll();
      const inFlight = runs.filter(({ state }) => ['preparing', 'running', 'pausing'].includes(state));
      for (const run of inFlight) {
        const state = run.checkpointStep === null ? 'failed' : 'paused';
        await this.#change(tx.objectStore('runs'), run.id, { state, reason });
      }
      return inFlight.length;
    });
  }

  /** @returns bytes freed; 0 when there is none of that id */
  async delete(runId: string): Promise<number> {
    return this.#database.write(
      ['runs', 'metrics', 'samples', 'groupSteps', 'checkpoints'],
      'the run',
      async (tx) => {
        const run = await tx.objectStore('runs').get(runId);
        await Promise.all([
          tx.objectStore('runs').delete(runId),
          tx.objectStore('checkpoints').delete(runId),
          tx.objectStore('groupSteps').delete(allSteps(runId)),
          tx.objectStore('metrics').delete(allSteps(runId)),
          tx.objectStore('samples').delete(allSteps(runId)),
        ]);
        return run?.bytes ?? 0;
      },
    );
  }

  async #change(
    store: PartStore<string, RunRecord>,
    runId: string,
    change: Partial<RunRecord>,
    grown = 0,
    ofGroups = 0,
  ): Promise<RunRecord<Plan>> {
    const run = present(await store.get(runId), runId);
    const changed = { ...run, ...change, groupBytes: run.groupBytes + ofGroups };
    const said = ({ reason, notes }: RunRecord) => recordSize(reason) + recordSize(notes);
    const record = { ...changed, bytes: run.bytes + grown + said(changed) - said(run) };
    await store.put(record);
    return record as RunRecord<Plan>;
  }
}

function present<T>(run: T | undefined, runId: string): T {
  if (run) return run;
  throw new StorageError('storage/missing', 'This run is not stored here any more.', { id: runId });
}

/** Puts a part of a run with its size. @returns bytes by which the run has grown */
async function putSized<K, V extends { readonly bytes: number }>(
  store: PartStore<K, V>,
  key: K,
  value: Omit<V, 'bytes'>,
): Promise<number> {
  const before = (await store.get(key))?.bytes ?? 0;
  const bytes = recordSize(value);
  await store.put({ ...value, bytes } as V);
  return bytes - before;
}

/** Bytes by which a run has grown, and the part of them that is groups. */
interface Growth {
  readonly grown: number;
  readonly ofGroups: number;
}

/** Removes what was recorded of steps after `step`; the run grows by 0 or less. */
async function truncate(stores: Stepwise, runId: string, step: number): Promise<Growth> {
  const freed = async (store: StepwiseStore): Promise<number> => {
    const gone = await store.getAll(stepsAfter(runId, step));
    await store.delete(stepsAfter(runId, step));
    return gone.reduce((sum, { bytes }) => sum + bytes, 0);
  };
  const others = (await freed(stores.metrics)) + (await freed(stores.samples));
  const ofGroups = await freed(stores.groups);
  return { grown: -others - ofGroups, ofGroups: -ofGroups };
}

/** Removes groups of the oldest steps but `keep` until `over` bytes are free, or none is left. @returns bytes freed */
async function dropOldest(store: GroupStore, runId: string, keep: number, over: number): Promise<number> {
  let freed = 0;
  for (const key of await store.getAllKeys(allSteps(runId))) {
    if (freed >= over) break;
    if (key[1] === keep) continue;
    freed += (await store.get(key))?.bytes ?? 0;
    await store.delete(key);
  }
  return freed;
}
