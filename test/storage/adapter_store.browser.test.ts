// Adapters in the real IndexedDB: whole records, lists without weights, renaming, what a deletion frees.
import { describe, expect, it } from 'vitest';
import { AdapterStore, type NewAdapter } from '../../src/storage/adapter_store';
import { recordSize } from '../../src/storage/record_size';
import { scratchDatabase } from './scratch_database';

function newAdapter(id: string, createdAt: number): NewAdapter {
  return {
    ...{ id, name: `adapter ${id}`, notes: 'n', modelId: 'pocket', fingerprint: 'ab12', createdAt },
    precision: 'int4',
    config: {
      ...{ r: 4, loraAlpha: 8, loraDropout: 0, useRslora: false },
      ...{ baseModel: 'look-back/pocket', targetModules: '.*q_proj' },
    },
    targetModules: ['model.language_model.layers.0.self_attn.q_proj'],
    parameters: 100,
    run: { id: 'run', method: 'sft', step: 20 },
    metrics: { loss: 0.5 },
  };
}

describe('AdapterStore', () => {
  it('gives back what was put, bit for bit, and lists without weights, newest first', async () => {
    const store = new AdapterStore(await scratchDatabase());
    const weights = crypto.getRandomValues(new Uint8Array(30_011));
    const record = await store.put(newAdapter('a', 1), weights);
    await store.put(newAdapter('b', 2), weights.slice(0, 3));
    expect(await store.get('a')).toEqual({ record, weights });
    expect(record).toMatchObject({ ...newAdapter('a', 1), bundled: false });
    const list = await store.list();
    expect(list.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(list.some((item) => 'weights' in item)).toBe(false);
  });

  it('keeps only the view of a larger buffer', async () => {
    const store = new AdapterStore(await scratchDatabase());
    await store.put(newAdapter('a', 1), new Uint8Array(1000).fill(7).subarray(10, 13));
    const { weights } = await store.get('a');
    expect([...weights]).toEqual([7, 7, 7]);
    expect(weights.buffer.byteLength).toBe(3);
  });

  it('replaces an adapter of the same id whole', async () => {
    const store = new AdapterStore(await scratchDatabase());
    await store.put(newAdapter('a', 1), new Uint8Array(9));
    await store.put({ ...newAdapter('a', 1), name: 'again' }, Uint8Array.of(5));
    const { record, weights } = await store.get('a');
    expect([record.name, ...weights]).toEqual(['again', 5]);
    expect(await store.list()).toHaveLength(1);
  });

  it('renames, counting the new text', async () => {
    const store = new AdapterStore(await scratchDatabase());
    const before = await store.put(newAdapter('a', 1), new Uint8Array(9));
    const renamed = await store.rename('a', { name: 'x', notes: 'longer notes' });
    expect(renamed).toEqual({ ...before, name: 'x', notes: 'longer notes', bytes: recordSize(renamed) + 9 });
    expect((await store.get('a')).record).toEqual(renamed);
    await expect(store.rename('b', { name: '', notes: '' })).rejects.toMatchObject({
      code: 'storage/missing',
    });
  });

  it('deletes record and weights and says what that freed', async () => {
    const store = new AdapterStore(await scratchDatabase());
    const { bytes } = await store.put(newAdapter('a', 1), new Uint8Array(5000));
    expect(bytes).toBeGreaterThan(5000);
    expect(await store.delete('a')).toBe(bytes);
    expect(await store.delete('a')).toBe(0);
    expect(await store.list()).toEqual([]);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'storage/missing', data: { id: 'a' } });
  });
});
