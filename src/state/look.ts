// Holds the Look page's state as signals, and what people can do there: load, choose a picture, ask, stop, select
// steps. `session` changes only by events and by this file's commands; views never write a signal directly.

import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { ColourWord } from '../data/world/colour_words';
import type { PictureFacts } from '../data/world/question';
import { DataError } from '../lib/errors';
import { type PlainError, plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type { ModelEntry } from '../worker/protocol/engine';
import { type Readout, readoutOf } from './attention_view';
import { type AdapterChoice, type Comparison, fitStrength, goesOn, type Side } from './compare';
import { backBands, type Card, layoutCards, type StepRange } from './segment_layout';
import * as select from './selection';
import {
  type Answer,
  type Asked,
  beginAnswer,
  EMPTY_SESSION,
  failAnswer,
  isOpen,
  recordedSteps,
  reduceSession,
  type Session,
} from './session';
import { DEFAULT_SETTINGS, FIXED_SETTINGS, modeFor, type Settings, settingsUsable } from './settings';

/** What the page provides: a clock, and a decoder for pictures that passed the check of their header. */
export interface PageServices {
  /** Monotonic milliseconds. */
  now(): number;
  /** Decodes for display, scaled down; rejects when the browser cannot read the file. */
  decode(blob: Blob): Promise<ImageBitmap>;
  /** What pocket sees of a picture's middle square; null where its pixels cannot be read. */
  seenCells(bitmap: ImageBitmap): Promise<SeenCells | null>;
}

/** A picture as pocket sees it: the colour word of each cell in raster order, null where none is clear, and questions. */
export interface SeenCells {
  readonly words: readonly (ColourWord | null)[];
  readonly questions: readonly string[];
}

/** What comes with a picture that somebody drew: questions with their answers, and what lies where. */
export interface KnownPicture {
  readonly questions: readonly KnownQuestion[];
  readonly facts: PictureFacts | null;
}

const NOTHING_KNOWN: KnownPicture = { questions: [], facts: null };

/** A picture that was chosen, checked and decoded for display. */
export interface Picture {
  /** Its own for each choice of a picture: names it to the engine, whose result names it back. */
  readonly id: string;
  readonly blob: Blob;
  readonly name: string;
  readonly bitmap: ImageBitmap;
  /** Questions that suit the picture: those that came with it, else suggestions by its colours. */
  readonly questions: readonly KnownQuestion[];
  readonly seen: SeenCells | null;
  /** The true answer of a question about it; null where nobody knows. */
  trueAnswer(question: string): string | null;
}

/** A question that suits a picture; its answer is known where the picture was drawn by us. */
export interface KnownQuestion {
  readonly text: string;
  readonly answer: string | null;
}

/** Times that the page itself measures, in milliseconds of the clock given. */
export interface Timing {
  readonly askedAt: number;
  readonly firstTokenAt: number | null;
  readonly lastTokenAt: number | null;
}

/** The state of the Look page and its commands. Commands never throw: failures become `session.error` or `pictureError`. */
export interface Look {
  readonly session: ReadonlySignal<Session>;
  readonly models: ReadonlySignal<readonly ModelEntry[]>;
  /** Id of the model that was last asked for. */
  readonly wantedModel: ReadonlySignal<string | null>;
  readonly loading: ReadonlySignal<boolean>;
  readonly picture: ReadonlySignal<Picture | null>;
  readonly pictureError: ReadonlySignal<PlainError | null>;
  /** The picture that the current answer is about; stays when another one is chosen. */
  readonly answerPicture: ReadonlySignal<Picture | null>;
  readonly question: ReadonlySignal<string>;
  readonly settings: ReadonlySignal<Settings>;
  readonly timing: ReadonlySignal<Timing | null>;
  readonly cards: ReadonlySignal<readonly Card[]>;
  readonly bands: ReadonlySignal<readonly StepRange[]>;
  readonly selection: ReadonlySignal<select.Selection>;
  /** What the pointer hovers; drawn like a selection while it lasts. */
  readonly preview: ReadonlySignal<StepRange | null>;
  /** Steps that every view shows: the preview, or else the selection. */
  readonly shown: ReadonlySignal<StepRange | null>;
  readonly readout: ReadonlySignal<Readout | null>;
  readonly canAsk: ReadonlySignal<boolean>;
  /** The adapter that the next question is asked with; null asks the base model. */
  readonly adapter: ReadonlySignal<AdapterChoice | null>;
  /** Whether questions go to the base model and to the adapter, one after the other. */
  readonly comparing: ReadonlySignal<boolean>;
  /** The last two answers to one question; null before the first, and after a question to one of them alone. */
  readonly comparison: ReadonlySignal<Comparison | null>;
  start(): Promise<void>;
  loadModel(id: string): Promise<void>;
  cancelLoad(): Promise<void>;
  /**
   * Takes a picture, or one that is still being fetched, and its first question: a question of one's own stays, one that
   * came with the picture before goes with it.
   */
  choosePicture(source: Blob | Promise<Blob>, name: string, known?: KnownPicture): Promise<void>;
  setQuestion(text: string): void;
  setSettings(change: Partial<Settings>): void;
  /** Chooses an adapter at the strength of the one before, or none; comparing ends with the adapter. */
  chooseAdapter(adapter: { readonly id: string; readonly name: string } | null): void;
  setStrength(strength: number): void;
  setComparing(comparing: boolean): void;
  /** Makes picture and selection about one of the two answers; only once both are closed. */
  showSide(side: Side): void;
  ask(): Promise<void>;
  stop(): Promise<void>;
  /** Asks the last question again; `seed` replaces the seed of settings first. */
  regenerate(seed?: number): Promise<void>;
  /** Starts the engine again after it crashed, and loads the model that was loaded. */
  restart(): Promise<void>;
  pin(step: number): void;
  pinRange(from: number, to: number): void;
  pinCard(card: Card): void;
  moveStep(by: -1 | 1, extend: boolean): void;
  moveCard(by: -1 | 1): void;
  nextBack(): void;
  toLive(): void;
  setPreview(range: StepRange | null): void;
}

/** The two answers of a comparison; the one shown is the session's own, and `kept` holds the other. */
interface Pair {
  readonly choice: AdapterChoice;
  readonly kept: Answer | null;
  readonly shown: Side;
}

function writable(client: EngineClient, page: PageServices) {
  const session = signal<Session>(EMPTY_SESSION);
  const answer = computed(() => session.value.answer);
  const cards = computed<readonly Card[]>(() => (answer.value === null ? [] : layoutCards(answer.value)));
  const selection = signal<select.Selection>(select.LIVE);
  const preview = signal<StepRange | null>(null);
  const space = computed<select.SelectionSpace>(() => ({
    count: recordedSteps(answer.value),
    cards: cards.value,
  }));
  const shown = computed(() => {
    const { count } = space.value;
    const hover = preview.value;
    if (hover !== null && count > 0 && hover.from < count) {
      return { from: hover.from, to: Math.min(hover.to, count - 1) };
    }
    return select.resolve(selection.value, space.value);
  });
  return {
    client,
    page,
    session,
    cards,
    bands: computed<readonly StepRange[]>(() => backBands(cards.value)),
    selection,
    preview,
    space,
    shown,
    readout: computed<Readout | null>(() => {
      if (answer.value === null || shown.value === null) return null;
      return readoutOf(answer.value, cards.value, shown.value);
    }),
    models: signal<readonly ModelEntry[]>([]),
    wantedModel: signal<string | null>(null),
    loading: signal(false),
    picture: signal<Picture | null>(null),
    pictureError: signal<PlainError | null>(null),
    answerPicture: signal<Picture | null>(null),
    question: signal(''),
    settings: signal<Settings>(DEFAULT_SETTINGS),
    timing: signal<Timing | null>(null),
    adapter: signal<AdapterChoice | null>(null),
    comparing: signal(false),
    pair: signal<Pair | null>(null),
    // Counts the answers and the pictures, so that a late outcome of an earlier one changes nothing.
    asks: 0,
    /** Settles when the last command to generate has; the next one waits for it. */
    generating: Promise.resolve() as Promise<unknown>,
    choices: 0,
    /** The load under way. */
    underWay: null as { readonly id: string; readonly done: Promise<void> } | null,
  };
}

type Writable = ReturnType<typeof writable>;

function receive(w: Writable): void {
  w.client.listen((events) => {
    batch(() => {
      w.session.value = reduceSession(w.session.value, events);
      const timing = w.timing.value;
      if (timing !== null && events.some((event) => event.type === 'tokensGenerated')) {
        const at = w.page.now();
        w.timing.value = { ...timing, firstTokenAt: timing.firstTokenAt ?? at, lastTokenAt: at };
      }
      if (events.some((event) => event.type === 'storeChanged' && event.store === 'models')) {
        void quietly(listModels(w));
      }
      if (events.some((event) => event.type === 'modelLoaded')) {
        w.settings.value = modeFor(w.settings.value, w.session.value.model);
      }
    });
  });
}

async function listModels(w: Writable): Promise<void> {
  w.models.value = await w.client.listModels();
}

/** Loads a model; whoever wants the one that is being loaded waits for it, as the engine takes one load at a time. */
function loadModel(w: Writable, id: string): Promise<void> {
  if (w.underWay?.id === id) return w.underWay.done;
  const done = loadAnew(w, id).finally(() => {
    if (w.underWay?.done === done) w.underWay = null;
  });
  w.underWay = { id, done };
  return done;
}

async function loadAnew(w: Writable, id: string): Promise<void> {
  // An adapter belongs to one base model.
  if (w.wantedModel.value !== id) chooseAdapter(w, null);
  w.wantedModel.value = id;
  w.loading.value = true;
  w.session.value = { ...w.session.value, error: null, model: null };
  try {
    const model = await w.client.load(id);
    if (w.wantedModel.value !== id) return;
    batch(() => {
      w.session.value = { ...w.session.value, model, load: null };
      w.settings.value = modeFor(w.settings.value, model);
    });
  } catch (thrown) {
    if (w.wantedModel.value !== id) return;
    w.session.value = { ...w.session.value, error: plainError(thrown), load: null };
  } finally {
    if (w.wantedModel.value === id) w.loading.value = false;
  }
}

async function start(w: Writable): Promise<void> {
  w.session.value = { ...w.session.value, error: null, model: null, device: null, deviceTrouble: null };
  w.loading.value = true;
  w.underWay = null;
  try {
    await w.client.start();
    await listModels(w);
  } catch (thrown) {
    w.session.value = { ...w.session.value, error: plainError(thrown) };
  }
  w.loading.value = false;
  const id = w.wantedModel.value ?? w.models.value[0]?.id;
  if (id !== undefined && w.session.value.error === null) await loadModel(w, id);
}

async function decode(w: Writable, blob: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await w.page.decode(blob);
  } catch (cause) {
    const message = `${name} is not a picture that this browser can read: choose a PNG, JPEG, WebP or GIF.`;
    throw new DataError('data/image', message, { name }, cause);
  }
}

/** Answers questions about a picture by what came with it; of a drawn sheet, any question that can be read. */
async function answersOf({ questions, facts }: KnownPicture): Promise<Picture['trueAnswer']> {
  const listed = (question: string) => questions.find(({ text }) => text === question)?.answer ?? null;
  if (facts === null) return listed;
  const { answerAbout } = await import('../data/world/question_reader');
  return (question) => listed(question) ?? answerAbout(question, facts);
}

async function choosePicture(
  w: Writable,
  source: Blob | Promise<Blob>,
  name: string,
  known: KnownPicture,
): Promise<void> {
  w.choices += 1;
  const choice = w.choices;
  try {
    const blob = await source;
    // Fetched with the first picture: the page is there before anything is chosen.
    const { requirePicture } = await import('../data/image/picture_check');
    await requirePicture(blob, name);
    const bitmap = await decode(w, blob, name);
    const seen = await w.page.seenCells(bitmap);
    const trueAnswer = await answersOf(known);
    if (choice !== w.choices) return;
    const suggested = seen?.questions.map((text) => ({ text, answer: null })) ?? [];
    const questions = known.questions.length > 0 ? known.questions : suggested;
    batch(() => {
      const before = w.picture.value?.questions.map(({ text }) => text) ?? [];
      if (['', ...before].includes(w.question.value.trim())) w.question.value = questions[0]?.text ?? '';
      w.picture.value = { id: `picture ${choice}`, blob, name, bitmap, questions, seen, trueAnswer };
      w.pictureError.value = null;
    });
  } catch (thrown) {
    if (choice === w.choices) w.pictureError.value = plainError(thrown);
  }
}

/** One answer to be asked for; `adapterName` null asks the base model, `pair` says which comparison it is a part of. */
interface Order {
  readonly picture: Picture;
  readonly asked: Asked;
  readonly adapterName: string | null;
  readonly pair: Pair | null;
}

/** Asks for one answer and waits until it is closed. */
async function askOnce(w: Writable, { picture, asked, adapterName, pair }: Order): Promise<void> {
  w.asks += 1;
  const ticket = w.asks;
  batch(() => {
    w.pair.value = pair;
    w.session.value = beginAnswer(w.session.value, asked, adapterName);
    w.answerPicture.value = picture;
    w.selection.value = select.LIVE;
    w.preview.value = null;
    w.timing.value = { askedAt: w.page.now(), firstTokenAt: null, lastTokenAt: null };
  });
  try {
    // An answer is finished by its event, which comes after its tokens; the command may resolve before them.
    const before = w.generating.catch(() => undefined);
    w.generating = before.then(() => w.client.generate({ image: picture.blob, ...asked }));
    await w.generating;
    await closed(w, ticket);
  } catch (thrown) {
    if (ticket === w.asks) w.session.value = failAnswer(w.session.value, plainError(thrown));
  }
}

/** Resolves when the answer of that ticket is closed, or when another one took its place. */
function closed(w: Writable, ticket: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (ticket === w.asks && isOpen(w.session.value.answer)) return;
      resolve();
      // Not at once: an effect that is done from the start has nothing to stop yet.
      queueMicrotask(() => stop());
    });
  });
}

async function ask(w: Writable, picture: Picture, question: string): Promise<void> {
  const settings = { ...w.settings.value, ...FIXED_SETTINGS };
  const about = { picture: picture.id, question, expected: picture.trueAnswer(question) };
  const asked = { ...about, ...settings, capture: true, adapter: null };
  const choice = w.adapter.value;
  const base: Order = { picture, asked, adapterName: null, pair: null };
  if (choice === null) return askOnce(w, base);
  const withAdapter: Order = {
    ...base,
    asked: { ...asked, adapter: { id: choice.id, strength: choice.strength } },
    adapterName: choice.name,
  };
  if (!w.comparing.value) return askOnce(w, withAdapter);
  const pair: Pair = { choice, kept: null, shown: 'base' };
  await askOnce(w, { ...base, pair });
  const first = w.session.value.answer;
  if (w.pair.value !== pair || !goesOn(first)) return;
  await askOnce(w, { ...withAdapter, pair: { choice, kept: first, shown: 'adapter' } });
}

function chooseAdapter(w: Writable, adapter: { readonly id: string; readonly name: string } | null): void {
  batch(() => {
    const strength = w.adapter.value?.strength ?? 1;
    w.adapter.value = adapter === null ? null : { id: adapter.id, name: adapter.name, strength };
    if (adapter === null) w.comparing.value = false;
  });
}

function showSide(w: Writable, side: Side): void {
  const pair = w.pair.value;
  const { answer } = w.session.value;
  if (pair === null || pair.shown === side || pair.kept === null || isOpen(answer)) return;
  batch(() => {
    w.session.value = { ...w.session.value, answer: pair.kept };
    w.pair.value = { ...pair, kept: answer, shown: side };
    w.selection.value = select.LIVE;
    w.preview.value = null;
  });
}

function adapterCommands(w: Writable) {
  return {
    comparison: computed<Comparison | null>(() => {
      const pair = w.pair.value;
      if (pair === null) return null;
      const { answer } = w.session.value;
      const { choice, kept, shown } = pair;
      const sides = shown === 'base' ? { base: answer, adapter: kept } : { base: kept, adapter: answer };
      return { choice, shown, ...sides };
    }),
    chooseAdapter: (adapter: { readonly id: string; readonly name: string } | null) =>
      chooseAdapter(w, adapter),
    setStrength: (strength: number) => {
      if (w.adapter.value !== null) w.adapter.value = { ...w.adapter.value, strength: fitStrength(strength) };
    },
    setComparing: (comparing: boolean) => {
      w.comparing.value = comparing && w.adapter.value !== null;
    },
    showSide: (side: Side) => showSide(w, side),
  };
}

/** Commands that may be refused because they came a moment too late; the refusal is not news. */
async function quietly(command: Promise<void>): Promise<void> {
  try {
    await command;
  } catch {
    // The engine's own events say what became of it.
  }
}

function selectionCommands(w: Writable) {
  const set = (selection: select.Selection) =>
    batch(() => {
      w.selection.value = selection;
      w.preview.value = null;
    });
  return {
    pin: (step: number) => set(select.pinStep(step, w.space.value)),
    pinRange: (from: number, to: number) => set(select.pinRange(from, to, w.space.value)),
    pinCard: (card: Card) => set(select.pinCard(card, w.space.value)),
    moveStep: (by: -1 | 1, extend: boolean) =>
      set((extend ? select.extendStep : select.moveStep)(w.selection.value, by, w.space.value)),
    moveCard: (by: -1 | 1) => set(select.moveCard(w.selection.value, by, w.space.value)),
    nextBack: () => set(select.nextBack(w.selection.value, w.space.value)),
    toLive: () => set(select.LIVE),
    setPreview: (range: StepRange | null) => {
      w.preview.value = range;
    },
  };
}

/** Makes the state of one Look page over an engine's client. */
export function createLook(client: EngineClient, page: PageServices): Look {
  const w = writable(client, page);
  receive(w);
  const canAsk = computed(() => {
    const { model, answer, deviceTrouble } = w.session.value;
    const busy = w.loading.value || isOpen(answer) || deviceTrouble === 'recovering';
    const asked = w.picture.value !== null && w.question.value.trim() !== '';
    return model !== null && !busy && asked && settingsUsable(w.settings.value, model);
  });
  const { session, models, wantedModel, loading, picture, pictureError, answerPicture, question } = w;
  const { settings, timing, cards, bands, selection, preview, shown, readout, adapter, comparing } = w;
  return {
    ...{ session, models, wantedModel, loading, picture, pictureError, answerPicture, question },
    ...{ settings, timing, cards, bands, selection, preview, shown, readout, adapter, comparing },
    ...selectionCommands(w),
    ...adapterCommands(w),
    canAsk,
    start: () => start(w),
    loadModel: (id) => loadModel(w, id),
    cancelLoad: () => quietly(client.cancelLoad()),
    choosePicture: (source, name, known = NOTHING_KNOWN) => choosePicture(w, source, name, known),
    setQuestion: (text) => {
      w.question.value = text;
    },
    setSettings: (change) => {
      w.settings.value = modeFor({ ...w.settings.value, ...change }, w.session.value.model);
    },
    ask: async () => {
      if (canAsk.value && w.picture.value !== null) await ask(w, w.picture.value, w.question.value.trim());
    },
    stop: () => quietly(client.stop()),
    regenerate: async (seed) => {
      const { answer, model } = w.session.value;
      const picture = w.answerPicture.value;
      if (answer === null || picture === null || model === null || isOpen(answer)) return;
      if (seed !== undefined) w.settings.value = { ...w.settings.value, seed };
      if (!settingsUsable(w.settings.value, model)) return;
      await ask(w, picture, answer.asked.question);
    },
    restart: () => start(w),
  };
}
