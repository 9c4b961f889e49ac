// Stores evaluations: a record each, and the outcomes of their sides by question. A wave's outcomes and the record's counts
// are written in one transaction, so that what a record says is done is there.

import { StorageError } from '../lib/errors';
import type { Database } from './database';
import { ensureRoom } from './quota';
import { recordSize } from './record_size';
import type { EvaluationOutcomeRecord, EvaluationRecord } from './records';

/** Outcomes of one side. */
export type StoredOutcome<Outcome> = Pick<EvaluationOutcomeRecord<Outcome>, 'index' | 'outcome'>;

/** An evaluation with its outcomes, side by side, in the order of the questions. */
export interface StoredEvaluation<Plan, Outcome> {
  readonly record: EvaluationRecord<Plan>;
  readonly sides: readonly (readonly StoredOutcome<Outcome>[])[];
}

const WHAT = 'the evaluation';
/** All outcomes of an evaluation: an array sorts behind every number. */
const outcomesOf = (id: string) => IDBKeyRange.bound([id], [id, []]);

/** The evaluations of this origin; plans and outcomes are kept as they are. Every call rejects with StorageError as {@link Database} says. */
export class EvaluationStore<Plan = unknown, Outcome = unknown> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All records, the newest first. */
  async list(): Promise<readonly EvaluationRecord<Plan>[]> {
    const records = await this.#database.read(['evaluations'], WHAT, (tx) =>
      tx.objectStore('evaluations').getAll(),
    );
    return (records as EvaluationRecord<Plan>[]).sort((a, b) => b.createdAt - a.createdAt);
  }

  /** @throws StorageError `storage/missing` */
  async read(id: string): Promise<StoredEvaluation<Plan, Outcome>> {
    return this.#database.read(['evaluations', 'evaluationOutcomes'], WHAT, async (tx) => {
      const [found, rows] = await Promise.all([
        tx.objectStore('evaluations').get(id),
        tx.objectStore('evaluationOutcomes').getAll(outcomesOf(id)),
      ]);
      const record = present(found, id) as EvaluationRecord<Plan>;
      const sides = record.done.map((_, side) =>
        rows
          .filter((row) => row.side === side)
          .map(
            ({ index, outcome }): StoredOutcome<Outcome> => ({ index, outcome: outcome as Outcome | null }),
          ),
      );
      return { record, sides };
    });
  }

  /** @param sides how many there are */
  async begin(
    start: Pick<EvaluationRecord<Plan>, 'id' | 'plan' | 'modelId' | 'fingerprint' | 'device' | 'createdAt'>,
    sides: number,
  ): Promise<EvaluationRecord<Plan>> {
    const none = Array<number>(sides).fill(0);
    const draft = { ...start, done: none, seconds: none, revision: 0, bytes: 0 };
    const record = { ...draft, bytes: recordSize(draft) };
    await ensureRoom(record.bytes, WHAT);
    await this.#database.write(['evaluations'], WHAT, (tx) => tx.objectStore('evaluations').add(record));
    return record;
  }

  /** Keeps outcomes of questions that this side had none of. @throws StorageError `storage/missing` */
  async append(
    id: string,
    side: number,
    rows: readonly StoredOutcome<Outcome>[],
    seconds: number,
  ): Promise<EvaluationRecord<Plan>> {
    const records = rows.map((row): EvaluationOutcomeRecord => ({ evaluationId: id, side, ...row }));
    const bytes = recordSize(records);
    await ensureRoom(bytes, WHAT);
    return this.#database.write(['evaluations', 'evaluationOutcomes'], WHAT, async (tx) => {
      const [store, outcomes] = [tx.objectStore('evaluations'), tx.objectStore('evaluationOutcomes')];
      const before = present(await store.get(id), id) as EvaluationRecord<Plan>;
      for (const record of records) await outcomes.add(record);
      const added = (values: readonly number[], by: number): number[] =>
        values.map((value, at) => (at === side ? value + by : value));
      const next = {
        ...before,
        done: added(before.done, rows.length),
        seconds: added(before.seconds, seconds),
        revision: before.revision + 1,
        bytes: before.bytes + bytes,
      };
      await store.put(next);
      return next;
    });
  }

  /** @returns bytes freed; 0 when there is none */
  async delete(id: string): Promise<number> {
    return this.#database.write(['evaluations', 'evaluationOutcomes'], WHAT, async (tx) => {
      const store = tx.objectStore('evaluations');
      const record = await store.get(id);
      await Promise.all([store.delete(id), tx.objectStore('evaluationOutcomes').delete(outcomesOf(id))]);
      return record?.bytes ?? 0;
    });
  }
}

function present<T>(record: T | undefined, id: string): T {
  if (record === undefined)
    throw new StorageError('storage/missing', 'This evaluation is not stored here any more.', { id });
  return record;
}
