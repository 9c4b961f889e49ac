// Stores datasets: a record each and rows by index, imported in batches because 10⁵ pictures fit no transaction. A
// dataset is listed only once its last transaction marked it complete; what an import left unfinished is removed
// unless another tab is still at it.

import { StorageError } from '../lib/errors';
import type { PlainColumns } from '../lib/plain_json';
import type { Database } from './database';
import { tryLock } from './locks';
import { ensureRoom } from './quota';
import { recordSize } from './record_size';
import type { DatasetRecord, RowRecord } from './records';

/** A row as callers see it. */
export interface StoredRow {
  /** The encoded file. */
  readonly image: Blob;
  readonly imageName: string;
  readonly question: string;
  readonly answer: string;
  /** What SFT imitates; null where there is none. */
  readonly response: string | null;
  /** What the system turn says before the question; null or absent where it says nothing. */
  readonly system?: string | null;
  /** What the row has besides; absent where it has nothing. */
  readonly columns?: PlainColumns;
}

/** Names a new dataset. */
export type NewDataset = Pick<DatasetRecord, 'id' | 'name' | 'createdAt' | 'origin'>;

/** One transaction of an import: at most so many rows and about so many bytes. */
const BATCH_ROWS = 256;
const BATCH_BYTES = 8 << 20;

const allRows = (id: string) => IDBKeyRange.bound([id, 0], [id, Number.POSITIVE_INFINITY]);

/** Datasets of this origin. Every call rejects with StorageError as {@link Database} says. */
export class DatasetStore {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** The datasets, after what unfinished imports left behind was removed. */
  static async open(database: Database): Promise<DatasetStore> {
    const store = new DatasetStore(database);
    const records = await database.read(['datasets'], 'the datasets', (tx) =>
      tx.objectStore('datasets').getAll(),
    );
    for (const { id, complete } of records) {
      const lock = complete ? null : await tryLock(store.#lockName(id));
      // Asked again under the lock: its import may have ended meanwhile.
      if (lock) await store.#discardUnfinished(id).finally(() => lock.release());
    }
    return store;
  }

  /** All complete datasets, newest first. */
  async list(): Promise<DatasetRecord[]> {
    const records = await this.#database.read(['datasets'], 'the datasets', (tx) =>
      tx.objectStore('datasets').getAll(),
    );
    return records.filter(({ complete }) => complete).sort((a, b) => b.createdAt - a.createdAt);
  }

  /**
   * Keeps a dataset, reading the rows as they are needed; it is listed when the last one is kept. When a row or a write
   * fails, or the signal aborts, nothing of it stays.
   * @param bytes about how much there is to keep, if known, to refuse early
   * @throws what `rows` throws, or the signal's reason
   */
  async create(
    dataset: NewDataset,
    rows: AsyncIterable<StoredRow> | Iterable<StoredRow>,
    options: { readonly signal?: AbortSignal | undefined; readonly bytes?: number | undefined } = {},
  ): Promise<DatasetRecord> {
    const what = `the dataset "${dataset.name}"`;
    await ensureRoom(options.bytes ?? 0, what);
    const lock = await tryLock(this.#lockName(dataset.id));
    if (!lock) throw new StorageError('storage/busy', `${what} is being imported already.`);
    try {
      const draft: DatasetRecord = { ...dataset, rows: 0, withResponse: 0, bytes: 0, complete: false };
      await this.#database.write(['datasets'], what, (tx) => tx.objectStore('datasets').add(draft));
      return await this.#fill({ ...draft, bytes: recordSize(draft) }, rows, what, options.signal);
    } catch (error) {
      // Should this fail too, the next opening does it.
      await this.#discardUnfinished(dataset.id).catch(() => undefined);
      throw error;
    } finally {
      lock.release();
    }
  }

  /** Appends a row. @throws StorageError `storage/missing` */
  async append(id: string, row: StoredRow): Promise<DatasetRecord> {
    const record = await toRecord(id, 0, row);
    await ensureRoom(recordSize(record), 'the row');
    return this.#database.write(['datasets', 'rows'], 'the row', async (tx) => {
      const dataset = await tx.objectStore('datasets').get(id);
      if (!dataset?.complete) throw missing(id);
      const grown = counting(dataset, record);
      await tx.objectStore('rows').add({ ...record, index: dataset.rows });
      await tx.objectStore('datasets').put(grown);
      return grown;
    });
  }

  /** A complete dataset's record. @throws StorageError `storage/missing` */
  async get(id: string): Promise<DatasetRecord> {
    const record = await this.#database.read(['datasets'], 'the dataset', (tx) =>
      tx.objectStore('datasets').get(id),
    );
    if (!record?.complete) throw missing(id);
    return record;
  }

  /** A row by its index from 0. @throws StorageError `storage/missing` */
  async readRow(id: string, index: number): Promise<StoredRow> {
    const row = await this.#database.read(['rows'], 'the row', (tx) =>
      tx.objectStore('rows').get([id, index]),
    );
    if (!row) throw missing(id, index);
    const { datasetId: _, index: __, image, mimeType, ...own } = row;
    return { ...own, image: new Blob([image], { type: mimeType }) };
  }

  /** @returns bytes freed; 0 when there is none of that id */
  async delete(id: string): Promise<number> {
    return this.#database.write(['datasets', 'rows'], 'the dataset', async (tx) => {
      const record = await tx.objectStore('datasets').get(id);
      await Promise.all([tx.objectStore('datasets').delete(id), tx.objectStore('rows').delete(allRows(id))]);
      return record?.bytes ?? 0;
    });
  }

  async #fill(
    draft: DatasetRecord,
    rows: AsyncIterable<StoredRow> | Iterable<StoredRow>,
    what: string,
    signal: AbortSignal | undefined,
  ): Promise<DatasetRecord> {
    let dataset = draft;
    let batch: RowRecord[] = [];
    let batchBytes = 0;
    const flush = async (): Promise<void> => {
      signal?.throwIfAborted();
      await ensureRoom(batchBytes, what);
      const full = batch;
      await this.#database.write(['rows'], what, async (tx) => {
        const store = tx.objectStore('rows');
        await Promise.all(full.map((row) => store.add(row)));
      });
      batch = [];
      batchBytes = 0;
    };
    for await (const row of rows) {
      signal?.throwIfAborted();
      const record = await toRecord(dataset.id, dataset.rows, row);
      dataset = counting(dataset, record);
      batch.push(record);
      batchBytes += recordSize(record);
      if (batch.length >= BATCH_ROWS || batchBytes >= BATCH_BYTES) await flush();
    }
    await flush();
    const complete = { ...dataset, complete: true };
    await this.#database.write(['datasets'], what, (tx) => tx.objectStore('datasets').put(complete));
    return complete;
  }

  async #discardUnfinished(id: string): Promise<void> {
    await this.#database.write(['datasets', 'rows'], 'an unfinished import', async (tx) => {
      const record = await tx.objectStore('datasets').get(id);
      if (!record || record.complete) return;
      await Promise.all([tx.objectStore('datasets').delete(id), tx.objectStore('rows').delete(allRows(id))]);
    });
  }

  #lockName(id: string): string {
    return `${this.#database.name}/dataset/${id}`;
  }
}

async function toRecord(datasetId: string, index: number, row: StoredRow): Promise<RowRecord> {
  const { image, imageName, question, answer, response, system = null, columns = {} } = row;
  const bytes = await image.arrayBuffer();
  return {
    ...{ datasetId, index, image: bytes, mimeType: image.type, imageName, question, answer, response },
    ...(system === null ? {} : { system }),
    ...(Object.keys(columns).length === 0 ? {} : { columns }),
  };
}

/** The record of a dataset that has got one row more. */
function counting(dataset: DatasetRecord, row: RowRecord): DatasetRecord {
  return {
    ...dataset,
    rows: dataset.rows + 1,
    withResponse: dataset.withResponse + (row.response === null ? 0 : 1),
    bytes: dataset.bytes + recordSize(row),
  };
}

function missing(id: string, index?: number): StorageError {
  const what = index === undefined ? 'This dataset' : `Row ${index + 1} of this dataset`;
  return new StorageError('storage/missing', `${what} is not stored here any more.`, { id, index });
}
