// Says what deleting an adapter or a dataset means for the runs that read it.
import type { RunSummary } from '../worker/protocol/training';
import type { ItemKind } from './library';

/** What deleting an item means for a run that reads it. */
export interface DeletionEffect {
  readonly run: string;
  /** `live`: the deletion is refused; `lost`: the run cannot go on; `kept`: it goes on with the copy in its checkpoint. */
  readonly effect: 'live' | 'lost' | 'kept';
}

/** What deleting an adapter or a dataset means for the runs of all tabs that are live or could go on. */
export function deletionEffects(
  item: ItemKind,
  id: string,
  runs: readonly RunSummary[],
): readonly DeletionEffect[] {
  return runs.flatMap(({ plan, state, checkpointStep }): DeletionEffect[] => {
    const trained = plan.source.kind === 'dataset' && plan.source.datasetId === id;
    const reads =
      item === 'adapter'
        ? plan.adapterId === id
        : item === 'dataset' && (trained || plan.evalDatasetId === id);
    if (!reads || state === 'finished' || state === 'stopped') return [];
    if (state !== 'paused' && state !== 'failed') return [{ run: plan.name, effect: 'live' }];
    return [{ run: plan.name, effect: item === 'adapter' && checkpointStep !== null ? 'kept' : 'lost' }];
  });
}
