// Opens IndexedDB: schema, migrations, and transactions that are durable or never were. A migration, once shipped, is
// never edited, only followed by another; a logical write is one transaction, so that nothing half-written is ever
// visible. Every event of a connection is handled, after the style of idb's own entry point.

import {
  type IDBPDatabase,
  type IDBPObjectStore,
  type IDBPTransaction,
  openDB,
  type StoreNames,
  unwrap,
} from 'idb';
import { StorageError } from '../lib/errors';
import { storageFailure } from './quota';
import { recordSize } from './record_size';
import type { LibrarySchema } from './records';

/** A transaction in which a database changes its version; untyped, since older schemas have no types any more. */
export type UpgradeTransaction = IDBPTransaction<unknown, string[], 'versionchange'>;

/** One step from version n to n + 1. Awaits nothing but requests of its transaction. */
export type Migration = (db: IDBPDatabase<unknown>, tx: UpgradeTransaction) => Promise<void>;

/** Rewrites every record of a store in the transaction that changes the version. */
async function rewrite<N extends string>(
  store: IDBPObjectStore<unknown, string[], N, 'versionchange'>,
  change: (value: Record<string, unknown>) => Promise<Record<string, unknown>>,
): Promise<void> {
  for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue())
    await cursor.update(await change(cursor.value));
}

/** A plan of version 8 as version 9 has it. GRPO did not evaluate then, whatever its plan says of SFT. */
function withEvaluation(plan: unknown): unknown {
  if (typeof plan !== 'object' || plan === null) return plan;
  const { sft, ...rest } = plan as Record<string, unknown>;
  const { evalSteps, evalSize, evalSamples, ...others } = (sft ?? {}) as Record<string, unknown>;
  const own =
    rest.method === 'sft'
      ? { evalSteps: evalSteps ?? 0, evalSize: evalSize ?? 0, evalSamples: evalSamples ?? 0 }
      : { evalSteps: 0 };
  return { ...rest, sft: others, evalDatasetId: null, ...own };
}

/** The way from an empty database to the present schema; the version is the number of steps. */
export const MIGRATIONS: readonly Migration[] = [
  // 1: adapters, runs and datasets, each with its big parts aside.
  async (db) => {
    db.createObjectStore('adapters', { keyPath: 'id' });
    db.createObjectStore('adapterWeights', { keyPath: 'id' });
    db.createObjectStore('runs', { keyPath: 'id' });
    db.createObjectStore('checkpoints', { keyPath: 'runId' });
    db.createObjectStore('metrics', { keyPath: ['runId', 'step'] });
    db.createObjectStore('datasets', { keyPath: 'id' });
    db.createObjectStore('rows', { keyPath: ['datasetId', 'index'] });
  },
  // 2: sample answers and groups of a run; adapters say how big they are.
  async (db, tx) => {
    db.createObjectStore('samples', { keyPath: ['runId', 'step'] });
    db.createObjectStore('groups', { keyPath: 'runId' });
    const weights = tx.objectStore('adapterWeights');
    await rewrite(tx.objectStore('adapters'), async (adapter) => {
      const file = await weights.get(adapter.id as string);
      return { ...adapter, bytes: recordSize(adapter) + recordSize(file?.weights) };
    });
  },
  // 3: adapters and checkpoints say over weights of which precision they were trained; of earlier ones it is not known.
  async (_db, tx) => {
    await rewrite(tx.objectStore('adapters'), async (adapter) => ({ ...adapter, precision: null }));
    await rewrite(tx.objectStore('checkpoints'), async (checkpoint) => {
      const { extra } = checkpoint;
      const base = typeof extra === 'object' && extra !== null ? { ...extra, precision: null } : extra;
      return { ...checkpoint, extra: base };
    });
  },
  // 4: the cold start in the making, with its texts aside.
  async (db) => {
    db.createObjectStore('coldStarts', { keyPath: 'id' });
    db.createObjectStore('coldStartTexts', { keyPath: ['coldStartId', 'stage', 'problemId'] });
  },
  // 5: evaluations, with their outcomes aside.
  async (db) => {
    db.createObjectStore('evaluations', { keyPath: 'id' });
    db.createObjectStore('evaluationOutcomes', { keyPath: ['evaluationId', 'side', 'index'] });
  },
  // 6: the groups of every step of a run, not of the last alone; a run says what they take.
  async (db, tx) => {
    const steps = db.createObjectStore('groupSteps', { keyPath: ['runId', 'step'] });
    const taken = new Map<unknown, unknown>();
    for (const record of await tx.objectStore('groups').getAll()) {
      taken.set(record.runId, record.bytes);
      await steps.add(record);
    }
    db.deleteObjectStore('groups');
    await rewrite(tx.objectStore('runs'), async (run) => ({ ...run, groupBytes: taken.get(run.id) ?? 0 }));
  },
  // 7: runs have notes.
  async (_db, tx) => {
    await rewrite(tx.objectStore('runs'), async (run) => ({ ...run, notes: '' }));
  },
  // 8: saved looks, with their files aside.
  async (db) => {
    db.createObjectStore('traces', { keyPath: 'id' });
    db.createObjectStore('traceFiles', { keyPath: 'id' });
  },
  // 9: how a run is evaluated stands beside its other settings, not among those of SFT; it may be on another dataset.
  async (_db, tx) => {
    await rewrite(tx.objectStore('runs'), async (run) => ({ ...run, plan: withEvaluation(run.plan) }));
  },
  // 10: the adapter of the best evaluation is kept beside the last.
  async (_db, tx) => {
    await rewrite(tx.objectStore('runs'), async (run) => ({ ...run, best: null }));
    await rewrite(tx.objectStore('checkpoints'), async (checkpoint) => ({ ...checkpoint, best: null }));
  },
];

/** A store's name. */
export type StoreName = StoreNames<LibrarySchema>;

/** A transaction over some stores. */
export type Transaction<N extends StoreName, M extends IDBTransactionMode> = IDBPTransaction<
  LibrarySchema,
  N[],
  M
>;

/** Options that tests set. */
export interface DatabaseOptions {
  /** Another history of the schema. */
  readonly migrations?: readonly Migration[];
  /** How long to wait for tabs that hold an older version open. */
  readonly blockedMs?: number;
}

/**
 * All that the page keeps. The connection is opened when first needed, and again after the browser or an upgrade in
 * another tab closed it.
 */
export class Database {
  readonly name: string;
  readonly #migrations: readonly Migration[];
  readonly #blockedMs: number;
  #connection: Promise<IDBPDatabase<LibrarySchema>> | null = null;
  #closed = false;

  constructor(name: string, options: DatabaseOptions) {
    this.name = name;
    this.#migrations = options.migrations ?? MIGRATIONS;
    this.#blockedMs = options.blockedMs ?? 10_000;
  }

  /** Reads in one consistent view. `body` awaits nothing but requests of the transaction. */
  async read<N extends StoreName, T>(
    stores: N[],
    what: string,
    body: (tx: Transaction<N, 'readonly'>) => Promise<T>,
  ): Promise<T> {
    return this.#run(stores, 'readonly', what, body);
  }

  /**
   * Writes all or nothing, on disk before it resolves. `body` awaits nothing but requests of the transaction; when it
   * throws, nothing is written. It may be run a second time if the browser aborted the first.
   * @param what what is written, for messages
   * @throws StorageError, `storage/full` when there is no room
   */
  async write<N extends StoreName, T>(
    stores: N[],
    what: string,
    body: (tx: Transaction<N, 'readwrite'>) => Promise<T>,
  ): Promise<T> {
    return this.#run(stores, 'readwrite', what, body);
  }

  /** Opens the connection, bringing the schema up to date. Every other call does it by itself. */
  async open(): Promise<void> {
    await this.#connect();
  }

  /** Closes for good, once running transactions are done. */
  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = null;
    await connection?.then((db) => db.close()).catch(() => undefined);
  }

  async #run<N extends StoreName, M extends IDBTransactionMode, T>(
    stores: N[],
    mode: M,
    what: string,
    body: (tx: Transaction<N, M>) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const tx = await this.#begin(stores, mode, what);
      const outcome = await settle(tx, body);
      if ('result' in outcome) return outcome.result;
      // The browser took the connection away, as when site data are cleared. What was aborted never was: once more.
      if (!outcome.taken || attempt > 0) throw storageFailure(outcome.error, what);
      tx.db.close();
      this.#connection = null;
    }
  }

  async #begin<N extends StoreName, M extends IDBTransactionMode>(
    stores: N[],
    mode: M,
    what: string,
  ): Promise<Transaction<N, M>> {
    for (let attempt = 0; ; attempt++) {
      const db = await this.#connect();
      try {
        return db.transaction(stores, mode, { durability: 'strict' });
      } catch (error) {
        // Closed between opening and now, by the browser or for an upgrade in another tab.
        const retry = attempt === 0 && error instanceof DOMException && error.name === 'InvalidStateError';
        if (!retry) throw storageFailure(error, what);
        this.#connection = null;
      }
    }
  }

  #connect(): Promise<IDBPDatabase<LibrarySchema>> {
    if (this.#closed)
      return Promise.reject(new StorageError('storage/closed', 'The storage was closed with its engine.'));
    if (this.#connection) return this.#connection;
    const forget = (): void => {
      if (this.#connection === opening) this.#connection = null;
    };
    const opening = connect(this.name, this.#migrations, this.#blockedMs, forget);
    this.#connection = opening;
    opening.catch(forget);
    return opening;
  }
}

type Outcome<T> = { readonly result: T } | { readonly error: unknown; readonly taken: boolean };

/** Runs a transaction to its end: committed, or aborted and then by whom. */
async function settle<N extends StoreName, M extends IDBTransactionMode, T>(
  tx: Transaction<N, M>,
  body: (tx: Transaction<N, M>) => Promise<T>,
): Promise<Outcome<T>> {
  // Watched from the start: a rejection nobody listens to would be reported as unhandled.
  const done = tx.done.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  // Chromium says UnknownError when it closes a connection by force.
  const aborted = (error: unknown) =>
    error instanceof DOMException && ['AbortError', 'UnknownError'].includes(error.name);
  try {
    const result = await body(tx);
    const failure = await done;
    return failure ? { error: failure.error, taken: aborted(failure.error) } : { result };
  } catch (error) {
    const ours = abort(tx);
    await done;
    // A request of an aborted transaction says only that it was aborted; the transaction knows why.
    const cause = unwrap(tx).error ?? error;
    return { error: cause, taken: !ours && aborted(cause) };
  }
}

/**
 * Opens what the page keeps, bringing the schema up to date.
 * @throws StorageError `storage/newer` when a newer page wrote it, `storage/blocked` when another tab does not let go of
 *   an older version, `storage/unavailable` where nothing may be stored
 */
export async function openDatabase(name = 'look-back', options: DatabaseOptions = {}): Promise<Database> {
  const database = new Database(name, options);
  await database.open();
  return database;
}

async function connect(
  name: string,
  migrations: readonly Migration[],
  blockedMs: number,
  onClosed: () => void,
): Promise<IDBPDatabase<LibrarySchema>> {
  if (typeof indexedDB === 'undefined')
    throw new StorageError('storage/unavailable', 'This browser has no IndexedDB, where things are kept.');
  for (let attempt = 0; ; attempt++) {
    try {
      return await openOnce(name, migrations, blockedMs, onClosed);
    } catch (error) {
      // While site data are being cleared, openings are aborted too.
      const again = attempt < 3 && error instanceof DOMException && error.name === 'AbortError';
      if (!again) throw storageFailure(error, 'what is stored');
    }
  }
}

/** One opening. Rejects with what a migration threw, `storage/blocked`, or the browser's own error. */
async function openOnce(
  name: string,
  migrations: readonly Migration[],
  blockedMs: number,
  onClosed: () => void,
): Promise<IDBPDatabase<LibrarySchema>> {
  let refused: unknown = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let giveUp: (reason: StorageError) => void = () => undefined;
  const blocked = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const opening = openDB<LibrarySchema>(name, migrations.length, {
    upgrade: (db, from, _to, tx) => {
      const untyped = tx as unknown as UpgradeTransaction;
      untyped.done.catch(() => undefined);
      migrate(migrations.slice(from), db as unknown as IDBPDatabase<unknown>, untyped).catch((error) => {
        // idb does not wait for this callback: without the abort, half a migration would be committed.
        if (abort(untyped)) refused = error;
      });
    },
    blocked: () => {
      timer = setTimeout(() => giveUp(blockedError()), blockedMs);
    },
    blocking: (_from, _to, event) => {
      // Another tab wants a newer schema, or to delete it all. What is running here ends first.
      (event.target as IDBDatabase).close();
      onClosed();
    },
    terminated: onClosed,
  });
  // If it opens after we gave up, nobody would close it, and it would block others.
  blocked.catch(() => opening.then((db) => db.close()).catch(() => undefined));
  try {
    return await Promise.race([opening, blocked]);
  } catch (error) {
    throw refused ?? error;
  } finally {
    clearTimeout(timer);
  }
}

async function migrate(
  steps: readonly Migration[],
  db: IDBPDatabase<unknown>,
  tx: UpgradeTransaction,
): Promise<void> {
  for (const step of steps) await step(db, tx);
}

/** Aborts a transaction. @returns false when it had ended already: the browser aborted it, as for want of room */
function abort(tx: { abort(): void }): boolean {
  try {
    tx.abort();
    return true;
  } catch {
    return false;
  }
}

function blockedError(): StorageError {
  return new StorageError(
    'storage/blocked',
    'Another tab of this page holds an older version of the storage open. Close the other tabs and try again.',
  );
}
