// What is kept, item by item.
import { expect, it } from 'vitest';
import { storageUsage } from '../../../src/services/library/storage_usage';
import { memoryRuns } from '../training/memory_runs';
import { PLAN } from '../training/training_script';

it('lists every item with its bytes, largest first, and the totals', async () => {
  const { runs } = memoryRuns();
  await runs.create({ id: 'r', plan: PLAN, state: 'paused', createdAt: 1 });
  const totals = { usedBytes: 5, quotaBytes: 50, persisted: true };
  const usage = await storageUsage({
    adapters: { list: async () => [{ id: 'a', name: 'A', bytes: 4 }] as never },
    runs,
    datasets: async () => ({ list: async () => [{ id: 'd', name: 'D', bytes: 30 }] as never }),
    models: { listStoredModels: async () => [{ key: 'o~m@c', id: 'o/m', bytes: 70 }] as never },
    coldStarts: { current: async () => ({ id: 'c', modelId: 'pocket', bytes: 8 }) as never },
    evaluations: { list: async () => [{ id: 'e', modelId: 'pocket', bytes: 6 }] as never },
    totals: async () => totals,
  });
  expect(usage).toEqual({
    ...totals,
    items: [
      { kind: 'model', id: 'o~m@c', name: 'o/m', bytes: 70 },
      { kind: 'dataset', id: 'd', name: 'D', bytes: 30 },
      { kind: 'run', id: 'r', name: PLAN.name, bytes: 9 },
      { kind: 'coldStart', id: 'c', name: 'pocket', bytes: 8 },
      { kind: 'evaluation', id: 'e', name: 'pocket', bytes: 6 },
      { kind: 'adapter', id: 'a', name: 'A', bytes: 4 },
    ],
  });
});
