// A full disk in the real browser, by a quota set from outside: refused with words, and the old data intact.
import { describe, expect, it, onTestFinished } from 'vitest';
import { cdp } from 'vitest/browser';
import { AdapterStore, type NewAdapter } from '../../src/storage/adapter_store';
import { DatasetStore } from '../../src/storage/dataset_store';
import { RunStore } from '../../src/storage/run_store';
import { scratchDatabase } from './scratch_database';

const MEGABYTE = 2 ** 20;

const adapter: NewAdapter = {
  ...{ id: 'a', name: 'big', notes: '', modelId: 'pocket', fingerprint: 'ab', createdAt: 1 },
  precision: null,
  config: {
    ...{ r: 4, loraAlpha: 8, loraDropout: 0, useRslora: false, baseModel: '' },
    targetModules: '.*q_proj',
  },
  ...{ targetModules: [], parameters: 1, run: null, metrics: {} },
};

/**
 * Gives the origin `bytes` until the test ends. Chromium remembers for half a minute how much room there was, and tells
 * pages a fixed figure: all of its IndexedDB is cleared, so that it asks again.
 */
async function limitStorage(bytes: number): Promise<void> {
  const { origin } = location;
  const clear = () => cdp().send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  onTestFinished(async () => {
    await clear();
    // Without a size the browser's own quota is back.
    await cdp().send('Storage.overrideQuotaForOrigin', { origin });
  });
  await clear();
  await cdp().send('Storage.overrideQuotaForOrigin', { origin, quotaSize: bytes });
}

const noise = (bytes: number): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536)
    crypto.getRandomValues(out.subarray(at, Math.min(bytes, at + 65_536)));
  return out;
};

describe('a full disk', () => {
  it('refuses an adapter and keeps the others', async () => {
    await limitStorage(4 * MEGABYTE);
    const store = new AdapterStore(await scratchDatabase());
    const kept = await store.put({ ...adapter, id: 'kept' }, noise(1000));
    await expect(store.put(adapter, noise(6 * MEGABYTE))).rejects.toMatchObject({
      code: 'storage/full',
      message: expect.stringMatching(/^There is no room to save the adapter "big"; nothing was changed\./),
    });
    expect(await store.list()).toEqual([kept]);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'storage/missing' });
  });

  it('keeps the old checkpoint when there is no room for the new one', async () => {
    await limitStorage(6 * MEGABYTE);
    const store = new RunStore(await scratchDatabase());
    await store.create({ id: 'r', plan: null, state: 'running', createdAt: 1 });
    const checkpoint = (step: number, bytes: number) => {
      const array = () => new Float32Array(noise(bytes).buffer);
      return { step, adapter: array(), m: array(), v: array(), best: null, extra: null };
    };
    const kept = checkpoint(4, 40_000);
    await store.saveCheckpoint('r', kept);
    await store.saveProgress({ runId: 'r', step: 5, metrics: { loss: 1 }, at: 5 });
    const before = await store.read('r');
    await expect(store.saveCheckpoint('r', checkpoint(5, 4 * MEGABYTE))).rejects.toMatchObject({
      code: 'storage/full',
      message: expect.stringContaining('the checkpoint of step 5'),
    });
    expect(await store.readCheckpoint('r')).toEqual(kept);
    expect(await store.read('r')).toEqual(before);
  });

  it('leaves nothing of an import for which there is no room', async () => {
    await limitStorage(10 * MEGABYTE);
    const database = await scratchDatabase();
    const store = await DatasetStore.open(database);
    const words = { imageName: 'x.png', question: 'q', answer: 'a', response: null };
    const kept = await store.create({ id: 'small', name: 's', createdAt: 1 }, [
      { image: new Blob(['x']), ...words },
    ]);
    let read = 0;
    const rows = function* () {
      for (; read < 20; read++) yield { image: new Blob([noise(MEGABYTE)]), ...words };
    };
    await expect(store.create({ id: 'd', name: 'd', createdAt: 2 }, rows())).rejects.toMatchObject({
      code: 'storage/full',
    });
    // The first batch had been kept: it is not the whole import that was too big for one transaction.
    expect(read).toBeGreaterThan(8);
    expect(await store.list()).toEqual([kept]);
    expect(await database.read(['rows'], 'x', (tx) => tx.objectStore('rows').count())).toBe(1);
  });
});
