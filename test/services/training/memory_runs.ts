// Keeps stored runs in a Map, for tests in Node, which has no IndexedDB. It does what the real store promises, can be
// told to refuse writes, and gives out copies.

import { StorageError } from '../../../src/lib/errors';
import type { CheckpointBase } from '../../../src/services/answers/checkpoint_base';
import type { TrainingRuns } from '../../../src/services/training/training_run';
import type { RunRecord, StoredCheckpoint } from '../../../src/storage/records';
import type { GroupFact, SampleFact, TrainingPlan } from '../../../src/worker/protocol/training';

interface Held {
  run: RunRecord<TrainingPlan>;
  checkpoint: StoredCheckpoint<CheckpointBase> | null;
  metrics: Map<number, Record<string, number>>;
  samples: Map<number, readonly SampleFact[]>;
  groups: Map<number, readonly GroupFact[]>;
}

/** Makes an empty store. `refuse` is asked before each write and may throw. */
export function memoryRuns(refuse: (what: string) => void = () => undefined) {
  const held = new Map<string, Held>();
  const writes: string[] = [];
  const of = (id: string): Held => {
    const found = held.get(id);
    if (!found) throw new StorageError('storage/missing', 'This run is not stored here any more.', { id });
    return found;
  };
  const write = (what: string): void => {
    refuse(what);
    writes.push(what);
  };
  const change = (id: string, fields: Partial<RunRecord>): RunRecord<TrainingPlan> => {
    const found = of(id);
    found.run = { ...found.run, ...fields } as RunRecord<TrainingPlan>;
    return structuredClone(found.run);
  };
  const truncate = (id: string, step: number): void => {
    const found = of(id);
    for (const part of [found.metrics, found.samples, found.groups]) {
      for (const key of part.keys()) if (key > step) part.delete(key);
    }
  };
  const runs: TrainingRuns = {
    list: async () => structuredClone([...held.values()].map(({ run }) => run)),
    create: async (draft) => {
      write('create');
      const run = {
        ...draft,
        ...{
          step: 0,
          checkpointStep: null,
          best: null,
          updatedAt: draft.createdAt,
          adapterId: null,
          reason: null,
          notes: '',
          groupBytes: 0,
          bytes: 9,
        },
      };
      held.set(run.id, { run, checkpoint: null, metrics: new Map(), samples: new Map(), groups: new Map() });
      return structuredClone(run);
    },
    read: async (id) => {
      const { run, metrics, samples, groups } = of(id);
      return structuredClone({
        run,
        metrics: [...metrics].map(([step, values]) => ({ step, values })),
        samples: [...samples].map(([step, rows]) => ({ step, samples: rows })),
        groups: [...groups].map(([step, rows]) => ({ step, groups: rows })).at(-1) ?? null,
        groupSteps: [...groups.keys()],
      });
    },
    readGroups: async (id, step) => {
      const groups = of(id).groups.get(step);
      return groups === undefined ? null : structuredClone({ step, groups });
    },
    readCheckpoint: async (id) => structuredClone(of(id).checkpoint),
    update: async (id, fields) => {
      write(`update ${fields.state ?? ''}`);
      return change(id, fields);
    },
    saveEvaluation: async ({ runId, step, metrics, samples, at }) => {
      write(`evaluation ${step}`);
      const found = of(runId);
      found.metrics.set(step, { ...found.metrics.get(step), ...metrics });
      if (samples.length > 0) found.samples.set(step, samples);
      return change(runId, { updatedAt: at });
    },
    saveProgress: async ({ runId, step, metrics, groups, at }) => {
      write(`progress ${step}`);
      const found = of(runId);
      found.metrics.set(step, { ...metrics });
      if (groups) found.groups.set(step, groups);
      return change(runId, { step, updatedAt: at });
    },
    saveCheckpoint: async (id, checkpoint, fields = {}) => {
      write(`checkpoint ${checkpoint.step}`);
      of(id).checkpoint = structuredClone(checkpoint);
      truncate(id, checkpoint.step);
      const { step, best: kept } = checkpoint;
      const best = kept && { step: kept.step, metric: kept.metric, value: kept.value };
      return change(id, { ...fields, step, checkpointStep: step, best });
    },
    rewind: async (id, fields = {}) => {
      const step = of(id).run.checkpointStep ?? 0;
      truncate(id, step);
      return change(id, { ...fields, step });
    },
    settleInterrupted: async (reason) => {
      const live = [...held.values()].filter(({ run }) =>
        ['preparing', 'running', 'pausing'].includes(run.state),
      );
      for (const { run } of live) {
        change(run.id, { state: run.checkpointStep === null ? 'failed' : 'paused', reason });
      }
      return live.length;
    },
    delete: async (id) => {
      const bytes = held.get(id)?.run.bytes ?? 0;
      held.delete(id);
      return bytes;
    },
  };
  return { runs, writes, change };
}
