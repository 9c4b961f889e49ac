// Evaluations in the real IndexedDB: outcomes by side and question, counts that grow with them, and their bytes.
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, openDatabase } from '../../src/storage/database';
import { EvaluationStore } from '../../src/storage/evaluation_store';
import { scratchDatabase, scratchName } from './scratch_database';

const start = (id: string, createdAt = 1) => ({
  ...{ id, plan: { count: 2 }, modelId: 'pocket', fingerprint: 'f', device: 'd', createdAt },
});
const rows = (...indices: number[]) => indices.map((index) => ({ index, outcome: { text: `${index}` } }));

describe('EvaluationStore', () => {
  it('keeps outcomes by side in the order of the questions, and counts them', async () => {
    const store = new EvaluationStore(await scratchDatabase());
    await store.begin(start('a'), 2);
    await store.append('a', 1, rows(12, 3), 2);
    await store.append('a', 0, [...rows(1), { index: 0, outcome: null }], 0.5);
    const record = await store.append('a', 1, rows(4), 1);
    expect(record).toMatchObject({ done: [2, 3], seconds: [0.5, 3], revision: 3 });
    const read = await store.read('a');
    expect(read.record).toEqual(record);
    expect(read.sides).toEqual([[{ index: 0, outcome: null }, ...rows(1)], rows(3, 4, 12)]);
  });

  it('lists the newest first, and frees what one took without touching another', async () => {
    const store = new EvaluationStore(await scratchDatabase());
    await store.begin(start('a', 1), 1);
    await store.begin(start('b', 2), 1);
    await store.append('a', 0, rows(0), 1);
    const { bytes } = await store.append('b', 0, rows(0), 1);
    expect((await store.list()).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(await store.delete('b')).toBe(bytes);
    expect((await store.read('a')).sides).toEqual([rows(0)]);
    await expect(store.append('b', 0, rows(1), 1)).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('writes no outcome twice, and then nothing of that wave', async () => {
    const store = new EvaluationStore(await scratchDatabase());
    await store.begin(start('a'), 1);
    await store.append('a', 0, rows(0), 1);
    await expect(store.append('a', 0, rows(1, 0), 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^storage/),
    });
    expect(await store.read('a')).toMatchObject({ record: { done: [1] }, sides: [[{ index: 0 }]] });
  });

  it('has room in a database of the version before', async () => {
    const name = scratchName();
    await (await openDatabase(name, { migrations: MIGRATIONS.slice(0, 4) })).close();
    const store = new EvaluationStore(await scratchDatabase(name));
    expect(await store.begin(start('a'), 1)).toMatchObject({ id: 'a', done: [0] });
  });
});
