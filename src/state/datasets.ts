// Imports a dataset step by step (files, preview, mapping, name, keeping) and shows the rows of a stored one; the
// engine parses, judges and keeps. What is kept is the preview on the page; a preview that was overtaken by a newer
// one is never shown.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { DataError } from '../lib/errors';
import type { PlainError } from '../lib/plain_error';
import { plainError } from '../lib/plain_error';
import type { ReasoningMode } from '../settings/reasoning_modes';
import type { EngineClient } from '../worker/client';
import type {
  ColumnMapping,
  DatasetPreview,
  DatasetRowView,
  DatasetSummary,
  DatasetWarning,
  ImportChoice,
  ImportProgress,
  KeptDataset,
  NamedFile,
} from '../worker/protocol/library';
import type { Library } from './library';

/** What the import is doing. */
export type ImportWork = 'collecting' | 'reading' | 'keeping';

/** A row being looked at. `view` stays the one before until the new one arrives. */
export interface OpenRow {
  readonly dataset: DatasetSummary;
  readonly index: number;
  readonly mode: ReasoningMode;
  readonly view: DatasetRowView | null;
  readonly error: PlainError | null;
}

/** An import and an open dataset. Commands never throw: failures become `error`, or the open row's own. */
export interface Datasets {
  readonly preview: ReadonlySignal<DatasetPreview | null>;
  readonly work: ReadonlySignal<ImportWork | null>;
  /** How far reading or storing is; null while nothing was heard. */
  readonly progress: ReadonlySignal<ImportProgress | null>;
  /** Kinds of warnings that a person dismissed for the files at hand. */
  readonly dismissed: ReadonlySignal<ReadonlySet<DatasetWarning['kind']>>;
  readonly name: ReadonlySignal<string>;
  readonly error: ReadonlySignal<PlainError | null>;
  /** What was kept last. */
  readonly kept: ReadonlySignal<KeptDataset | null>;
  readonly canKeep: ReadonlySignal<boolean>;
  readonly open: ReadonlySignal<OpenRow | null>;
  /** Previews files, or ones still being collected; takes the place of a preview before. */
  take(files: readonly NamedFile[] | Promise<readonly NamedFile[]>): Promise<void>;
  /** Changes the mapping and previews again. */
  map(change: Partial<ColumnMapping>): Promise<void>;
  /** Previews another split of the same files; columns are guessed anew. */
  chooseSplit(split: string): Promise<void>;
  dismiss(kind: DatasetWarning['kind']): void;
  /** Ends what the import is doing; a preview that is on the page stays. */
  cancel(): void;
  setName(name: string): void;
  keep(): Promise<void>;
  discard(): void;
  browse(dataset: DatasetSummary, mode: ReasoningMode): Promise<void>;
  /** Another row or mode of the open dataset; out of range is brought into it. */
  show(change: { readonly index?: number; readonly mode?: ReasoningMode }): Promise<void>;
  close(): void;
}

/** A name for what was dropped: the folder, or the first table's or archive's own name, without its ending. */
export function suggestName(files: readonly NamedFile[]): string {
  const paths = files.map(({ path }) => path.replace(/^\/+/, ''));
  const folders = new Set(paths.map((path) => (path.includes('/') ? path.split('/')[0] : '')));
  const [folder] = folders;
  if (folders.size === 1 && folder) return folder;
  const named = paths.find((path) => /\.(jsonl?|csv|zip)$/i.test(path)) ?? paths[0] ?? '';
  return (named.split('/').at(-1) ?? '').replace(/\.[^.]+$/, '');
}

/** How far the engine says that an import is. */
function progressOf(client: EngineClient) {
  const progress = signal<ImportProgress | null>(null);
  client.listen((events) => {
    for (const event of events) if (event.type === 'importProgressed') progress.value = event.progress;
  });
  return progress;
}

/** Which kinds of warnings were dismissed. */
function dismissals() {
  const dismissed = signal<ReadonlySet<DatasetWarning['kind']>>(new Set());
  const dismiss = (kind: DatasetWarning['kind']) => {
    dismissed.value = new Set([...dismissed.value, kind]);
  };
  return { dismissed, dismiss };
}

/** Signals of an import; each attempt ends the one before, whose late outcome changes nothing. */
function importState(client: EngineClient) {
  const preview = signal<DatasetPreview | null>(null);
  const work = signal<ImportWork | null>(null);
  const error = signal<PlainError | null>(null);
  const kept = signal<KeptDataset | null>(null);
  const progress = progressOf(client);
  let tickets = 0;
  /** `run` asks `current` before it writes after a wait. */
  async function attempt(run: (current: () => boolean) => Promise<void>): Promise<void> {
    tickets += 1;
    const ticket = tickets;
    const current = () => ticket === tickets;
    batch(() => {
      error.value = null;
      kept.value = null;
      progress.value = null;
    });
    try {
      await run(current);
    } catch (thrown) {
      if (current()) error.value = plainError(thrown);
    } finally {
      if (current()) {
        work.value = null;
        progress.value = null;
      }
    }
  }
  const cancel = () => {
    tickets += 1;
    if (work.value !== null && work.value !== 'collecting') void client.cancelImport();
    batch(() => {
      work.value = null;
      progress.value = null;
    });
  };
  const discard = () => {
    cancel();
    batch(() => {
      preview.value = null;
      error.value = null;
    });
  };
  return { preview, work, error, kept, progress, attempt, cancel, discard };
}

type ImportState = ReturnType<typeof importState>;

/** Taking files and reading them: as guessed, with other columns, or another split of them. */
function reading(client: EngineClient, { preview, work, attempt }: ImportState) {
  const { dismissed, dismiss } = dismissals();
  const name = signal('');
  let files: readonly NamedFile[] = [];

  async function read(current: () => boolean, choice: ImportChoice): Promise<void> {
    work.value = 'reading';
    const found = await client.previewDataset(files, choice);
    if (current()) preview.value = found;
  }

  const take = (source: readonly NamedFile[] | Promise<readonly NamedFile[]>) =>
    attempt(async (current) => {
      work.value = 'collecting';
      preview.value = null;
      dismissed.value = new Set();
      const collected = await source;
      if (!current()) return;
      if (collected.length === 0) {
        throw new DataError(
          'data/dataset',
          'There is no file in it: choose a table and its pictures, a folder or a zip.',
        );
      }
      files = collected;
      name.value = suggestName(collected);
      await read(current, { mapping: null, split: null });
    });
  const map = async (change: Partial<ColumnMapping>) => {
    const before = preview.value;
    if (before === null) return;
    const mapping = { ...before.mapping, ...change };
    // Shown at once; the rest of the preview follows.
    preview.value = { ...before, mapping };
    await attempt((current) => read(current, { mapping, split: before.split }));
  };
  const chooseSplit = async (split: string) => {
    if (preview.value !== null) await attempt((current) => read(current, { mapping: null, split }));
  };
  return { name, dismissed, dismiss, take, map, chooseSplit };
}

function importing(client: EngineClient, library: Library) {
  const state = importState(client);
  const { attempt, ...facts } = state;
  const { preview, work, kept, discard } = facts;
  const { name, ...source } = reading(client, state);
  const canKeep = computed(
    () => work.value === null && (preview.value?.rows ?? 0) > 0 && name.value.trim() !== '',
  );
  const keep = async () => {
    const token = preview.value?.token;
    if (token === undefined || !canKeep.value) return;
    await attempt(async (current) => {
      work.value = 'keeping';
      const stored = await client.keepDataset(token, name.value.trim());
      void library.refresh();
      if (!current()) return;
      // Nothing is in flight any more: this only clears the page.
      work.value = null;
      discard();
      kept.value = stored;
    });
  };
  const setName = (value: string) => {
    name.value = value;
  };
  return { ...facts, ...source, name, canKeep, setName, keep };
}

function browsing(client: EngineClient) {
  const open = signal<OpenRow | null>(null);
  async function fetch(wanted: OpenRow): Promise<void> {
    open.value = wanted;
    // Whatever is open by then: an answer to an earlier wish changes nothing.
    const current = (): OpenRow | null =>
      open.value?.dataset.id === wanted.dataset.id &&
      open.value.index === wanted.index &&
      open.value.mode === wanted.mode
        ? open.value
        : null;
    try {
      const view = await client.readDatasetRow(wanted.dataset.id, wanted.index, wanted.mode);
      const now = current();
      if (now !== null) open.value = { ...now, view, error: null };
    } catch (thrown) {
      const now = current();
      if (now !== null) open.value = { ...now, view: null, error: plainError(thrown) };
    }
  }
  return {
    open,
    browse: (dataset: DatasetSummary, mode: ReasoningMode) =>
      fetch({ dataset, index: 0, mode, view: null, error: null }),
    show: async (change: { readonly index?: number; readonly mode?: ReasoningMode }) => {
      const before = open.value;
      if (before === null) return;
      const wanted = Math.trunc(change.index ?? before.index);
      const index = Math.min(Math.max(Number.isFinite(wanted) ? wanted : 0, 0), before.dataset.rows - 1);
      await fetch({ ...before, index, mode: change.mode ?? before.mode, error: null });
    },
    close: () => {
      open.value = null;
    },
  };
}

/** Makes the state of the Data page over an engine's client; `library` is told when a dataset was kept. */
export function createDatasets(client: EngineClient, library: Library): Datasets {
  return { ...importing(client, library), ...browsing(client) };
}
