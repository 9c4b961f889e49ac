// Holds how a model comes to this device: what is offered, what was chosen with which settings, the verdict on it, and
// the download, which goes on while other pages are shown. Commands never throw: failures become `error`.

import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import { GENERATION_SETTINGS, QUESTION_TOKENS } from '../settings/generation_settings';
import type { EngineClient } from '../worker/client';
import type { NamedFile } from '../worker/protocol/library';
import type { FitRequest, HubChoice, ModelFit, StoredModel } from '../worker/protocol/models';
import type { HubState } from './hub_choice';
import type { Library } from './library';
import type { Look } from './look';
import { type CatalogueEntry, parseCatalogue } from './model_catalogue';
import { type Pace, paceAfter } from './pace';

/** What was chosen. */
export interface Chosen {
  readonly id: string;
  readonly revision: string;
  /** Where it comes from: with the page, over the hub, or from a folder. */
  readonly source: 'page' | 'hub' | 'folder';
}

/** The controls of a verdict. */
export type FitSize = Pick<FitRequest, 'precision' | 'maxImageTokens' | 'context'>;

/** A download under way, or paused. */
export interface Download extends Pace {
  readonly id: string;
  readonly revision: string;
  readonly state: 'downloading' | 'pausing' | 'paused';
}

/** The models page's state and commands. */
export interface Arrival {
  readonly catalogue: ReadonlySignal<readonly CatalogueEntry[]>;
  readonly hub: ReadonlySignal<HubChoice>;
  readonly chosen: ReadonlySignal<Chosen | null>;
  readonly size: ReadonlySignal<FitSize>;
  /** The verdict on what is chosen; null until it is known. */
  readonly fit: ReadonlySignal<ModelFit | null>;
  readonly judging: ReadonlySignal<boolean>;
  readonly download: ReadonlySignal<Download | null>;
  readonly error: ReadonlySignal<PlainError | null>;
  /** The copy, or the part of one, that is here of what is chosen. */
  readonly here: ReadonlySignal<StoredModel | null>;
  /** Fetches the catalogue, once. */
  open(): Promise<void>;
  /** Takes models from another address, or with another token. */
  useHub(choice: HubChoice): Promise<void>;
  choose(chosen: Chosen): Promise<void>;
  chooseFolder(files: Promise<readonly NamedFile[]>): Promise<void>;
  resize(change: Partial<FitSize>): Promise<void>;
  /** Judges what is chosen again. */
  judge(): Promise<void>;
  /** Downloads what is chosen, if it is not here, and loads it. */
  bring(): Promise<void>;
  /** Goes on with the download that was paused. */
  resume(): Promise<void>;
  pause(): Promise<void>;
  /** Ends a download and deletes what has arrived. */
  cancel(): Promise<void>;
  dismiss(): void;
}

/** What the page gives. */
export interface ArrivalParts {
  readonly client: EngineClient;
  readonly look: Pick<Look, 'loadModel' | 'setSettings' | 'session'>;
  readonly library: Pick<Library, 'models'>;
  readonly hub: HubState;
  fetchCatalogue(): Promise<unknown>;
  /** Monotonic milliseconds. */
  now(): number;
}

/** What is judged first: a question about a picture at the default cap, and a long answer. */
const FIRST_SIZE: FitSize = {
  precision: null,
  maxImageTokens: GENERATION_SETTINGS.maxImageTokens.default,
  context: 2048,
};

/** Makes the state; nothing is fetched before {@link Arrival.open}. */
export function createArrival(parts: ArrivalParts): Arrival {
  const w = writable(parts);
  follow(w);
  return {
    ...w.shown,
    open: async () => {
      if (w.catalogue.value.length > 0) return;
      await attempt(w, async () => {
        w.catalogue.value = parseCatalogue(await parts.fetchCatalogue());
      });
      await attempt(w, () => parts.hub.ready());
    },
    useHub: (choice) => useHub(w, choice),
    choose: (chosen) => choose(w, chosen),
    chooseFolder: (files) =>
      attempt(w, async () => {
        const { id } = await parts.client.addModelFolder(await files);
        await choose(w, { id, revision: '', source: 'folder' });
      }),
    resize: (change) => {
      w.size.value = { ...w.size.value, ...change };
      return judge(w);
    },
    judge: () => judge(w),
    bring: async () => {
      const chosen = w.chosen.value;
      if (chosen !== null) await bring(w, chosen);
    },
    resume: async () => {
      const download = w.download.value;
      if (download?.state === 'paused') await bring(w, { ...download, source: 'hub' });
    },
    pause: () => pause(w),
    cancel: () => cancel(w),
    dismiss: () => {
      w.error.value = null;
    },
  };
}

function writable(parts: ArrivalParts) {
  const catalogue = signal<readonly CatalogueEntry[]>([]);
  const hub = parts.hub.choice;
  const chosen = signal<Chosen | null>(null);
  const size = signal<FitSize>(FIRST_SIZE);
  const fit = signal<ModelFit | null>(null);
  const judging = signal(false);
  const download: Signal<Download | null> = signal(null);
  const error = signal<PlainError | null>(null);
  const here = computed(() => parts.library.models.value.find(({ id }) => id === chosen.value?.id) ?? null);
  return {
    parts,
    ...{ catalogue, hub, chosen, size, fit, judging, download, error },
    shown: { catalogue, hub, chosen, size, fit, judging, download, error, here },
    /** Counts verdicts, so that a late one about something else changes nothing. */
    judged: 0,
    /** Settles when the download under way has ended, whatever came of it. */
    ending: Promise.resolve() as Promise<unknown>,
  };
}

type Writable = ReturnType<typeof writable>;

async function attempt(w: Writable, run: () => Promise<void>): Promise<void> {
  w.error.value = null;
  try {
    await run();
  } catch (thrown) {
    w.error.value = plainError(thrown);
  }
}

function follow(w: Writable): void {
  w.parts.client.listen((events) => {
    for (const event of events) {
      const download = w.download.value;
      if (event.type !== 'downloadProgressed' || download?.id !== event.id) continue;
      w.download.value = { ...download, ...paceAfter(download, event.loaded, event.total, w.parts.now()) };
    }
  });
}

async function useHub(w: Writable, choice: HubChoice): Promise<void> {
  await attempt(w, async () => {
    await w.parts.hub.use(choice);
    if (w.chosen.value?.source === 'hub') await judge(w);
  });
}

async function choose(w: Writable, chosen: Chosen): Promise<void> {
  w.chosen.value = chosen;
  w.fit.value = null;
  await judge(w);
}

async function judge(w: Writable): Promise<void> {
  const chosen = w.chosen.value;
  if (chosen === null) return;
  w.judged += 1;
  const ticket = w.judged;
  w.judging.value = true;
  w.error.value = null;
  try {
    const { id, revision } = chosen;
    const fit = await w.parts.client.assessModel({ id, revision, ...w.size.value });
    if (ticket === w.judged) w.fit.value = fit;
  } catch (thrown) {
    if (ticket !== w.judged) return;
    w.fit.value = null;
    w.error.value = plainError(thrown);
  } finally {
    if (ticket === w.judged) w.judging.value = false;
  }
}

/** Downloads a model that is not here, then loads it with the chosen settings. */
async function bring(w: Writable, chosen: Chosen): Promise<void> {
  const { id, revision, source } = chosen;
  const { precision, maxImageTokens, context } = w.size.value;
  if (source === 'hub' && !(await downloaded(w, id, revision))) return;
  await attempt(w, async () => {
    const { look } = w.parts;
    await look.loadModel(id, precision === null ? {} : { precision });
    const { model } = look.session.value;
    if (model?.entry.id !== id) return;
    const maxNewTokens = Math.min(model.maxNewTokens, longestAnswer(maxImageTokens, context));
    look.setSettings({ maxImageTokens, maxNewTokens });
  });
}

/** What the context leaves for an answer after a question. */
function longestAnswer(maxImageTokens: number, context: number): number {
  return Math.max(1, context - maxImageTokens - QUESTION_TOKENS);
}

/** Whether the model is here whole in the end. */
async function downloaded(w: Writable, id: string, revision: string): Promise<boolean> {
  w.error.value = null;
  const fresh: Download = { id, revision, state: 'downloading', ...paceAfter(null, 0, 0, w.parts.now()) };
  const before = w.download.value;
  // What was shown of a paused download stays until more arrives.
  w.download.value = before?.id === id ? { ...fresh, loaded: before.loaded, total: before.total } : fresh;
  const done = w.parts.client.downloadModel(id, revision);
  w.ending = done.catch(() => undefined);
  try {
    await done;
    w.download.value = null;
    if (w.chosen.value?.id === id && w.fit.value !== null) w.fit.value = { ...w.fit.value, downloadBytes: 0 };
    return true;
  } catch (thrown) {
    const error = plainError(thrown);
    const download = w.download.value;
    const kept = download !== null && download.id === id;
    if (kept && download.total > 0 && w.chosen.value?.id === id && w.fit.value !== null)
      w.fit.value = { ...w.fit.value, downloadBytes: download.total - download.loaded };
    w.download.value = kept
      ? { ...download, state: 'paused', bytesPerSecond: null, secondsLeft: null }
      : null;
    if (error.code !== 'model/download-paused') w.error.value = error;
    return false;
  }
}

async function pause(w: Writable): Promise<void> {
  const download = w.download.value;
  if (download?.state !== 'downloading') return;
  w.download.value = { ...download, state: 'pausing' };
  await attempt(w, () => w.parts.client.pauseDownload());
}

async function cancel(w: Writable): Promise<void> {
  const download = w.download.value;
  if (download === null) return;
  await pause(w);
  await w.ending;
  await attempt(w, async () => {
    const stored = await w.parts.client.listStoredModels();
    const part = stored.find(({ id, whole }) => id === download.id && !whole);
    if (part !== undefined) await w.parts.client.deleteModel(part.key);
    w.download.value = null;
  });
}
