// Mirrors what the Train page needs of what is stored: runs, adapters and datasets, fetched again whenever the engine says
// that they changed. A list that cannot be read stays as it was; what is asked of a stale entry is refused by the engine.

import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type {
  AdapterCommands,
  AdapterSummary,
  DatasetCommands,
  DatasetSummary,
  StoreName,
} from '../worker/protocol/library';
import type { RunSummary, TrainingCommands } from '../worker/protocol/training';
import { coalesced } from './coalesced';

/** What is stored. */
export interface TrainStored {
  /** Newest first. */
  readonly runs: ReadonlySignal<readonly RunSummary[]>;
  readonly adapters: ReadonlySignal<readonly AdapterSummary[]>;
  readonly datasets: ReadonlySignal<readonly DatasetSummary[]>;
  /** True once the runs were listed for the first time. */
  readonly listed: ReadonlySignal<boolean>;
}

/** The lists, and how they are fetched and changed. Nothing is fetched before the first {@link StoredLists.open}. */
export interface StoredLists extends TrainStored {
  readonly opened: ReadonlySignal<boolean>;
  /** Fetches everything, from now on also when the engine says that something changed. */
  open(): Promise<void>;
  /** Fetches everything again, once it was opened. */
  refresh(): void;
  /** Fetches a list, once it was opened. */
  changed(store: StoreName): void;
  fetch(store: StoreName): Promise<void>;
  /** Adds a run, or replaces the one of its id. */
  putRun(run: RunSummary): void;
  changeRun(id: string, change: Partial<RunSummary>): void;
  removeRun(id: string): void;
}

type Lister = Pick<TrainingCommands, 'listRuns'> &
  Pick<AdapterCommands, 'listAdapters'> &
  Pick<DatasetCommands, 'listDatasets'>;

function newestFirst(runs: readonly RunSummary[]): readonly RunSummary[] {
  return [...runs].sort((a, b) => b.createdAt - a.createdAt);
}

/** @param listedRuns is waited for each time that the runs were listed */
export function createStoredLists(client: Lister, listedRuns: () => Promise<void>): StoredLists {
  const runs = signal<readonly RunSummary[]>([]);
  const adapters = signal<readonly AdapterSummary[]>([]);
  const datasets = signal<readonly DatasetSummary[]>([]);
  const listed = signal(false);
  const opened = signal(false);
  const quietly = (read: () => Promise<void>) => coalesced(() => read().catch(() => undefined));
  const fetch: Record<StoreName, () => Promise<void>> = {
    runs: quietly(async () => {
      const found = await client.listRuns();
      batch(() => {
        runs.value = newestFirst(found);
        listed.value = true;
      });
      await listedRuns();
    }),
    adapters: quietly(async () => {
      adapters.value = await client.listAdapters();
    }),
    datasets: quietly(async () => {
      datasets.value = await client.listDatasets();
    }),
    // The page has these, and no need of those.
    models: async () => undefined,
    traces: async () => undefined,
  };
  const all = () => Promise.all([fetch.runs(), fetch.adapters(), fetch.datasets()]);
  return {
    ...{ runs, adapters, datasets, listed, opened },
    open: async () => {
      opened.value = true;
      await all();
    },
    refresh: () => {
      if (opened.value) void all();
    },
    changed: (store) => {
      if (opened.value) void fetch[store]();
    },
    fetch: (store) => fetch[store](),
    putRun: (run) => {
      runs.value = newestFirst([run, ...runs.value.filter(({ id }) => id !== run.id)]);
    },
    changeRun: (id, change) => {
      runs.value = runs.value.map((run) => (run.id === id ? { ...run, ...change } : run));
    },
    removeRun: (id) => {
      runs.value = runs.value.filter((run) => run.id !== id);
    },
  };
}
