// Keeps account of what must be on disk: follows the marks of writes, and after a kill compares what is found. A
// committed transaction must be there whole; one that was under way whole or not at all.

import type { FoundRecord, Mark, MarkedKey, MarkedRange, MarkedWrite, RecordFacts } from './kill_messages';

/** A record that must be there. */
export interface LedgerRecord {
  readonly store: string;
  readonly key: MarkedKey;
  readonly hash: string;
  readonly facts: RecordFacts;
}

interface UnderWay {
  readonly writes: MarkedWrite[];
  /** Requests whose event is not over. */
  open: number;
}

type Records = Map<string, LedgerRecord>;

const idOf = (store: string, key: MarkedKey): string => `${store} ${JSON.stringify(key)}`;

/** Order of keys in IndexedDB, of the kinds that are used: numbers before texts before lists. */
function compareKeys(a: MarkedKey, b: MarkedKey): number {
  if (typeof a === 'object' && typeof b === 'object') {
    for (let at = 0; at < Math.min(a.length, b.length); at++) {
      const order = compareKeys(a[at]!, b[at]!);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  const rank = (key: MarkedKey) =>
    typeof key === 'object' ? 2 : key === '∞' || typeof key === 'number' ? 0 : 1;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const number = (key: MarkedKey) => (key === '∞' ? Number.POSITIVE_INFINITY : key);
  const [left, right] = [number(a), number(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

function inRange(key: MarkedKey, { lower, upper, lowerOpen, upperOpen }: MarkedRange): boolean {
  const low = compareKeys(key, lower);
  const high = compareKeys(key, upper);
  return (lowerOpen ? low > 0 : low >= 0) && (upperOpen ? high < 0 : high <= 0);
}

function apply(records: Records, writes: readonly MarkedWrite[]): void {
  for (const { op, store, key, range, hash, facts } of writes) {
    if (op === 'delete') {
      for (const [id, record] of records) {
        if (record.store === store && inRange(record.key, range!)) records.delete(id);
      }
    } else records.set(idOf(store, key!), { store, key: key!, hash: hash!, facts: facts! });
  }
}

/** Differences between what is found and what is expected, in words. */
function differences(found: Records, expected: Records): string[] {
  const lines: string[] = [];
  for (const [id, { hash }] of expected) {
    const there = found.get(id);
    if (there === undefined) lines.push(`lost: ${id}`);
    else if (there.hash !== hash) lines.push(`changed: ${id}`);
  }
  for (const id of found.keys()) if (!expected.has(id)) lines.push(`unexpected: ${id}`);
  return lines;
}

/** See the head of the file. */
export class KillLedger {
  #committed: Records = new Map();
  /** Transactions under way, by their number. */
  #underWay = new Map<number, UnderWay>();

  /**
   * Takes note of a mark.
   * @param answered false when the Worker is killed while it waits there. The browser is asked to commit only after the
   *   last request's event is over, so a transaction that waits in one, or for one, cannot have been committed.
   */
  mark({ tx, at, write }: Mark, answered: boolean): void {
    if (at === 'begun') this.#underWay.set(tx, { writes: [], open: 0 });
    const state = this.#underWay.get(tx);
    if (state === undefined) return;
    if (at === 'asked') {
      state.writes.push(write!);
      state.open++;
    } else if (at === 'done' && answered) state.open--;
    else if (at === 'committed') apply(this.#committed, state.writes);
    if (at === 'committed' || at === 'aborted') this.#underWay.delete(tx);
  }

  /** The committed record of a key; undefined if there is none. */
  get(store: string, key: MarkedKey): LedgerRecord | undefined {
    return this.#committed.get(idOf(store, key));
  }

  /** All committed records of a store. */
  all(store: string): LedgerRecord[] {
    return [...this.#committed.values()].filter((record) => record.store === store);
  }

  /**
   * Compares what lies on disk after a kill, and goes on from there.
   * @returns what is wrong, in words; how many transactions were cut short, and how many of these are there whole
   */
  settle(found: readonly FoundRecord[]): { violations: string[]; cut: number; kept: number } {
    const cut = [...this.#underWay.values()].filter(({ writes }) => writes.length > 0);
    const open = cut.filter((state) => state.open === 0);
    const there: Records = new Map(
      found.map(({ store, key, hash, facts }) => [idOf(store, key), { store, key, hash, facts }]),
    );
    let best: { lines: string[]; kept: number } | undefined;
    for (let choice = 0; choice < 2 ** open.length; choice++) {
      const expected: Records = new Map(this.#committed);
      const chosen = open.filter((_, at) => (choice >> at) & 1);
      for (const { writes } of chosen) apply(expected, writes);
      const lines = differences(there, expected);
      if (best === undefined || lines.length < best.lines.length) best = { lines, kept: chosen.length };
    }
    const broken = found.flatMap(({ store, key, broken: why }) =>
      why === undefined ? [] : [`unreadable: ${idOf(store, key)}: ${why}`],
    );
    this.#committed = there;
    this.#underWay.clear();
    return { violations: [...best!.lines, ...broken], cut: cut.length, kept: best!.kept };
  }
}
