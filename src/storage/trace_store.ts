// Stores saved looks: a record of each trace, with its file aside so that a list never loads it. Both come and go in one
// transaction. A file is kept as it was handed over, and is read as untrusted whenever it is opened.

import { StorageError } from '../lib/errors';
import type { Database } from './database';
import { ensureRoom } from './quota';
import { recordSize } from './record_size';
import type { TraceRecord } from './records';

/** A trace to keep; its size is counted here. */
export type NewTrace = Omit<TraceRecord, 'bytes'>;

const STORES: ['traces', 'traceFiles'] = ['traces', 'traceFiles'];
const JSON_TYPE = { type: 'application/json' };

/** Saved looks of this origin. Every call rejects with StorageError as {@link Database} says. */
export class TraceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All traces without their files, newest first. */
  async list(): Promise<TraceRecord[]> {
    const records = await this.#database.read(['traces'], 'the saved looks', (tx) =>
      tx.objectStore('traces').getAll(),
    );
    return records.sort((a, b) => b.createdAt - a.createdAt);
  }

  /** Keeps a trace whole. */
  async put(trace: NewTrace, file: Blob): Promise<TraceRecord> {
    const kept = { id: trace.id, file: await file.arrayBuffer() };
    const record = { ...trace, bytes: recordSize({ ...trace, bytes: 0 }) + recordSize(kept) };
    const what = `the look "${trace.name}"`;
    await ensureRoom(record.bytes, what);
    await this.#database.write(STORES, what, (tx) =>
      Promise.all([tx.objectStore('traces').add(record), tx.objectStore('traceFiles').add(kept)]),
    );
    return record;
  }

  /** The file of a trace. @throws StorageError `storage/missing` */
  async read(id: string): Promise<Blob> {
    const found = await this.#database.read(['traceFiles'], 'the look', (tx) =>
      tx.objectStore('traceFiles').get(id),
    );
    if (found === undefined) throw missing(id);
    return new Blob([found.file], JSON_TYPE);
  }

  /** Changes the name, or when it was last opened. @throws StorageError `storage/missing` */
  async update(id: string, change: Partial<Pick<TraceRecord, 'name' | 'usedAt'>>): Promise<TraceRecord> {
    return this.#database.write(['traces'], 'the look', async (tx) => {
      const store = tx.objectStore('traces');
      const before = await store.get(id);
      if (before === undefined) throw missing(id);
      const next = { ...before, ...change };
      const changed = { ...next, bytes: before.bytes + recordSize(next) - recordSize(before) };
      await store.put(changed);
      return changed;
    });
  }

  /** @returns bytes freed; 0 when there is none of that id */
  async delete(id: string): Promise<number> {
    return this.#database.write(STORES, 'the look', async (tx) => {
      const record = await tx.objectStore('traces').get(id);
      await Promise.all([tx.objectStore('traces').delete(id), tx.objectStore('traceFiles').delete(id)]);
      return record?.bytes ?? 0;
    });
  }
}

function missing(id: string): StorageError {
  return new StorageError('storage/missing', 'This look is not stored here any more.', { id });
}
