// Reads and writes whole items of any kind: a record with its parts, in batches of bounded size. An item is written
// parts first, and its record in the last transaction: no reader ever sees half of one. Parts whose record never came,
// as after a crash, are found by that and removed.

import { StorageError } from '../lib/errors';
import type { Database, StoreName } from './database';
import { ITEM_KINDS, ITEM_TABLES, type ItemTable, type MadeKind, type PlainRecord } from './item_tables';
import { tryLock } from './locks';
import { ensureRoom } from './quota';
import { recordSize } from './record_size';

/** A part on its way into a store. */
export interface NewPart {
  readonly store: StoreName;
  readonly value: PlainRecord;
}

/** An item to write: its record, made when its parts were counted. */
export interface NewItem {
  readonly kind: MadeKind;
  readonly id: string;
  readonly parts: AsyncIterable<NewPart>;
  /** @param partBytes what the parts take, in all */
  record(partBytes: number): PlainRecord;
  /** For messages. */
  readonly what: string;
}

/** Any store, in a transaction; idb's own types tie it to one. */
interface AnyStore {
  get(key: IDBValidKey): Promise<PlainRecord | undefined>;
  getAll(query: IDBKeyRange | null, count?: number): Promise<PlainRecord[]>;
  getAllKeys(query?: IDBKeyRange | null, count?: number): Promise<IDBValidKey[]>;
  add(value: PlainRecord): Promise<unknown>;
  delete(query: IDBKeyRange): Promise<void>;
  count(): Promise<number>;
}

/** Bytes that one read or one write takes, roughly, and the most records. */
const BATCH_BYTES = 8 << 20;
const BATCH_RECORDS = 256;

const any = (tx: { objectStore(name: never): unknown }, store: StoreName): AnyStore =>
  tx.objectStore(store as never) as AnyStore;

/** Keys of an item's parts behind a key: of stores with one part an item, and of those with many. An array sorts last. */
function partsOf(id: string, after: IDBValidKey | null): readonly IDBKeyRange[] {
  const many = IDBKeyRange.bound(after ?? [id], [id, []], after !== null);
  return after === null ? [IDBKeyRange.only(id), many] : [many];
}

/** The key of a part: fields in the order of its store's path. */
function ownerOf(key: IDBValidKey): IDBValidKey {
  return Array.isArray(key) ? (key[0] as IDBValidKey) : key;
}

/** What a backup needs of the store. */
export type Items = Pick<ItemStore, 'ids' | 'record' | 'parts' | 'write' | 'exclusively'>;

/** All that a person made on this origin. Every call rejects with StorageError as {@link Database} says. */
export class ItemStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Ids of the whole items of a kind. */
  async ids(kind: MadeKind): Promise<string[]> {
    const { record: store } = ITEM_TABLES[kind];
    const records = await this.#database.read([store], 'what is stored', (tx) => any(tx, store).getAll(null));
    return records.flatMap(({ id, complete }) => (typeof id === 'string' && complete !== false ? [id] : []));
  }

  /** An item's record; null where there is none. */
  async record(kind: MadeKind, id: string): Promise<PlainRecord | null> {
    const { record: store } = ITEM_TABLES[kind];
    const found = await this.#database.read([store], 'what is stored', (tx) => any(tx, store).get(id));
    return found === undefined || found.complete === false ? null : found;
  }

  /** The parts of an item in one store, in the order of their keys. Each batch is one view, all of them together are not. */
  async *parts(store: StoreName, id: string): AsyncGenerator<PlainRecord> {
    let after: IDBValidKey | null = null;
    let count = 1;
    for (;;) {
      const [rows, last] = await this.#batch(store, partsOf(id, after), count);
      yield* rows;
      if (last === null || !Array.isArray(last)) return;
      after = last;
      const each = Math.max(...rows.map(recordSize), 1);
      count = Math.min(BATCH_RECORDS, 2 * count, Math.max(1, Math.floor(BATCH_BYTES / each)));
    }
  }

  /** The first records of the first range that has some, and the key of the last of them. */
  async #batch(
    store: StoreName,
    ranges: readonly IDBKeyRange[],
    count: number,
  ): Promise<readonly [PlainRecord[], IDBValidKey | null]> {
    return this.#database.read([store], 'what is stored', async (tx) => {
      for (const range of ranges) {
        const keys = await any(tx, store).getAllKeys(range, count);
        if (keys.length > 0) return [await any(tx, store).getAll(range, count), keys.at(-1) ?? null];
      }
      return [[], null];
    });
  }

  /**
   * Writes an item that is not there yet; when anything fails, or the signal aborts, nothing of it stays.
   * @throws what the parts throw, the signal's reason, or StorageError `storage/busy` where there may be only one
   */
  async write(item: NewItem, signal: AbortSignal): Promise<void> {
    const { kind, id, what } = item;
    const table = ITEM_TABLES[kind];
    try {
      const partBytes = await this.#writeParts(item, signal);
      signal.throwIfAborted();
      const record = item.record(partBytes);
      await this.#database.write([table.record], what, async (tx) => {
        const store = any(tx, table.record);
        if (table.single && (await store.count()) > 0)
          throw new StorageError('storage/busy', `There is room for one only, and ${what} is not it.`);
        await store.add(record);
      });
    } catch (error) {
      // Should this fail too, the next look for orphans does it.
      await this.#discard(table, [id]).catch(() => undefined);
      throw error;
    }
  }

  async #writeParts({ parts, what }: NewItem, signal: AbortSignal): Promise<number> {
    let [batch, bytes, all]: [NewPart[], number, number] = [[], 0, 0];
    const flush = async (): Promise<void> => {
      signal.throwIfAborted();
      const full = batch;
      [batch, bytes] = [[], 0];
      if (full.length === 0) return;
      await this.#database.write([...new Set(full.map(({ store }) => store))], what, async (tx) => {
        await Promise.all(full.map(({ store, value }) => any(tx, store).add(value)));
      });
    };
    for await (const part of parts) {
      const size = recordSize(part.value);
      await ensureRoom(size, what);
      batch.push(part);
      bytes += size;
      all += size;
      if (batch.length >= BATCH_RECORDS || bytes >= BATCH_BYTES) await flush();
    }
    await flush();
    return all;
  }

  async #discard({ record, parts }: ItemTable, ids: readonly string[]): Promise<void> {
    const stores = [record, ...parts.map(({ store }) => store)];
    await this.#database.write(stores, 'an unfinished item', async (tx) => {
      for (const id of ids) {
        if ((await any(tx, record).get(id)) !== undefined) continue;
        for (const { store } of parts)
          for (const range of partsOf(id, null)) await any(tx, store).delete(range);
      }
    });
  }

  /**
   * Removes parts that belong to no record. Only while nobody writes items: see {@link ItemStore.exclusively}.
   * @returns how many items they were of
   */
  async discardOrphans(): Promise<number> {
    let found = 0;
    for (const kind of ITEM_KINDS) {
      const table = ITEM_TABLES[kind];
      const owners = new Set<string>();
      for (const { store } of table.parts) for (const owner of await this.#owners(store)) owners.add(owner);
      const records = await this.#database.read([table.record], 'what is stored', (tx) =>
        any(tx, table.record).getAllKeys(),
      );
      const orphans = [...owners].filter((owner) => !records.includes(owner));
      if (orphans.length > 0) await this.#discard(table, orphans);
      found += orphans.length;
    }
    return found;
  }

  /** Ids that parts in a store belong to, without looking at every part. */
  async #owners(store: StoreName): Promise<string[]> {
    return this.#database.read([store], 'what is stored', async (tx) => {
      const owners: string[] = [];
      let range: IDBKeyRange | null = null;
      for (;;) {
        const [key] = await any(tx, store).getAllKeys(range, 1);
        if (key === undefined) return owners;
        const owner = ownerOf(key);
        if (typeof owner === 'string') owners.push(owner);
        range = Array.isArray(key)
          ? IDBKeyRange.lowerBound([owner, []], true)
          : IDBKeyRange.lowerBound(key, true);
      }
    });
  }

  /** Runs `body` while no other tab writes items; null when one does. What a crash left is removed first. */
  async exclusively<T>(body: () => Promise<T>): Promise<T | null> {
    const lock = await tryLock(`${this.#database.name}/restore`);
    if (lock === null) return null;
    try {
      await this.discardOrphans();
      return await body();
    } finally {
      lock.release();
    }
  }
}
