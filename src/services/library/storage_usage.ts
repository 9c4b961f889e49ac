// Lists what is kept on this device, item by item, largest first, with the browser's totals. The items' bytes are
// counted as they are stored; the browser's own accounting is rough.

import type { AdapterStore } from '../../storage/adapter_store';
import type { ColdStartStore } from '../../storage/cold_start_store';
import type { EvaluationStore } from '../../storage/evaluation_store';
import type { StorageTotals } from '../../storage/usage';
import type { StorageUsage } from '../../worker/protocol/library';
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
  totals,
}: UsageParts): Promise<StorageUsage> {
  const [sum, ofAdapters, ofRuns, ofDatasets, ofModels, ofEvaluations, coldStart] = await Promise.all([
    totals(),
    adapters.list(),
    runs.list(),
    datasets().then((store) => store.list()),
    models.listStoredModels(),
    evaluations.list(),
    coldStarts.current(),
  ]);
  const items: StorageUsage['items'][number][] = [
    ...ofAdapters.map(({ id, name, bytes }) => ({ kind: 'adapter', id, name, bytes }) as const),
    ...ofRuns.map(({ id, plan, bytes }) => ({ kind: 'run', id, name: plan.name, bytes }) as const),
    ...ofModels.map(({ key, id, bytes }) => ({ kind: 'model', id: key, name: id, bytes }) as const),
    ...(coldStart === null
      ? []
      : [{ kind: 'coldStart', id: coldStart.id, name: coldStart.modelId, bytes: coldStart.bytes } as const]),
    ...ofEvaluations.map(
      ({ id, modelId, bytes }) => ({ kind: 'evaluation', id, name: modelId, bytes }) as const,
    ),
    ...ofDatasets.map(({ id, name, bytes }) => ({ kind: 'dataset', id, name, bytes }) as const),
  ];
  return { ...sum, items: items.sort((a, b) => b.bytes - a.bytes) };
}
