// Runs in the real IndexedDB: saved looks with their files, and bytes that add up.
import { expect, it } from 'vitest';
import { TraceStore } from '../../src/storage/trace_store';
import { scratchDatabase } from './scratch_database';

it('keeps looks with their files, and frees what it counted', async () => {
  const store = new TraceStore(await scratchDatabase());
  const facts = { model: 'Pocket', adapter: null, origin: 'here' as const, usedAt: 1 };
  const file = new Blob(['{"format":"look-back trace"}']);
  const one = await store.put({ ...facts, id: 'a', name: 'How many?', createdAt: 1 }, file);
  await store.put({ ...facts, id: 'b', name: 'Second', createdAt: 2 }, new Blob(['{}']));
  expect((await store.list()).map(({ id }) => id)).toEqual(['b', 'a']);
  expect(await (await store.read('a')).text()).toBe(await file.text());
  const renamed = await store.update('a', { name: 'Longer than it was', usedAt: 9 });
  expect(renamed).toMatchObject({
    usedAt: 9,
    bytes: one.bytes + 'Longer than it was'.length - 'How many?'.length,
  });
  expect(await store.delete('a')).toBe(renamed.bytes);
  expect(await store.delete('a')).toBe(0);
  await expect(store.read('a')).rejects.toMatchObject({ code: 'storage/missing' });
  await expect(store.update('a', { name: 'x' })).rejects.toMatchObject({ code: 'storage/missing' });
  expect((await store.list()).map(({ id }) => id)).toEqual(['b']);
});
