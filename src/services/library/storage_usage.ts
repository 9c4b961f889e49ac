// Lists what is kept on this device, item by item, largest first, with the browser's totals. The items' bytes are
// counted as they are stored; the browser's own accounting is rough.

import type { AdapterStore } from '../../storage/adapter_store';
import type { ColdStartStore } from '../../storage/cold_start_store';
import type { EvaluationStore } from '../../storage/evaluation_store';
import type { TraceStore } from '../../storage/trace_store';
import type { StorageTotals } from '../../storage/usage';
import type { StorageUsage, StoredItem } from '../../worker/protocol/library';
import type { StoredModel } from '../../worker/protocol/models';
import type { TrainingRuns } from '../training/training_run';
import type { DatasetRecords } from './dataset_library';

/** Where the items are listed. */
export interface UsageParts {
  readonly adapters: Pick<AdapterStore, 'list'>;
  readonly runs: Pick<TrainingRuns, 'list'>;
  datasets(): Promise<Pick<DatasetRecords, 'list'>>;
  readonly coldStarts: Pick<ColdStartStore, 'current'>;
  readonly evaluations: Pick<EvaluationStore, 'list'>;
  readonly traces: Pick<TraceStore, 'list'>;
  readonly models: { listStoredModels(): Promise<readonly StoredModel[]> };
  totals(): Promise<StorageTotals>;
}

/** See `storageUsage` of the protocol. Rejects with StorageError. */
export async function storageUsage({
  adapters,
  runs,
  datasets,
  models,
  coldStarts,
  evaluations,
  traces,
  totals,
}: UsageParts): Promise<StorageUsage> {
  const [sum, ofAdapters, ofRuns, ofDatasets, ofModels, ofEvaluations, coldStart, ofTraces] =
    await Promise.all([
      totals(),
      adapters.list(),
      runs.list(),
      datasets().then((store) => store.list()),
      models.listStoredModels(),
      evaluations.list(),
      coldStarts.current(),
      traces.list(),
    ]);
  const items: StoredItem[] = [
    ...ofAdapters.map(({ id, name, bytes, createdAt: usedAt, run }) => {
      const origin = run === null ? 'import' : 'run';
      return { kind: 'adapter', id, name, bytes, usedAt, origin, whole: true } as const;
    }),
    ...ofRuns.map(({ id, plan, bytes, updatedAt: usedAt }) => {
      return { kind: 'run', id, name: plan.name, bytes, usedAt, origin: 'here', whole: true } as const;
    }),
    ...ofModels.map(({ key, id, bytes, lastUse, storedAt, whole }) => {
      const usedAt = lastUse?.usedAt ?? storedAt;
      return { kind: 'model', id: key, name: id, bytes, usedAt, origin: 'hub', whole } as const;
    }),
    ...(coldStart === null ? [] : [coldStart]).map(({ id, modelId, bytes, createdAt: usedAt }) => {
      return { kind: 'coldStart', id, name: modelId, bytes, usedAt, origin: 'here', whole: true } as const;
    }),
    ...ofEvaluations.map(({ id, modelId, bytes, createdAt: usedAt }) => {
      return { kind: 'evaluation', id, name: modelId, bytes, usedAt, origin: 'here', whole: true } as const;
    }),
    ...ofTraces.map(({ id, name, bytes, usedAt, origin }) => {
      return { kind: 'trace', id, name, bytes, usedAt, origin, whole: true } as const;
    }),
    ...ofDatasets.map(({ id, name, bytes, createdAt: usedAt, origin }) => {
      const from = origin === undefined ? 'import' : 'coldStart';
      return { kind: 'dataset', id, name, bytes, usedAt, origin: from, whole: true } as const;
    }),
  ];
  return { ...sum, items: items.sort((a, b) => b.bytes - a.bytes) };
}
