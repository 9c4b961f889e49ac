// What a live run of any tab keeps from being deleted, over runs in memory and a scripted lock.
import { describe, expect, it } from 'vitest';
import { LiveRuns } from '../../../src/services/training/live_runs';
import { memoryRuns } from './memory_runs';
import { PLAN } from './training_script';

/** A tab over shared stores; `lock` null says that another tab has it. */
function tab(stores: ReturnType<typeof memoryRuns>, elsewhere = false) {
  const lock = async () => (elsewhere ? null : { release: () => undefined });
  return new LiveRuns({ runs: stores.runs, lock, changed: () => undefined });
}

async function withRun(state: 'running' | 'paused', step: number | null = 2) {
  const stores = memoryRuns();
  const plan = { ...PLAN, adapterId: 'sft', source: { kind: 'dataset', datasetId: 'rows' } as const };
  await stores.runs.create({ id: 'run-1', plan, state: 'preparing', createdAt: 1 });
  stores.change('run-1', { state, checkpointStep: step });
  return stores;
}

const ADAPTER = { kind: 'adapter', id: 'sft' } as const;
const DATASET = { kind: 'dataset', id: 'rows' } as const;

describe('LiveRuns', () => {
  it.each([ADAPTER, DATASET])('keeps the %o that a live run of another tab reads', async (item) => {
    const stores = await withRun('running');
    const live = tab(stores, true);
    await expect(live.checkUnused(item)).rejects.toMatchObject({
      code: 'train/busy',
      data: { where: 'elsewhere' },
      message: expect.stringContaining(`the ${item.kind} that it reads`),
    });
    await live.checkUnused({ ...item, id: 'other' });
  });

  it('keeps it while the live run is in this tab', async () => {
    const stores = await withRun('paused');
    const live = tab(stores);
    const lock = await live.claim('going on');
    stores.change('run-1', { state: 'running' });
    await expect(live.checkUnused(DATASET)).rejects.toMatchObject({ data: { where: 'here' } });
    await expect(live.claim('a new run')).rejects.toMatchObject({ data: { where: 'here' } });
    lock.release();
  });

  it('lets it go when the run is paused, or was cut off by a crash', async () => {
    await tab(await withRun('paused')).checkUnused(DATASET);
    const stores = await withRun('running');
    await tab(stores).checkUnused(DATASET);
    expect(await stores.runs.list()).toMatchObject([
      { state: 'paused', reason: { code: 'train/interrupted' } },
    ]);
  });
});
