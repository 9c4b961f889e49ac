// Runs in the real IndexedDB: progress that may repeat, checkpoints that replace, rewinding, bytes that add up.
import { describe, expect, it } from 'vitest';
import type { RunRecord, StoredCheckpoint } from '../../src/storage/records';
import { RunStore } from '../../src/storage/run_store';
import { scratchDatabase } from './scratch_database';

const reason = { code: 'train/interrupted', message: 'The tab was closed.' } as const;

async function storeWithRun(...ids: string[]): Promise<RunStore> {
  const store = new RunStore(await scratchDatabase());
  for (const [at, id] of ids.entries())
    await store.create({ id, plan: { name: id }, state: 'running', createdAt: at });
  return store;
}

function checkpoint(step: number, length = 5): StoredCheckpoint {
  const array = (scale: number) => Float32Array.from({ length }, (_, i) => scale * step + i / 7);
  const best = { step: step - 1, metric: 'loss', value: 0.5, adapter: array(4) } as const;
  return { step, adapter: array(1), m: array(2), v: array(3), best, extra: { profile: ['gemm_a'], step } };
}

async function progress(store: RunStore, runId: string, ...steps: number[]): Promise<void> {
  for (const step of steps) {
    await store.saveProgress({ runId, step, metrics: { loss: 1 / step }, groups: [{ step }], at: step });
    const samples = [{ text: `answer ${step}` }];
    await store.saveEvaluation({ runId, step, metrics: { eval_loss: 2 / step }, samples, at: step });
  }
}

const stepsOf = async (store: RunStore, runId: string) => {
  const { metrics, samples, groups } = await store.read(runId);
  return [metrics.map(({ step }) => step), samples.map(({ step }) => step), groups?.step];
};

describe('RunStore', () => {
  it('keeps steps in order with the run beside them, apart from other runs', async () => {
    const store = await storeWithRun('a', 'ab');
    await progress(store, 'a', 9, 10, 2);
    await progress(store, 'ab', 1);
    expect(await stepsOf(store, 'a')).toEqual([[2, 9, 10], [2, 9, 10], 10]);
    expect(await stepsOf(store, 'ab')).toEqual([[1], [1], 1]);
    const { run, metrics, samples } = await store.read('ab');
    expect(run).toMatchObject({ step: 1, updatedAt: 1, checkpointStep: null, plan: { name: 'ab' } });
    expect(metrics).toEqual([{ step: 1, values: { loss: 1, eval_loss: 2 } }]);
    expect(samples).toEqual([{ step: 1, samples: [{ text: 'answer 1' }] }]);
    expect((await store.list()).map(({ id }) => id)).toEqual(['ab', 'a']);
  });

  it('keeps notes, and counts them among its bytes', async () => {
    const store = await storeWithRun('r');
    const [bare] = await store.list();
    const noted = await store.update('r', { notes: 'twelve chars' });
    expect(noted).toMatchObject({ notes: 'twelve chars', updatedAt: bare?.updatedAt });
    expect(noted.bytes).toBeGreaterThan(bare?.bytes ?? Infinity);
    await progress(store, 'r', 1);
    expect((await store.read('r')).run.notes).toBe('twelve chars');
    const cleared = await store.update('r', { notes: '' });
    const steps = (await store.read('r')).run.bytes;
    expect(cleared.bytes).toBe(steps);
    await store.rewind('r');
    expect((await store.list())[0]?.bytes).toBe(bare?.bytes);
  });

  it('keeps the groups of every step within a limit, the newest always, and forgets those of later steps', async () => {
    const one = await storeWithRun('r');
    await progress(one, 'r', 1);
    const each = (await one.read('r')).run.groupBytes;
    const store = new RunStore(await scratchDatabase(), 2 * each);
    await store.create({ id: 'r', plan: {}, state: 'running', createdAt: 0 });
    await progress(store, 'r', 1, 2, 3);
    const { groups, groupSteps, run } = await store.read('r');
    expect([groupSteps, groups?.step, run.groupBytes]).toEqual([[2, 3], 3, 2 * each]);
    expect(await store.readGroups('r', 1)).toBeNull();
    expect(await store.readGroups('r', 2)).toEqual({ step: 2, groups: [{ step: 2 }] });
    const rewound = await store.saveCheckpoint('r', checkpoint(2));
    expect(rewound.groupBytes).toBe(each);
    expect((await store.read('r')).groupSteps).toEqual([2]);
    expect(await store.delete('r')).toBe(rewound.bytes);
    const small = new RunStore(await scratchDatabase(), 1);
    await small.create({ id: 'r', plan: {}, state: 'running', createdAt: 0 });
    await progress(small, 'r', 1, 2);
    expect((await small.read('r')).groupSteps).toEqual([2]);
  });

  it('takes a step twice for once', async () => {
    const store = await storeWithRun('r');
    await progress(store, 'r', 1, 2);
    const once = await store.read('r');
    await progress(store, 'r', 2);
    expect(await store.read('r')).toEqual(once);
  });

  it('replaces the checkpoint, with its arrays bit for bit, and forgets later steps', async () => {
    const store = await storeWithRun('r');
    expect(await store.readCheckpoint('r')).toBeNull();
    await progress(store, 'r', 1, 2, 3, 4);
    await store.saveCheckpoint('r', checkpoint(4));
    await store.saveCheckpoint('r', checkpoint(2), { state: 'paused', updatedAt: 77, reason });
    expect(await store.readCheckpoint('r')).toEqual(checkpoint(2));
    expect(await stepsOf(store, 'r')).toEqual([[1, 2], [1, 2], 2]);
    const changed = { state: 'paused', step: 2, checkpointStep: 2, updatedAt: 77, reason };
    expect((await store.read('r')).run).toMatchObject(changed);
  });

  it('keeps bits that are no numbers', async () => {
    const store = await storeWithRun('r');
    const bits = Uint32Array.of(0x7fc00001, 0x80000000, 0xff800000, 1);
    const adapter = new Float32Array(bits.buffer);
    await store.saveCheckpoint('r', { ...checkpoint(1), adapter });
    const read = await store.readCheckpoint('r');
    expect([...new Uint32Array(read?.adapter.buffer ?? new ArrayBuffer(0))]).toEqual([...bits]);
  });

  it('leaves the old checkpoint and metrics when the run has gone', async () => {
    const store = await storeWithRun('r');
    await store.delete('r');
    await expect(store.saveCheckpoint('r', checkpoint(3))).rejects.toMatchObject({ code: 'storage/missing' });
    expect(await store.readCheckpoint('r')).toBeNull();
  });

  it('leaves the old checkpoint when the new one cannot be cloned', async () => {
    const store = await storeWithRun('r');
    await progress(store, 'r', 1, 2, 3);
    await store.saveCheckpoint('r', checkpoint(2));
    const before = await store.read('r');
    await expect(
      store.saveCheckpoint('r', { ...checkpoint(1), extra: { f: () => 1 } }),
    ).rejects.toMatchObject({ code: 'storage/failed', data: { name: 'DataCloneError' } });
    expect(await store.readCheckpoint('r')).toEqual(checkpoint(2));
    expect(await store.read('r')).toEqual(before);
  });

  it('rewinds to the checkpoint, or to the beginning', async () => {
    const store = await storeWithRun('r', 'fresh');
    await progress(store, 'r', 1, 2);
    await store.saveCheckpoint('r', checkpoint(2));
    await progress(store, 'r', 3, 4);
    expect(await store.rewind('r', { state: 'running', reason: null })).toMatchObject({ step: 2 });
    expect(await stepsOf(store, 'r')).toEqual([[1, 2], [1, 2], 2]);
    await progress(store, 'fresh', 1);
    expect(await store.rewind('fresh')).toMatchObject({ step: 0 });
    expect(await stepsOf(store, 'fresh')).toEqual([[], [], undefined]);
  });

  it('settles runs in flight by whether they can go on', async () => {
    const store = await storeWithRun('early', 'late', 'done');
    await store.saveCheckpoint('late', checkpoint(5));
    await store.update('done', { state: 'finished' });
    expect(await store.settleInterrupted(reason)).toBe(2);
    const states = (await store.list()).map(({ id, state, reason: why }) => [id, state, why?.code]);
    expect(states).toEqual([
      ['done', 'finished', undefined],
      ['late', 'paused', reason.code],
      ['early', 'failed', reason.code],
    ]);
    expect(await store.settleInterrupted(reason)).toBe(0);
  });

  it('counts bytes so that what was added is what a deletion frees', async () => {
    const store = await storeWithRun('r');
    const start = (await store.list())[0] as RunRecord;
    await progress(store, 'r', 1);
    await store.saveCheckpoint('r', checkpoint(1, 100), { reason });
    await progress(store, 'r', 2, 3, 3);
    const grown = (await store.list())[0] as RunRecord;
    expect(grown.bytes).toBeGreaterThan(start.bytes + 1200);
    // The same history by a shorter way: nothing is counted twice, nothing left uncounted.
    await store.saveCheckpoint('r', checkpoint(3, 9), { reason: null });
    await store.rewind('r');
    await store.saveCheckpoint('r', checkpoint(1, 100), { reason });
    await progress(store, 'r', 2, 3);
    expect((await store.list())[0]?.bytes).toBe(grown.bytes);
    expect(await store.delete('r')).toBe(grown.bytes);
    expect(await store.delete('r')).toBe(0);
    expect(await store.list()).toEqual([]);
    await expect(store.read('r')).rejects.toMatchObject({ code: 'storage/missing' });
  });
});
