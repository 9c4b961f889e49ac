// Mirrors what is stored on this device as signals (adapters, runs, datasets, usage), with what can be done about it.
// The engine keeps everything; these are copies, fetched whole again whenever it says they changed. A command that
// failed leaves the lists as they were.

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type {
  AdapterSummary,
  DatasetRow,
  DatasetSummary,
  NamedFile,
  StorageUsage,
  StoreName,
  TraceFacts,
  TraceSummary,
} from '../worker/protocol/library';
import type { StoredModel } from '../worker/protocol/models';
import type { RunSummary } from '../worker/protocol/training';
import { coalesced } from './coalesced';

/** A kind of stored item that a list has and deletes. */
export type ItemKind = Exclude<StorageUsage['items'][number]['kind'], 'coldStart' | 'evaluation'>;

/** What the last command did, for a line on the page. */
export type LibraryNews =
  | { readonly kind: 'deleted'; readonly item: ItemKind; readonly name: string; readonly bytes: number }
  | { readonly kind: 'imported'; readonly name: string }
  | { readonly kind: 'renamed'; readonly name: string };

/** Stored items and commands on them. Commands never throw: failures become `error` and a result of null or false. */
export interface Library {
  readonly adapters: ReadonlySignal<readonly AdapterSummary[]>;
  readonly runs: ReadonlySignal<readonly RunSummary[]>;
  readonly datasets: ReadonlySignal<readonly DatasetSummary[]>;
  readonly models: ReadonlySignal<readonly StoredModel[]>;
  readonly traces: ReadonlySignal<readonly TraceSummary[]>;
  /** Null until {@link Library.refreshUsage} was called once. */
  readonly usage: ReadonlySignal<StorageUsage | null>;
  /** Stores whose list arrived at least once. */
  readonly known: ReadonlySignal<ReadonlySet<StoreName>>;
  /** Why a list could not be fetched. */
  readonly unreadable: ReadonlySignal<PlainError | null>;
  /** Why the last command failed. */
  readonly error: ReadonlySignal<PlainError | null>;
  readonly news: ReadonlySignal<LibraryNews | null>;
  /** True while a command is under way. */
  readonly busy: ReadonlySignal<boolean>;
  /** Fetches the lists again. */
  refresh(): Promise<void>;
  refreshUsage(): Promise<void>;
  /** Forgets `error` and `news`. */
  dismiss(): void;
  renameAdapter(id: string, change: { readonly name: string; readonly notes: string }): Promise<boolean>;
  renameTrace(id: string, name: string): Promise<boolean>;
  remove(item: ItemKind, id: string, name: string): Promise<boolean>;
  /** The adapter as a zip that PEFT reads. */
  exportAdapter(id: string): Promise<Blob | null>;
  /** The run's metrics and configuration as a zip. */
  exportRun(id: string): Promise<Blob | null>;
  /** Keeps the trace of an answer. */
  keepTrace(file: Blob, facts: TraceFacts): Promise<TraceSummary | null>;
  /** A saved look's file, to be played. */
  openTrace(id: string): Promise<Blob | null>;
  /** A saved look's file, to be saved elsewhere. */
  exportTrace(id: string): Promise<Blob | null>;
  /** The dataset as a zip of an image folder; null where it failed or was cancelled. */
  exportDataset(id: string): Promise<Blob | null>;
  cancelExport(): void;
  /** From a zip, the files of a folder, or the two files of an adapter; ones still being collected are waited for. */
  importAdapter(files: readonly NamedFile[] | Promise<readonly NamedFile[]>): Promise<AdapterSummary | null>;
  /** Runs an import from elsewhere as a command of its own; one that somebody cancelled is no error. */
  importing(run: () => Promise<AdapterSummary>): Promise<AdapterSummary | null>;
  /** Appends a row; `id` null makes a dataset of that name. */
  addToDataset(id: string | null, name: string, row: DatasetRow): Promise<DatasetSummary | null>;
}

/** A name for what was handed over: that of the folder or of the zip; without either, that of its kind. */
export function adapterName(files: readonly NamedFile[]): string {
  const paths = files.map(({ path }) => path.replace(/^\/+/, ''));
  const [folder = '', ...others] = new Set(
    paths.map((path) => path.slice(0, Math.max(0, path.indexOf('/')))),
  );
  const [only = ''] = paths.length === 1 ? paths : [];
  const name = others.length === 0 && folder !== '' ? folder : /\.zip$/i.test(only) ? only.slice(0, -4) : '';
  return name.trim() || 'Adapter';
}

async function imported(
  client: EngineClient,
  files: readonly NamedFile[] | Promise<readonly NamedFile[]>,
): Promise<AdapterSummary> {
  const collected = await files;
  return client.importAdapter(collected, adapterName(collected));
}

/** Fetches one list; calls that come while a fetch runs are answered by one more after it. */
function refetching<T>(fetch: () => Promise<T>, taken: (value: T) => void, failed: (error: unknown) => void) {
  return coalesced(() => fetch().then(taken, failed));
}

function storedLists(client: EngineClient) {
  const known = signal<ReadonlySet<StoreName>>(new Set());
  const failures = signal<ReadonlyMap<string, PlainError>>(new Map());
  const fetching = <T>(name: StoreName | 'usage', target: Signal<T>, fetch: () => Promise<T>) =>
    refetching(
      fetch,
      (value) => {
        target.value = value;
        if (name !== 'usage') known.value = new Set([...known.value, name]);
        if (failures.value.has(name)) {
          failures.value = new Map([...failures.value].filter(([key]) => key !== name));
        }
      },
      (thrown) => {
        failures.value = new Map([...failures.value, [name, plainError(thrown)]]);
      },
    );
  const adapters = signal<readonly AdapterSummary[]>([]);
  const runs = signal<readonly RunSummary[]>([]);
  const datasets = signal<readonly DatasetSummary[]>([]);
  const models = signal<readonly StoredModel[]>([]);
  const traces = signal<readonly TraceSummary[]>([]);
  const usage = signal<StorageUsage | null>(null);
  const fetch: Record<StoreName, () => Promise<void>> = {
    adapters: fetching('adapters', adapters, () => client.listAdapters()),
    runs: fetching('runs', runs, () => client.listRuns()),
    datasets: fetching('datasets', datasets, () => client.listDatasets()),
    models: fetching('models', models, () => client.listStoredModels()),
    traces: fetching('traces', traces, () => client.listTraces()),
  };
  const refreshUsage = fetching<StorageUsage | null>('usage', usage, () => client.storageUsage());
  return { known, failures, adapters, runs, datasets, models, traces, usage, fetch, refreshUsage };
}

type Lists = ReturnType<typeof storedLists>;

/** Fetches the lists again of which the engine says that they changed. */
function follow(client: EngineClient, { fetch, usage, refreshUsage }: Lists): void {
  client.listen((events) => {
    const changed = new Set(events.flatMap((event) => (event.type === 'storeChanged' ? [event.store] : [])));
    // A started engine may belong to a page whose first fetch came too early.
    if (events.some((event) => event.type === 'modelLoaded')) for (const store of STORES) changed.add(store);
    for (const store of changed) void fetch[store]();
    if (changed.size > 0 && usage.value !== null) void refreshUsage();
  });
}

const CANCELLED: readonly string[] = ['adapter/cancelled', 'storage/cancelled'];

/** Runs commands one by one or beside each other, and keeps what the last one came to. */
function outcomes() {
  const error = signal<PlainError | null>(null);
  const news = signal<LibraryNews | null>(null);
  const running = signal(0);
  const dismiss = (): void => {
    error.value = null;
    news.value = null;
  };
  /** Null when the command failed; `told` makes the news of its result. */
  async function command<T>(
    run: () => Promise<T>,
    told: (value: T) => LibraryNews | null = () => null,
  ): Promise<T | null> {
    dismiss();
    running.value += 1;
    try {
      const value = await run();
      news.value = told(value);
      return value;
    } catch (thrown) {
      const plain = plainError(thrown);
      if (!CANCELLED.includes(plain.code)) error.value = plain;
      return null;
    } finally {
      running.value -= 1;
    }
  }
  return { error, news, dismiss, command, busy: computed(() => running.value > 0) };
}

/** Runs a command that changes a list, and fetches the list before it says that it is done. */
async function andFetched<T>(run: Promise<T>, fetch: () => Promise<void>): Promise<T> {
  const value = await run;
  await fetch();
  return value;
}

/** Makes the state of what is stored, over an engine's client. Nothing is fetched before {@link Library.refresh}. */
export function createLibrary(client: EngineClient): Library {
  const stored = storedLists(client);
  const { failures, fetch, refreshUsage, ...lists } = stored;
  const { error, news, dismiss, command, busy } = outcomes();
  follow(client, stored);
  const deleting: Record<ItemKind, (id: string) => Promise<number>> = {
    adapter: (id) => client.deleteAdapter(id),
    run: (id) => client.deleteRun(id),
    dataset: (id) => client.deleteDataset(id),
    model: (key) => client.deleteModel(key),
    trace: (id) => client.deleteTrace(id),
  };
  const renaming = async (run: Promise<void>, store: StoreName, name: string): Promise<boolean> => {
    const done = await command(
      () =>
        andFetched(
          run.then(() => true),
          fetch[store],
        ),
      () => ({ kind: 'renamed', name }),
    );
    return done ?? false;
  };
  const importing: Library['importing'] = (run) =>
    command(
      () => andFetched(run(), fetch.adapters),
      ({ name }) => ({ kind: 'imported', name }),
    );
  return {
    ...{ ...lists, error, news, busy, dismiss, refreshUsage },
    unreadable: computed(() => [...failures.value.values()][0] ?? null),
    refresh: async () => {
      await Promise.all(STORES.map((store) => fetch[store]()));
    },
    renameAdapter: (id, change) => renaming(client.renameAdapter(id, change), 'adapters', change.name),
    renameTrace: (id, name) => renaming(client.renameTrace(id, name), 'traces', name),
    remove: async (item, id, name) => {
      const freed = await command(
        () => andFetched(deleting[item](id), fetch[`${item}s`]),
        (bytes) => ({ kind: 'deleted', item, name, bytes }),
      );
      return freed !== null;
    },
    exportAdapter: (id) => command(() => client.exportAdapter(id)),
    exportRun: (id) => command(() => client.exportRun(id, 'zip')),
    keepTrace: (file, facts) => command(() => andFetched(client.keepTrace(file, facts), fetch.traces)),
    openTrace: (id) => command(() => client.openTrace(id)),
    exportTrace: (id) => command(() => client.exportTrace(id)),
    exportDataset: (id) => command(() => client.exportDataset(id)),
    cancelExport: () => void client.cancelBackup().catch(() => undefined),
    importing,
    importAdapter: (files) => importing(() => imported(client, files)),
    addToDataset: (id, name, row) =>
      command(() => andFetched(client.addToDataset(id, name, row), fetch.datasets)),
  };
}

const STORES: readonly StoreName[] = ['adapters', 'runs', 'datasets', 'models', 'traces'];
