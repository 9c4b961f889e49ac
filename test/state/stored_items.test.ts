// The table of stored items: order by each column, and what is suggested to go, with its reason.
import { describe, expect, it } from 'vitest';
import { cleanUps, sortStored } from '../../src/state/stored_items';
import type { StoredItem } from '../../src/worker/protocol/library';
import { runOf } from './train_script';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const MIB = 2 ** 20;

function itemOf(id: string, change: Partial<StoredItem> = {}): StoredItem {
  return {
    kind: 'adapter',
    id,
    name: id,
    bytes: MIB,
    usedAt: NOW - DAY,
    origin: 'run',
    whole: true,
    ...change,
  };
}

describe('sortStored', () => {
  const items = [
    itemOf('run 10', { bytes: 3, usedAt: null }),
    itemOf('run 2', { bytes: 7, usedAt: 5 }),
    itemOf('Adapter', { bytes: 7, usedAt: 9 }),
  ];
  const names = (by: 'name' | 'bytes' | 'usedAt', descending: boolean) =>
    sortStored(items, { by, descending }).map(({ name }) => name);

  it('sorts names as people do, numbers by size, and what was never used as the oldest', () => {
    expect(names('name', false)).toEqual(['Adapter', 'run 2', 'run 10']);
    expect(names('bytes', true)).toEqual(['run 2', 'Adapter', 'run 10']);
    expect(names('usedAt', false)).toEqual(['run 10', 'run 2', 'Adapter']);
    expect(names('usedAt', true)).toEqual(['Adapter', 'run 2', 'run 10']);
  });
});

describe('cleanUps', () => {
  const found = (items: StoredItem[], runs = [runOf('r1', { state: 'finished', adapterId: 'a' })]) =>
    cleanUps(items, runs, NOW).map(({ item, reason }) => `${item.id} ${reason}`);

  it('names cut-off downloads, runs whose adapter is saved, and what nobody used for long', () => {
    expect(
      found([
        itemOf('m', { kind: 'model', whole: false, usedAt: null, bytes: 9 }),
        itemOf('r1', { kind: 'run', bytes: 8 }),
        itemOf('d', { kind: 'dataset', usedAt: NOW - 31 * DAY, bytes: 7 }),
        itemOf('a', { usedAt: NOW - 29 * DAY }),
      ]),
    ).toEqual(['m part', 'r1 saved', 'd unused']);
  });

  it('leaves alone runs that go on, and those that nothing was saved of', () => {
    const run = itemOf('r1', { kind: 'run', usedAt: 0 });
    expect(found([run], [runOf('r1', { state: 'running' })])).toEqual([]);
    const recent = itemOf('r1', { kind: 'run' });
    expect(found([recent], [runOf('r1', { state: 'finished', adapterId: null })])).toEqual([]);
  });

  it('names what takes a quarter of it all, from 50 MiB on, and no more than five', () => {
    expect(found([itemOf('big', { bytes: 60 * MIB }), itemOf('small', { bytes: 10 * MIB })])).toEqual([
      'big large',
    ]);
    expect(found([itemOf('big', { bytes: 40 * MIB })])).toEqual([]);
    const parts = Array.from({ length: 9 }, (_, at) => itemOf(`p${at}`, { whole: false, bytes: at }));
    expect(found(parts)).toEqual(['p8 part', 'p7 part', 'p6 part', 'p5 part', 'p4 part']);
  });
});
