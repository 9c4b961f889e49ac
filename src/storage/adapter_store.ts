// Stores adapters: a record each, with the weights aside so that a list never loads them. A record and its weights
// come and go in one transaction.

import { StorageError } from '../lib/errors';
import type { Database } from './database';
import { ensureRoom } from './quota';
import { ownBytes, recordSize } from './record_size';
import type { AdapterRecord } from './records';

/** An adapter to keep; its size is counted here. */
export type NewAdapter = Omit<AdapterRecord, 'bytes' | 'bundled'>;

/** An adapter with the bytes of its safetensors file. */
export interface StoredAdapter {
  readonly record: AdapterRecord;
  readonly weights: Uint8Array<ArrayBuffer>;
}

/** Adapters of this origin. Every call rejects with StorageError as {@link Database} says. */
export class AdapterStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All adapters without weights, newest first. */
  async list(): Promise<AdapterRecord[]> {
    const records = await this.#database.read(['adapters'], 'the adapters', (tx) =>
      tx.objectStore('adapters').getAll(),
    );
    return records.sort((a, b) => b.createdAt - a.createdAt);
  }

  /** @throws StorageError `storage/missing` when there is none of that id */
  async get(id: string): Promise<StoredAdapter> {
    const [record, file] = await this.#database.read(['adapters', 'adapterWeights'], 'the adapter', (tx) =>
      Promise.all([tx.objectStore('adapters').get(id), tx.objectStore('adapterWeights').get(id)]),
    );
    if (!record || !file) throw missing(id);
    return { record, weights: file.weights };
  }

  /**
   * Keeps an adapter whole; one of the same id is replaced.
   * @param weights a safetensors file
   */
  async put(adapter: NewAdapter, weights: Uint8Array<ArrayBuffer>): Promise<AdapterRecord> {
    const draft: AdapterRecord = { ...adapter, bundled: false, bytes: 0 };
    const record = { ...draft, bytes: recordSize(draft) + weights.byteLength };
    const what = `the adapter "${adapter.name}"`;
    await ensureRoom(record.bytes, what);
    const file = { id: adapter.id, weights: ownBytes(weights) };
    await this.#database.write(['adapters', 'adapterWeights'], what, (tx) =>
      Promise.all([tx.objectStore('adapters').put(record), tx.objectStore('adapterWeights').put(file)]),
    );
    return record;
  }

  /** @throws StorageError `storage/missing` */
  async rename(
    id: string,
    change: { readonly name: string; readonly notes: string },
  ): Promise<AdapterRecord> {
    return this.#database.write(['adapters'], `the adapter "${change.name}"`, async (tx) => {
      const store = tx.objectStore('adapters');
      const record = await store.get(id);
      if (!record) throw missing(id);
      const { name, notes } = change;
      const grown = name.length + notes.length - record.name.length - record.notes.length;
      const renamed = { ...record, name, notes, bytes: record.bytes + grown };
      await store.put(renamed);
      return renamed;
    });
  }

  /** @returns bytes freed; 0 when there is none of that id */
  async delete(id: string): Promise<number> {
    return this.#database.write(['adapters', 'adapterWeights'], 'the adapter', async (tx) => {
      const record = await tx.objectStore('adapters').get(id);
      await Promise.all([tx.objectStore('adapters').delete(id), tx.objectStore('adapterWeights').delete(id)]);
      return record?.bytes ?? 0;
    });
  }
}

function missing(id: string): StorageError {
  return new StorageError('storage/missing', 'This adapter is not stored here any more.', { id });
}
