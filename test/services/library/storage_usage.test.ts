// What is kept, item by item.
import { expect, it } from 'vitest';
import { storageUsage } from '../../../src/services/library/storage_usage';
import { memoryRuns } from '../training/memory_runs';
import { PLAN } from '../training/training_script';

const PART = { key: 'o~p@c', id: 'o/p', bytes: 20, storedAt: null, lastUse: null, whole: false };
const WHOLE = {
  ...{ key: 'o~m@c', id: 'o/m', bytes: 70, storedAt: 5, whole: true },
  lastUse: { usedAt: 9, precision: 'int4' },
};

it('lists every item with its size, last use and origin, largest first, and the totals', async () => {
  const { runs } = memoryRuns();
  await runs.create({ id: 'r', plan: PLAN, state: 'paused', createdAt: 1 });
  const totals = { usedBytes: 5, quotaBytes: 50, persisted: true };
  const usage = await storageUsage({
    adapters: { list: async () => [{ id: 'a', name: 'A', bytes: 4, createdAt: 2, run: null }] as never },
    runs,
    datasets: async () => ({ list: async () => [{ id: 'd', name: 'D', bytes: 30, createdAt: 3 }] as never }),
    models: { listStoredModels: async () => [PART, WHOLE] as never },
    coldStarts: { current: async () => ({ id: 'c', modelId: 'pocket', bytes: 8, createdAt: 6 }) as never },
    evaluations: { list: async () => [{ id: 'e', modelId: 'pocket', bytes: 6, createdAt: 7 }] as never },
    traces: {
      list: async () => [{ id: 't', name: 'T', bytes: 3, usedAt: 8, origin: 'here' }] as never,
    },
    totals: async () => totals,
  });
  expect(usage).toEqual({
    ...totals,
    items: [
      { ...{ kind: 'model', id: 'o~m@c', name: 'o/m', bytes: 70 }, usedAt: 9, origin: 'hub', whole: true },
      { ...{ kind: 'dataset', id: 'd', name: 'D', bytes: 30 }, usedAt: 3, origin: 'import', whole: true },
      {
        ...{ kind: 'model', id: 'o~p@c', name: 'o/p', bytes: 20 },
        usedAt: null,
        origin: 'hub',
        whole: false,
      },
      { ...{ kind: 'run', id: 'r', name: PLAN.name, bytes: 9 }, usedAt: 1, origin: 'here', whole: true },
      { ...{ kind: 'coldStart', id: 'c', name: 'pocket', bytes: 8 }, usedAt: 6, origin: 'here', whole: true },
      {
        ...{ kind: 'evaluation', id: 'e', name: 'pocket', bytes: 6 },
        usedAt: 7,
        origin: 'here',
        whole: true,
      },
      { ...{ kind: 'adapter', id: 'a', name: 'A', bytes: 4 }, usedAt: 2, origin: 'import', whole: true },
      { ...{ kind: 'trace', id: 't', name: 'T', bytes: 3 }, usedAt: 8, origin: 'here', whole: true },
    ],
  });
});
