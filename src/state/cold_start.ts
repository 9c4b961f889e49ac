// Holds the Cold start page's state: the plan of one that is not begun, what the stages of the one in the making have come
// to, and the chain that is open in the editor. The engine works everything out and keeps it; these are copies, fetched
// again whenever it says that they changed.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { DataError } from '../lib/errors';
import { type PlainError, plainError } from '../lib/plain_error';
import { COLD_START_SETTINGS, type ColdStartSettingId } from '../settings/cold_start_settings';
import { defaultsOf } from '../settings/read_settings';
import { faultOf, type Setting, type SettingValue } from '../settings/setting';
import type { EngineClient } from '../worker/client';
import type {
  ColdStartChange,
  ColdStartLook,
  ColdStartPlan,
  ColdStartSource,
  ColdStartView,
  ColdStartWork,
  ColdStartWriter,
  ModelStage,
} from '../worker/protocol/cold_start';
import type { DatasetSummary, NamedFile } from '../worker/protocol/library';
import { type BorrowPort, borrowModel, type Exchange } from './borrowed_model';
import { coalesced } from './coalesced';

/** What the last command came to, for a line on the page. */
export type ColdStartNews =
  | { readonly kind: 'imported'; readonly taken: number; readonly unknown: number }
  | { readonly kind: 'saved'; readonly dataset: DatasetSummary }
  | { readonly kind: 'deleted'; readonly bytes: number };

/** The page's state. Commands never throw: failures become `error`. */
export interface ColdStart {
  /** The plan of a cold start that is not begun. */
  readonly draft: ReadonlySignal<ColdStartPlan>;
  /** Null while there is none, and until `known`. */
  readonly view: ReadonlySignal<ColdStartView | null>;
  readonly known: ReadonlySignal<boolean>;
  /** How far this tab's asking is; null while nothing is asked. */
  readonly work: ReadonlySignal<ColdStartWork | null>;
  /** Whether a model that writes looks is being put on the device, or the one before it is again. */
  readonly exchange: ReadonlySignal<Exchange>;
  /** The chain in the editor. */
  readonly look: ReadonlySignal<ColdStartLook | null>;
  /** Settings that hold something unusable, as typed. */
  readonly wrong: ReadonlySignal<ReadonlyMap<ColdStartSettingId, SettingValue>>;
  readonly error: ReadonlySignal<PlainError | null>;
  readonly news: ReadonlySignal<ColdStartNews | null>;
  /** The model is being asked, here or in another tab: no stage may change. */
  readonly atWork: ReadonlySignal<boolean>;
  /** At work, or a command is under way: no other may begin. */
  readonly locked: ReadonlySignal<boolean>;
  /** Fetches what there is. */
  open(): Promise<void>;
  setSource(source: ColdStartSource): void;
  /** Sets a setting of the draft, or of the cold start in the making. */
  set(id: ColdStartSettingId, value: SettingValue): Promise<void>;
  /** Chooses the adapter that writes looks. */
  setWriter(writer: ColdStartWriter): Promise<void>;
  /** Chooses the other model that writes looks. */
  setWriterModel(writerModel: ColdStartWriter): Promise<void>;
  /** Hands over the way to exchange models; without it another model must have been loaded by somebody else. */
  useModels(port: BorrowPort): void;
  begin(): Promise<void>;
  run(stage: ModelStage): Promise<void>;
  pause(): Promise<void>;
  /** Opens a chosen chain in the editor; out of range is brought into it. */
  showLook(index: number): Promise<void>;
  writeLook(text: string): Promise<void>;
  closeLook(): void;
  importLooks(files: readonly NamedFile[] | Promise<readonly NamedFile[]>): Promise<void>;
  exportFile(what: 'tasks' | 'examples'): Promise<Blob | null>;
  save(name: string): Promise<void>;
  discard(): Promise<void>;
  dismiss(): void;
}

/** Runs commands one at a time and keeps what the last one came to. */
function outcomes() {
  const error = signal<PlainError | null>(null);
  const news = signal<ColdStartNews | null>(null);
  const busy = signal(0);
  const dismiss = (): void => {
    error.value = null;
    news.value = null;
  };
  async function command<T>(run: () => Promise<T>): Promise<T | null> {
    dismiss();
    busy.value++;
    try {
      return await run();
    } catch (thrown) {
      error.value = plainError(thrown);
      return null;
    } finally {
      busy.value--;
    }
  }
  return { error, news, busy, dismiss, command };
}

/** Keeps the copy of what the engine has. */
function copies(client: EngineClient) {
  const view = signal<ColdStartView | null>(null);
  const known = signal(false);
  const work = signal<ColdStartWork | null>(null);
  const exchange = signal<Exchange>(null);
  const unreadable = signal<PlainError | null>(null);
  const refresh = coalesced(async () => {
    try {
      const found = await client.readColdStart();
      batch(() => {
        view.value = found;
        known.value = true;
        unreadable.value = null;
        if (found?.atWork !== 'here' && exchange.value === null) work.value = null;
      });
    } catch (thrown) {
      // As when its dataset was deleted: another one can be begun in its place.
      batch(() => {
        unreadable.value = plainError(thrown);
        view.value = null;
        known.value = true;
      });
    }
  });
  client.listen((events) => {
    for (const event of events) {
      if (event.type === 'coldStartProgressed') work.value = event.work;
      // A page that never showed it has nothing to bring up to date.
      if (event.type === 'coldStartChanged' && known.value) void refresh();
    }
  });
  return { view, known, work, exchange, unreadable, refresh };
}

type Copies = ReturnType<typeof copies>;
type Outcomes = ReturnType<typeof outcomes>;

/** The settings of the draft and of the cold start in the making. */
function settingsOf(client: EngineClient, { view }: Copies, { command }: Outcomes) {
  const draft = signal<ColdStartPlan>({
    ...defaultsOf(COLD_START_SETTINGS),
    source: { kind: 'shapes_world' },
  });
  const wrong = signal<ReadonlyMap<ColdStartSettingId, SettingValue>>(new Map());
  const change = async (wanted: ColdStartChange): Promise<void> => {
    const changed = await command(() => client.changeColdStart(wanted));
    if (changed !== null) view.value = changed;
  };
  const setWriter = (writer: ColdStartWriter) => change({ writer });
  const setWriterModel = (writerModel: ColdStartWriter) => change({ writerModel });
  const set = async (id: ColdStartSettingId, value: SettingValue): Promise<void> => {
    const setting: Setting = COLD_START_SETTINGS[id];
    const others = [...wrong.value].filter(([key]) => key !== id);
    const fault = faultOf(setting, value) !== null;
    wrong.value = new Map(fault ? [...others, [id, value]] : others);
    if (fault) return;
    if (view.value === null) draft.value = { ...draft.value, [id]: value };
    else await change({ [id]: value });
  };
  const setSource = (source: ColdStartSource): void => {
    const { insert } = draft.value;
    const writer = source.kind === 'shapes_world' ? 'oracle' : insert === 'oracle' ? 'self' : insert;
    draft.value = { ...draft.value, source, insert: writer };
  };
  return { draft, wrong, set, setSource, setWriter, setWriterModel };
}

/** The editor of single looks. */
function editor(client: EngineClient, { view }: Copies, { command }: Outcomes) {
  const look = signal<ColdStartLook | null>(null);
  const showLook = async (index: number): Promise<void> => {
    const total = view.value?.selection.looks ?? 0;
    const wanted = Math.min(Math.max(Number.isFinite(index) ? Math.trunc(index) : 0, 0), total - 1);
    const found = total === 0 ? null : await command(() => client.readColdStartLook(wanted));
    if (found !== null) look.value = found;
  };
  const writeLook = async (text: string): Promise<void> => {
    const open = look.value;
    if (open === null) return;
    const written = await command(() => client.writeColdStartLook(open.index, text));
    if (written !== null && look.value?.index === written.index) look.value = written;
  };
  const closeLook = (): void => {
    look.value = null;
  };
  return { look, showLook, writeLook, closeLook };
}

async function onlyFile(files: readonly NamedFile[] | Promise<readonly NamedFile[]>): Promise<NamedFile> {
  const [file, second] = await files;
  if (file !== undefined && second === undefined) return file;
  throw new DataError('data/files', 'Choose one file of JSON lines {"id", "text"}.');
}

/** Asks for stages; looks of another model once that model is there. */
function asking(client: EngineClient, { view, exchange }: Copies) {
  let port: BorrowPort | null = null;
  let cancelled = false;
  const ask = async (stage: ModelStage): Promise<ColdStartView | null> => {
    const { insert, writerModel } = view.value?.plan ?? {};
    const run = () => client.runColdStart(stage);
    if (stage !== 'self' || insert !== 'model' || writerModel === undefined || port === null) return run();
    cancelled = false;
    const unlessCancelled = async () => (cancelled ? null : run());
    try {
      return await borrowModel(port, writerModel.id, unlessCancelled, (now) => {
        exchange.value = now;
      });
    } catch (thrown) {
      if (cancelled) return null;
      throw thrown;
    }
  };
  const pause = async (): Promise<void> => {
    if (exchange.value === null) return client.pauseColdStart();
    cancelled = true;
    if (exchange.value === 'there') await port?.cancel();
  };
  const useModels = (given: BorrowPort): void => {
    port = given;
  };
  return { ask, pause, useModels };
}

/** Commands that move the one in the making. */
function moves(client: EngineClient, made: Copies, { command, news }: Outcomes, closeLook: () => void) {
  const { view, work, refresh } = made;
  const { ask, ...moving } = asking(client, made);
  const shown = (next: ColdStartView | null): void => {
    if (next !== null) view.value = next;
  };
  return {
    ...moving,
    run: async (stage: ModelStage): Promise<void> => {
      closeLook();
      work.value = { stage, done: 0, total: 0, fraction: null, secondsLeft: null };
      const next = await command(() => ask(stage));
      work.value = null;
      shown(next);
      await refresh();
    },
    importLooks: async (files: Parameters<ColdStart['importLooks']>[0]): Promise<void> => {
      const found = await command(async () => client.importColdStartLooks(await onlyFile(files)));
      if (found === null) return;
      shown(found.view);
      news.value = { kind: 'imported', taken: found.taken, unknown: found.unknown };
    },
    exportFile: (what: 'tasks' | 'examples') => command(() => client.exportColdStart(what)),
    save: async (name: string): Promise<void> => {
      const dataset = await command(() => client.saveColdStart(name.trim()));
      if (dataset === null) return;
      await refresh();
      news.value = { kind: 'saved', dataset };
    },
    discard: async (): Promise<void> => {
      closeLook();
      const bytes = await command(() => client.deleteColdStart());
      await refresh();
      if (bytes !== null) news.value = { kind: 'deleted', bytes };
    },
  };
}

/** Makes the state over an engine's client. Nothing is fetched before {@link ColdStart.open}. */
export function createColdStart(client: EngineClient): ColdStart {
  const made = copies(client);
  const done = outcomes();
  const { look, ...editing } = editor(client, made, done);
  const { draft, ...settings } = settingsOf(client, made, done);
  const { view, known, work, exchange, unreadable, refresh } = made;
  const moving = moves(client, made, done, editing.closeLook);
  const atWork = computed(() => work.value !== null || view.value?.atWork === 'elsewhere');
  return {
    ...{ draft, view, known, work, exchange, look, ...settings, ...editing },
    ...moving,
    error: computed(() => done.error.value ?? unreadable.value),
    news: done.news,
    atWork,
    locked: computed(() => atWork.value || done.busy.value > 0),
    open: async () => {
      done.dismiss();
      await refresh();
    },
    begin: async () => {
      const begun = await done.command(() => client.beginColdStart(draft.value));
      if (begun === null) return;
      view.value = begun;
      await moving.run('rollouts');
    },
    dismiss: done.dismiss,
  };
}
