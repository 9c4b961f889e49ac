// The judge of killed browsers: that it finds what is lost, changed, half-written or said to be done too early, and
// accepts a transaction under way that is there whole or not at all. No browser here.
import { describe, expect, it } from 'vitest';
import { checkAcknowledged, checkLists, type Repeatable } from './kill_checks';
import { KillLedger } from './kill_ledger';
import type { FoundLists, FoundRecord, Mark, MarkedWrite } from './kill_messages';

const put = (store: string, key: string, hash: string, facts = {}): MarkedWrite => ({
  ...{ op: 'put', store, key, hash, facts },
});

/** Marks a transaction; without `end` it stays under way after its last request's event. */
function transact(ledger: KillLedger, tx: number, writes: MarkedWrite[], end?: Mark['at']): void {
  const tell = (at: Mark['at'], nth: number, write?: MarkedWrite) =>
    ledger.mark({ tx, stores: [], at, nth, ...(write ? { write } : {}) }, true);
  tell('begun', 0);
  for (const [at, write] of writes.entries()) {
    tell('asked', at + 1, write);
    tell('done', at + 1, write);
  }
  if (end) tell(end, writes.length);
}

const found = (...writes: MarkedWrite[]): FoundRecord[] =>
  writes.map(({ store, key, hash, facts }) => ({ store, key: key!, hash: hash!, facts: facts! }));

const record = put('adapters', 'a', '1', { name: 'A' });
const weights = put('adapterWeights', 'a', '2', { weights: 'w' });

describe('the ledger', () => {
  it('wants committed writes whole and aborted ones gone', () => {
    const ledger = new KillLedger();
    transact(ledger, 0, [record, weights], 'committed');
    transact(ledger, 1, [put('runs', 'r', '3')], 'aborted');
    expect(ledger.settle(found(record, weights))).toEqual({ violations: [], cut: 0, kept: 0 });
    expect(ledger.settle(found(record)).violations).toEqual(['lost: adapterWeights "a"']);
    const half = new KillLedger();
    transact(half, 0, [record, weights], 'committed');
    expect(half.settle(found(put('adapters', 'a', 'x'), weights)).violations).toEqual([
      'changed: adapters "a"',
    ]);
  });

  it('takes a transaction under way whole or not at all', () => {
    const cut = () => {
      const ledger = new KillLedger();
      transact(ledger, 0, [record, weights]);
      return ledger;
    };
    expect(cut().settle([])).toEqual({ violations: [], cut: 1, kept: 0 });
    expect(cut().settle(found(record, weights))).toEqual({ violations: [], cut: 1, kept: 1 });
    expect(cut().settle(found(record)).violations).toHaveLength(1);
  });

  it('refuses what could not have been committed yet', () => {
    const ledger = new KillLedger();
    ledger.mark({ tx: 0, stores: [], at: 'begun', nth: 0 }, true);
    ledger.mark({ tx: 0, stores: [], at: 'asked', nth: 1, write: record }, true);
    ledger.mark({ tx: 0, stores: [], at: 'done', nth: 1, write: record }, false);
    expect(ledger.settle(found(record)).violations).toEqual(['unexpected: adapters "a"']);
  });

  it('follows deletions of ranges, and tells of records that cannot be read', () => {
    const ledger = new KillLedger();
    const metrics = [1, 2, 3].map((step) => ({ ...put('metrics', '', `${step}`), key: ['r', step] }));
    transact(ledger, 0, metrics, 'committed');
    const range = { lower: ['r', 1], upper: ['r', '∞'], lowerOpen: true, upperOpen: false };
    transact(ledger, 1, [{ op: 'delete', store: 'metrics', range }], 'committed');
    const [first] = found(metrics[0]!);
    expect(ledger.settle([{ ...first!, broken: 'NotReadableError' }])).toMatchObject({
      violations: ['unreadable: metrics ["r",1]: NotReadableError'],
    });
  });
});

describe('the lists', () => {
  const repeatable = (): Repeatable => ({ steps: new Map(), weights: null });
  const listed = { id: 'a', name: 'A', parameters: 6, createdAt: 0, weights: 'w', elements: 6 };
  const nothing: FoundLists = { runs: [], adapters: [], datasets: [] };
  const run = {
    id: 'r',
    name: 'train 1',
    state: 'paused',
    step: 3,
    checkpointStep: 2,
    createdAt: 0,
    datasetId: null,
  };
  const steps = [1, 2, 3].map((step) => ({ step, loss: step, gradNorm: 1 }));

  const kept = () => {
    const ledger = new KillLedger();
    const checkpoint = put('checkpoints', 'r', '4', { step: 2 });
    transact(ledger, 0, [record, weights, put('runs', 'r', '3'), checkpoint], 'committed');
    return ledger;
  };

  it('must be those of what is kept', () => {
    const lists = { ...nothing, adapters: [listed], runs: [{ ...run, metrics: steps }] };
    const before = repeatable();
    expect(checkLists(lists, kept(), before)).toEqual([]);
    expect(checkLists({ ...lists, adapters: [] }, kept(), before)).toEqual([
      'adapter a is kept and not listed',
    ]);
    const wrong = (change: object) =>
      checkLists({ ...lists, adapters: [{ ...listed, ...change }] }, kept(), before);
    for (const change of [{ broken: 'cut short' }, { weights: 'x' }, { elements: 5 }, { name: 'B' }]) {
      expect(wrong(change).length, JSON.stringify(change)).toBeGreaterThan(0);
    }
  });

  it('must have steps without gaps, as the first run had them, not beyond the checkpoint by more than two', () => {
    const before = repeatable();
    const wrong = (change: object) =>
      checkLists(
        { ...nothing, adapters: [listed], runs: [{ ...run, metrics: steps, ...change }] },
        kept(),
        before,
      );
    expect(wrong({})).toEqual([]);
    const other = steps.map((step) => ({ ...step, loss: 9 }));
    const five = [...steps, { step: 4, loss: 4, gradNorm: 1 }, { step: 5, loss: 5, gradNorm: 1 }];
    for (const change of [
      { metrics: [steps[0], steps[2]] },
      { metrics: other },
      { step: 5, metrics: five },
      { checkpointStep: 1 },
      { state: 'running' },
    ]) {
      expect(wrong(change).length, JSON.stringify(change)).toBeGreaterThan(0);
    }
  });

  it('must not be promised before they are on disk', () => {
    const ledger = kept();
    expect(checkAcknowledged({ what: 'adapter', id: 'a' }, ledger)).toEqual([]);
    expect(checkAcknowledged({ what: 'adapter', id: 'b' }, ledger)).toHaveLength(1);
    expect(checkAcknowledged({ what: 'renamed', id: 'a', name: 'B' }, ledger)).toHaveLength(1);
    expect(checkAcknowledged({ what: 'deletedAdapter', id: 'a' }, ledger)).toHaveLength(1);
  });
});
