// The cold start in the real IndexedDB: one at a time, texts by stage and problem, a revision that grows, and its bytes.
import { describe, expect, it } from 'vitest';
import { ColdStartStore } from '../../src/storage/cold_start_store';
import { MIGRATIONS, openDatabase } from '../../src/storage/database';
import { scratchDatabase, scratchName } from './scratch_database';

const start = (id: string) => ({ id, plan: { count: 2 }, modelId: 'pocket', fingerprint: 'f', createdAt: 1 });
const row = (problemId: string, opening: string | null = null) => ({ problemId, opening, texts: ['a', 'b'] });

describe('ColdStartStore', () => {
  it('keeps texts by stage, and counts revisions and bytes', async () => {
    const store = new ColdStartStore(await scratchDatabase());
    expect(await store.current()).toBeNull();
    const begun = await store.begin(start('a'));
    expect(await store.current()).toEqual(begun);
    await store.putTexts('a', 'rollouts', [row('p1'), row('p2')]);
    await store.putTexts('a', 'hand', [row('p1', '<think>')]);
    await store.putTexts('a', 'adapter:x', [row('p1', '<think>')]);
    await store.putTexts('a', 'model:y/z', [row('p2', '<think>')]);
    const { record, texts, writers } = await store.read('a');
    expect([...writers]).toEqual([
      ['adapter:x', [row('p1', '<think>')]],
      ['model:y/z', [row('p2', '<think>')]],
    ]);
    expect(texts).toEqual({
      ...{ rollouts: [row('p1'), row('p2')], self: [], file: [] },
      hand: [row('p1', '<think>')],
    });
    expect(record.revision).toBe(4);
    await store.putTexts('a', 'hand', [row('p1', '<think>')]);
    const again = await store.read('a');
    expect(again.record).toMatchObject({ revision: 5, bytes: record.bytes });
    const changed = await store.update('a', { plan: { count: 3 } });
    expect(changed).toMatchObject({ plan: { count: 3 }, revision: 6, bytes: record.bytes });
    expect(await store.delete()).toBe(changed.bytes);
    expect(await store.current()).toBeNull();
    await expect(store.read('a')).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('begins one in place of the one before, whose texts go', async () => {
    const database = await scratchDatabase();
    const store = new ColdStartStore(database);
    await store.begin(start('a'));
    await store.putTexts('a', 'rollouts', [row('p1')]);
    await store.begin(start('b'));
    expect((await store.current())?.id).toBe('b');
    await expect(store.putTexts('a', 'rollouts', [row('p2')])).rejects.toMatchObject({
      code: 'storage/missing',
    });
    const left = await database.read(['coldStartTexts'], 'x', (tx) =>
      tx.objectStore('coldStartTexts').count(),
    );
    expect(left).toBe(0);
  });

  it('has room in a database of the version before', async () => {
    const name = scratchName();
    await (await openDatabase(name, { migrations: MIGRATIONS.slice(0, 3) })).close();
    const store = new ColdStartStore(await scratchDatabase(name));
    expect(await store.begin(start('a'))).toMatchObject({ id: 'a', revision: 0 });
  });
});
