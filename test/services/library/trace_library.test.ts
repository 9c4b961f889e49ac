// Saved looks over a store in memory: names that fit, files that can be opened again, and when each was opened last.
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../../src/lib/errors';
import { TraceLibrary, type TraceLibraryParts } from '../../../src/services/library/trace_library';
import type { TraceRecord } from '../../../src/storage/records';

function libraryOf() {
  const held = new Map<string, { record: TraceRecord; file: Blob }>();
  const of = (id: string) => {
    const found = held.get(id);
    if (found === undefined) throw new StorageError('storage/missing', 'gone', { id });
    return found;
  };
  const traces: TraceLibraryParts['traces'] = {
    list: async () => [...held.values()].map(({ record }) => record),
    put: async (trace, file) => {
      const record = { ...trace, bytes: file.size };
      held.set(trace.id, { record, file });
      return record;
    },
    read: async (id) => of(id).file,
    update: async (id, change) => {
      const { record, file } = of(id);
      held.set(id, { record: { ...record, ...change }, file });
      return of(id).record;
    },
    delete: async (id) => {
      const bytes = held.get(id)?.record.bytes ?? 0;
      held.delete(id);
      return bytes;
    },
  };
  const told: string[] = [];
  let [ids, time] = [0, 0];
  const library = new TraceLibrary({
    traces,
    persist: async () => told.push('persist'),
    changed: () => told.push('changed'),
    createId: () => `t${++ids}`,
    date: () => ++time,
  });
  return { library, told };
}

const FACTS = { name: ' How many? ', model: 'Pocket', adapter: null, origin: 'here' } as const;

describe('saved looks', () => {
  it('are kept as they are, and asked to be kept', async () => {
    const { library, told } = libraryOf();
    const made = await library.keepTrace(new Blob(['{}']), FACTS);
    expect(made).toEqual({
      ...{ id: 't1', name: 'How many?', model: 'Pocket', adapter: null, origin: 'here' },
      ...{ createdAt: 1, usedAt: 1, bytes: 2 },
    });
    expect(told).toEqual(['persist', 'changed']);
    expect(await library.listTraces()).toEqual([made]);
  });

  it('are named by a question of any length', async () => {
    const { library } = libraryOf();
    expect((await library.keepTrace(new Blob(), { ...FACTS, name: 'q'.repeat(500) })).name).toHaveLength(200);
    expect((await library.keepTrace(new Blob(), { ...FACTS, name: ' ' })).name).toBe('Look');
    await library.renameTrace('t1', ' New ');
    expect((await library.listTraces())[0]?.name).toBe('New');
    for (const name of ['', ' ', 'q'.repeat(201)])
      await expect(library.renameTrace('t1', name)).rejects.toMatchObject({ code: 'usage/argument' });
  });

  it('are noted as used when they are opened, not when they are exported', async () => {
    const { library } = libraryOf();
    await library.keepTrace(new Blob(['{}']), FACTS);
    expect(await (await library.exportTrace('t1')).text()).toBe('{}');
    expect((await library.listTraces())[0]?.usedAt).toBe(1);
    expect(await (await library.openTrace('t1')).text()).toBe('{}');
    expect((await library.listTraces())[0]?.usedAt).toBe(2);
    expect([await library.deleteTrace('t1'), await library.deleteTrace('t1')]).toEqual([2, 0]);
    await expect(library.openTrace('t1')).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('are refused where they could not be opened again', async () => {
    const { library } = libraryOf();
    const large = { size: 2 ** 26 + 1 } as Blob;
    await expect(library.keepTrace(large, FACTS)).rejects.toMatchObject({ code: 'usage/argument' });
  });
});
