// Datasets in the real IndexedDB: imports in batches, listed only when complete, cleaned up when not.
import { describe, expect, it } from 'vitest';
import { DatasetStore, type StoredRow } from '../../src/storage/dataset_store';
import { scratchDatabase } from './scratch_database';

const named = (id: string, createdAt = 1) => ({ id, name: `set ${id}`, createdAt });

function row(index: number): StoredRow {
  return {
    image: new Blob([Uint8Array.of(137, index % 256, index >> 8)], { type: 'image/png' }),
    imageName: `${index}.png`,
    question: `How many? ${index}`,
    answer: String(index),
    response: index % 3 === 0 ? 'Three.' : null,
    ...(index % 4 === 0 ? { system: `Be brief. ${index}` } : {}),
    ...(index % 2 === 0 ? { columns: { level: index, tags: ['a', { b: null }] } } : {}),
  };
}

async function* rows(count: number, after?: () => Promise<void>): AsyncGenerator<StoredRow> {
  for (let index = 0; index < count; index++) yield row(index);
  await after?.();
}

describe('DatasetStore', () => {
  it('keeps rows over several batches', async () => {
    const store = await DatasetStore.open(await scratchDatabase());
    const record = await store.create(named('a'), rows(601));
    expect(record).toMatchObject({ ...named('a'), rows: 601, withResponse: 201, complete: true });
    expect(await store.list()).toEqual([record]);
    expect(await store.get('a')).toEqual(record);
    for (const index of [0, 255, 256, 600]) {
      const { image, ...rest } = await store.readRow('a', index);
      const { image: expected, ...words } = row(index);
      expect(rest).toEqual(words);
      expect(image.type).toBe('image/png');
      expect(await image.arrayBuffer()).toEqual(await expected.arrayBuffer());
    }
    await expect(store.readRow('a', 601)).rejects.toMatchObject({
      code: 'storage/missing',
      message: expect.stringContaining('Row 602'),
    });
  });

  it('lists nothing before the last row is kept', async () => {
    const database = await scratchDatabase();
    const store = await DatasetStore.open(database);
    const counts: number[] = [];
    await store.create(
      named('a'),
      rows(300, async () => {
        counts.push((await store.list()).length);
        counts.push(await database.read(['rows'], 'x', (tx) => tx.objectStore('rows').count()));
        await expect(store.append('a', row(1))).rejects.toMatchObject({ code: 'storage/missing' });
        // Another tab opens meanwhile: it must not take this import for a leftover.
        counts.push((await (await DatasetStore.open(database)).list()).length);
        await expect(store.create(named('a'), rows(1))).rejects.toMatchObject({ code: 'storage/busy' });
      }),
    );
    expect(counts).toEqual([0, 256, 0]);
    expect((await store.list()).map(({ rows: count }) => count)).toEqual([300]);
  });

  it('leaves nothing of an import that fails or is aborted', async () => {
    const database = await scratchDatabase();
    const store = await DatasetStore.open(database);
    const failing = rows(300, () => Promise.reject(new RangeError('row 300 is broken')));
    await expect(store.create(named('a'), failing)).rejects.toThrow('row 300 is broken');
    const controller = new AbortController();
    const aborting = rows(300, async () => controller.abort(new Error('enough')));
    const { signal } = controller;
    await expect(store.create(named('b'), aborting, { signal })).rejects.toThrow('enough');
    expect(await store.list()).toEqual([]);
    const left = await database.read(['rows', 'datasets'], 'x', (tx) =>
      Promise.all([tx.objectStore('rows').count(), tx.objectStore('datasets').count()]),
    );
    expect(left).toEqual([0, 0]);
  });

  it('does not touch a complete dataset of the same id', async () => {
    const store = await DatasetStore.open(await scratchDatabase());
    const record = await store.create(named('a'), rows(3));
    await expect(store.create(named('a'), rows(5))).rejects.toMatchObject({ code: 'storage/failed' });
    expect(await store.list()).toEqual([record]);
    expect((await store.readRow('a', 2)).answer).toBe('2');
  });

  it('removes on opening what a crash left behind, and only that', async () => {
    const database = await scratchDatabase();
    const store = await DatasetStore.open(database);
    await store.create(named('whole'), rows(2));
    await database.write(['datasets', 'rows'], 'x', async (tx) => {
      const half = { ...named('half'), rows: 0, withResponse: 0, bytes: 1, complete: false };
      await tx.objectStore('datasets').add(half);
      const kept = { image: new ArrayBuffer(1), mimeType: '', imageName: '', question: '', answer: '' };
      await tx.objectStore('rows').add({ datasetId: 'half', index: 0, ...kept, response: null });
    });
    expect((await store.list()).map(({ id }) => id)).toEqual(['whole']);
    await DatasetStore.open(database);
    const keys = await database.read(['rows', 'datasets'], 'x', (tx) =>
      Promise.all([tx.objectStore('rows').getAllKeys(), tx.objectStore('datasets').getAllKeys()]),
    );
    const [rowKeys, datasetKeys] = keys;
    expect(rowKeys).toEqual([
      ['whole', 0],
      ['whole', 1],
    ]);
    expect(datasetKeys).toEqual(['whole']);
  });

  it('opens rows that were kept before rows had columns and system texts', async () => {
    const database = await scratchDatabase();
    const store = await DatasetStore.open(database);
    await store.create(named('a'), [{ ...row(1), system: null, columns: {} }]);
    const kept = await database.read(['rows'], 'x', (tx) => tx.objectStore('rows').get(['a', 0]));
    for (const one of [kept, await store.readRow('a', 0)])
      for (const name of ['columns', 'system']) expect(one).not.toHaveProperty(name);
  });

  it('appends rows, also two at once', async () => {
    const store = await DatasetStore.open(await scratchDatabase());
    const before = await store.create(named('a'), []);
    await Promise.all([store.append('a', row(3)), store.append('a', row(4))]);
    const after = await store.get('a');
    expect(after).toMatchObject({ rows: 2, withResponse: 1 });
    expect(after.bytes).toBeGreaterThan(before.bytes);
    const answers = [await store.readRow('a', 0), await store.readRow('a', 1)].map(({ answer }) => answer);
    expect(answers.sort()).toEqual(['3', '4']);
  });

  it('deletes rows with their dataset and says what that freed', async () => {
    const database = await scratchDatabase();
    const store = await DatasetStore.open(database);
    const { bytes } = await store.create(named('a'), rows(4));
    await store.create(named('b', 2), rows(1));
    expect((await store.list()).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(await store.delete('a')).toBe(bytes);
    expect(await store.delete('a')).toBe(0);
    expect(await database.read(['rows'], 'x', (tx) => tx.objectStore('rows').count())).toBe(1);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'storage/missing' });
  });
});
