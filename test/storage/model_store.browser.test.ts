// Models in the real origin private file system, written by a real Worker that is killed at any point: what is committed
// is whole, what is not is invisible, and a part goes on from its last kept piece.

import { type Remote, wrap } from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import { modelKey } from '../../src/storage/model_store';
import type { ModelStoreCommands } from './model_store_worker';

const KEY = modelKey('org/model', 'c');
const workers: Worker[] = [];

function newLife(): { worker: Worker; store: Remote<ModelStoreCommands> } {
  const worker = new Worker(new URL('./model_store_worker.ts', import.meta.url), { type: 'module' });
  workers.push(worker);
  return { worker, store: wrap<ModelStoreCommands>(worker) };
}

const piece = (fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(64).fill(fill);

/** Locks and files of a killed Worker come free a moment later. */
async function begin(store: Remote<ModelStoreCommands>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await store.begin(KEY);
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function openFile(store: Remote<ModelStoreCommands>, name: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    try {
      return await store.open(name, 128);
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A model of one file of two pieces, committed and given back. */
async function storeWhole(store: Remote<ModelStoreCommands>): Promise<void> {
  await begin(store);
  await openFile(store, 'a.bin');
  await store.write(0, piece(65));
  await store.write(64, piece(66));
  await store.finish();
  await store.close();
  await store.commit('org/model', ['a.bin']);
  await store.release();
}

afterEach(async () => {
  for (const worker of workers.splice(0)) worker.terminate();
  const { store } = newLife();
  for (let tries = 0; tries < 50; tries++) {
    const gone = await store.delete(KEY).then(
      () => true,
      () => false,
    );
    if (gone) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const worker of workers.splice(0)) worker.terminate();
});

describe('ModelStore', () => {
  it('shows a model only after its commit, and reads it back in another life', async () => {
    const { store, worker } = newLife();
    await begin(store);
    expect(await openFile(store, 'a.bin')).toBe(0);
    await store.write(0, piece(65));
    await store.write(64, piece(66));
    await store.finish();
    await store.close();
    expect(await store.list()).toEqual([]);
    await store.commit('org/model', ['a.bin']);
    worker.terminate();
    const next = newLife().store;
    expect(await next.list()).toEqual(['org/model']);
    expect(await next.read(KEY, 'a.bin')).toBe('A'.repeat(64) + 'B'.repeat(64));
    await next.delete(KEY);
    expect(await next.list()).toEqual([]);
    expect(await next.read(KEY, 'a.bin')).toBeNull();
  });

  it('goes on from the last kept piece when its Worker is killed', async () => {
    const { store, worker } = newLife();
    await begin(store);
    await openFile(store, 'a.bin');
    await store.write(0, piece(65));
    worker.terminate();
    const { store: next } = newLife();
    await begin(next);
    expect(await openFile(next, 'a.bin')).toBe(64);
    await next.write(64, piece(66));
    await next.finish();
    await next.close();
    await next.commit('org/model', ['a.bin']);
    await next.release();
    expect(await next.read(KEY, 'a.bin')).toBe('A'.repeat(64) + 'B'.repeat(64));
  });

  it('remembers which files are whole, and forgets what was discarded', async () => {
    const { store, worker } = newLife();
    await begin(store);
    await openFile(store, 'a.bin');
    await store.write(0, piece(65));
    await store.finish();
    await store.close();
    await openFile(store, 'b.bin');
    await store.write(0, piece(66));
    await store.discard();
    worker.terminate();
    const { store: next } = newLife();
    await begin(next);
    expect(await next.isFinished('a.bin')).toBe(true);
    expect(await next.isFinished('b.bin')).toBe(false);
    expect(await openFile(next, 'b.bin')).toBe(0);
  });

  it('refuses to commit what is not whole', async () => {
    const { store } = newLife();
    await begin(store);
    await openFile(store, 'a.bin');
    await store.write(0, piece(65));
    await expect(store.commit('org/model', ['a.bin'])).rejects.toThrow('not whole');
    expect(await store.list()).toEqual([]);
  });

  it('lets one tab at a time fill a model', async () => {
    const first = newLife().store;
    await begin(first);
    await expect(newLife().store.begin(KEY)).rejects.toThrow('Another tab');
    await first.release();
    await expect(newLife().store.begin(KEY)).resolves.toBeUndefined();
  });

  it('says when a stored file is not as long as its record says', async () => {
    const { store } = newLife();
    await storeWhole(store);
    await store.damage(KEY, 'a.bin', 100);
    await expect(store.read(KEY, 'a.bin')).rejects.toThrow('100 bytes');
  });

  it('lists while another tab writes and deletes models', async () => {
    const [writer, reader] = [newLife().store, newLife().store];
    let writing = true;
    const written = (async () => {
      for (let times = 0; times < 15; times++) {
        await storeWhole(writer);
        await writer.release();
        await writer.delete(KEY);
      }
      writing = false;
    })();
    let listed = 0;
    while (writing) {
      listed += (await reader.list()).length + (await reader.listParts());
    }
    await written;
    expect(listed).toBeGreaterThan(0);
    expect(await reader.list()).toEqual([]);
    expect(await reader.listParts()).toBe(0);
  });

  it('deletes nothing that is open in another tab', async () => {
    const { store } = newLife();
    await storeWhole(store);
    const reader = newLife();
    expect(await reader.store.hold(KEY)).toBe(true);
    expect(await newLife().store.hold(KEY)).toBe(true);
    await expect(store.delete(KEY)).rejects.toThrow('in use');
    await expect(store.begin(KEY)).rejects.toThrow('Another tab');
    expect(await store.read(KEY, 'a.bin')).toBe('A'.repeat(64) + 'B'.repeat(64));
  });
});
