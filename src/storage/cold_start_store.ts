// Stores the cold start in the making: one record, and the texts of its stages by problem. A record's `revision` grows
// with every write, in the same transaction, so that a reader knows whether what it has read still holds.

import { StorageError } from '../lib/errors';
import type { Database } from './database';
import { ensureRoom } from './quota';
import { recordSize } from './record_size';
import type { ColdStartRecord, ColdStartTextsRecord } from './records';

/** A stage whose texts are kept. */
export type TextStage = ColdStartTextsRecord['stage'];

/** Texts for one problem. */
export type StageTexts = Pick<ColdStartTextsRecord, 'problemId' | 'opening' | 'texts'>;

/** The stage of looks that the model writes with an adapter, or that another model writes. */
export type WriterStage = Extract<TextStage, `${string}:${string}`>;

/** A cold start with all its texts. */
export interface StoredColdStart<Plan> {
  readonly record: ColdStartRecord<Plan>;
  readonly texts: Readonly<Record<Exclude<TextStage, WriterStage>, readonly StageTexts[]>>;
  /** Looks by the stage of their adapter or model. */
  readonly writers: ReadonlyMap<WriterStage, readonly StageTexts[]>;
}

/** What may change of a record from outside. */
export type ColdStartRecordChange<Plan> = Partial<Pick<ColdStartRecord<Plan>, 'plan' | 'savedAs'>>;

const WHAT = 'the cold start';
/** All texts of a cold start: an array sorts behind every text. */
const textsOf = (id: string) => IDBKeyRange.bound([id], [id, []]);

/** The cold start of this origin; plans are kept as they are. Every call rejects with StorageError as {@link Database} says. */
export class ColdStartStore<Plan = unknown> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The record; null while there is none. */
  async current(): Promise<ColdStartRecord<Plan> | null> {
    const records = await this.#database.read(['coldStarts'], WHAT, (tx) =>
      tx.objectStore('coldStarts').getAll(),
    );
    return (records[0] as ColdStartRecord<Plan> | undefined) ?? null;
  }

  /** The record with its texts, in one consistent view. @throws StorageError `storage/missing` */
  async read(id: string): Promise<StoredColdStart<Plan>> {
    return this.#database.read(['coldStarts', 'coldStartTexts'], WHAT, async (tx) => {
      const [record, rows] = await Promise.all([
        tx.objectStore('coldStarts').get(id),
        tx.objectStore('coldStartTexts').getAll(textsOf(id)),
      ]);
      const of = (stage: TextStage): StageTexts[] =>
        rows
          .filter((row) => row.stage === stage)
          .map(({ problemId, opening, texts }) => ({ problemId, opening, texts }));
      const stages = new Set(rows.map(({ stage }) => stage).filter((stage) => isWriterStage(stage)));
      return {
        record: present(record, id) as ColdStartRecord<Plan>,
        texts: { rollouts: of('rollouts'), self: of('self'), file: of('file'), hand: of('hand') },
        writers: new Map([...stages].map((stage) => [stage, of(stage)])),
      };
    });
  }

  /** Begins a cold start in place of the one before. */
  async begin(
    start: Pick<ColdStartRecord<Plan>, 'id' | 'plan' | 'modelId' | 'fingerprint' | 'createdAt'>,
  ): Promise<ColdStartRecord<Plan>> {
    const draft = { ...start, revision: 0, savedAs: null, bytes: 0 };
    const record = { ...draft, bytes: recordSize(draft) };
    await this.#database.write(['coldStarts', 'coldStartTexts'], WHAT, async (tx) => {
      await Promise.all([tx.objectStore('coldStarts').clear(), tx.objectStore('coldStartTexts').clear()]);
      await tx.objectStore('coldStarts').add(record);
    });
    return record;
  }

  /** @throws StorageError `storage/missing` */
  async update(id: string, change: ColdStartRecordChange<Plan>): Promise<ColdStartRecord<Plan>> {
    return this.#database.write(['coldStarts'], WHAT, async (tx) => {
      const store = tx.objectStore('coldStarts');
      const before = present(await store.get(id), id) as ColdStartRecord<Plan>;
      const next = { ...before, ...change, revision: before.revision + 1 };
      const bytes = before.bytes + recordSize(next) - recordSize(before);
      await store.put({ ...next, bytes });
      return { ...next, bytes };
    });
  }

  /** Keeps texts of a stage, in place of those before for the same problems. @throws StorageError `storage/missing` */
  async putTexts(id: string, stage: TextStage, rows: readonly StageTexts[]): Promise<void> {
    const records = rows.map(({ problemId, opening, texts }): ColdStartTextsRecord => {
      return { coldStartId: id, stage, problemId, opening, texts };
    });
    await ensureRoom(recordSize(records), WHAT);
    await this.#database.write(['coldStarts', 'coldStartTexts'], WHAT, async (tx) => {
      const [store, texts] = [tx.objectStore('coldStarts'), tx.objectStore('coldStartTexts')];
      const before = present(await store.get(id), id);
      let { bytes } = before;
      for (const record of records) {
        const old = await texts.get([id, stage, record.problemId]);
        bytes += recordSize(record) - (old === undefined ? 0 : recordSize(old));
        await texts.put(record);
      }
      await store.put({ ...before, bytes, revision: before.revision + 1 });
    });
  }

  /** @returns bytes freed; 0 when there is none */
  async delete(): Promise<number> {
    return this.#database.write(['coldStarts', 'coldStartTexts'], WHAT, async (tx) => {
      const store = tx.objectStore('coldStarts');
      const records = await store.getAll();
      await Promise.all([store.clear(), tx.objectStore('coldStartTexts').clear()]);
      return records.reduce((sum, { bytes }) => sum + bytes, 0);
    });
  }
}

const isWriterStage = (stage: TextStage): stage is WriterStage => stage.includes(':');

function present<T>(record: T | undefined, id: string): T {
  if (record === undefined)
    throw new StorageError('storage/missing', 'This cold start is not stored here any more.', { id });
  return record;
}
