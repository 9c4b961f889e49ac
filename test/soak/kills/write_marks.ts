// Tells the one who kills of every write boundary of this Worker's IndexedDB, and waits for the answer, which may
// never come. Requests and events go through unchanged and in their order; nothing is told later than it happened.

import type { Mark, MarkedWrite } from '../../harness/kill_messages';
import { factsOf, hashOf, markedKey } from './record_hash';

interface Watched {
  readonly tx: number;
  readonly stores: readonly string[];
  requests: number;
}

const watched = new WeakMap<IDBTransaction, Watched>();
let transactions = 0;

/** Blocks this Worker until the answer: at a boundary where it is to die, there is none. */
function tell(mark: Mark): void {
  const request = new XMLHttpRequest();
  request.open('POST', new URL('/mark', self.location.origin), false);
  request.send(JSON.stringify(mark));
}

function watch(transaction: IDBTransaction): void {
  const { tx, stores } = { tx: transactions++, stores: [...transaction.objectStoreNames].sort() };
  const state: Watched = { tx, stores, requests: 0 };
  watched.set(transaction, state);
  // Before the engine's own listeners: it is on disk, and the engine does not know yet.
  const end = (at: 'committed' | 'aborted') => () => tell({ tx, stores, at, nth: state.requests });
  transaction.addEventListener('complete', end('committed'));
  transaction.addEventListener('abort', end('aborted'));
  tell({ tx, stores, at: 'begun', nth: 0 });
}

function tellRequest(store: IDBObjectStore, request: IDBRequest, write: MarkedWrite): void {
  const state = watched.get(store.transaction);
  // Of a change of the schema.
  if (state === undefined) return;
  const { tx, stores } = state;
  const nth = ++state.requests;
  request.addEventListener('success', () => tell({ tx, stores, at: 'done', nth, write }));
  tell({ tx, stores, at: 'asked', nth, write });
}

/** The record's own key, by its store's key path. */
function keyIn(store: IDBObjectStore, value: Record<string, unknown>): IDBValidKey {
  const path = store.keyPath;
  if (path === null) throw new Error(`${store.name} has no key path: teach the soak its keys`);
  return typeof path === 'string' ? (value[path] as string) : path.map((name) => value[name] as string);
}

const database = IDBDatabase.prototype;
const begin = database.transaction;
database.transaction = function (this: IDBDatabase, ...args: Parameters<typeof begin>) {
  const transaction = begin.apply(this, args);
  if (transaction.mode === 'readwrite') watch(transaction);
  return transaction;
};

const objectStore = IDBObjectStore.prototype;
for (const op of ['put', 'add'] as const) {
  const original = objectStore[op];
  objectStore[op] = function (this: IDBObjectStore, ...args: Parameters<typeof original>) {
    const request = original.apply(this, args);
    const value = args[0] as Record<string, unknown>;
    const key = markedKey(keyIn(this, value));
    tellRequest(this, request, { op, store: this.name, key, hash: hashOf(value), facts: factsOf(value) });
    return request;
  };
}
const remove = objectStore.delete;
objectStore.delete = function (this: IDBObjectStore, query: IDBValidKey | IDBKeyRange) {
  const request = remove.call(this, query);
  const { lower, upper, lowerOpen, upperOpen } =
    query instanceof IDBKeyRange ? query : IDBKeyRange.only(query);
  const range = { lower: markedKey(lower), upper: markedKey(upper), lowerOpen, upperOpen };
  tellRequest(this, request, { op: 'delete', store: this.name, range });
  return request;
};
objectStore.clear = IDBCursor.prototype.update = (): never => {
  throw new Error('The engine writes in a way that the soak does not mark: teach it.');
};
