// Asks questions and holds what their answers are about: of one model, or of the base model and then of the adapter, whose
// two answers stay side by side.

import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type PlainError, plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type { EarlierTurn, HeadAttention } from '../worker/protocol/answers';
import type { EngineEvent } from '../worker/protocol/messages';
import { type AdapterChoice, type Comparison, goesOn, type Side } from './compare';
import type { LookAdapter } from './look_adapter';
import type { LookModel } from './look_model';
import type { LookPicture, Picture } from './look_picture';
import type { LookSelection } from './look_selection';
import type { ReadingPace } from './reading_pace';
import { type Answer, type Asked, beginAnswer, failAnswer, isOpen, type Session } from './session';
import { FIXED_SETTINGS, settingsUsable } from './settings';

/** Times that the page itself measures, in milliseconds of the clock given. */
export interface Timing {
  readonly askedAt: number;
  readonly firstTokenAt: number | null;
  readonly lastTokenAt: number | null;
  /** Tokens that arrived, whether or not they are shown yet. */
  readonly tokens: number;
}

/** The answer under way or the last one. */
export interface LookAnswer {
  /** The pictures that the current answer is about; they stay when others are chosen. Empty before the first. */
  readonly answerPictures: ReadonlySignal<readonly Picture[]>;
  readonly timing: ReadonlySignal<Timing | null>;
  readonly canAsk: ReadonlySignal<boolean>;
  /** The last two answers to one question; null before the first, and after a question to one of them alone. */
  readonly comparison: ReadonlySignal<Comparison | null>;
  /** Turns that the next question can go on from: those of the answer shown; empty where it cannot. */
  readonly turns: ReadonlySignal<readonly EarlierTurn[]>;
  /** Whether the next question goes on from them. */
  readonly following: ReadonlySignal<boolean>;
  setFollowing(on: boolean): void;
  /** Makes picture and selection about one of the two answers; only once both are closed. */
  showSide(side: Side): void;
  /**
   * Shows an answer that the engine does not give now: a recorded one, or a part of an earlier one; with `comparison` two,
   * `answer` being the one of the side that is shown.
   */
  showAnswer(answer: Answer, pictures: readonly Picture[], comparison?: Comparison | null): void;
  /** Asks what is to be asked next, once the pictures that were chosen for it are read; nothing where that cannot be. */
  ask(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Runs the answer shown again up to one of its tokens, for its attention in every layer and head; `stop` ends it.
   * Rejects with a PlainError.
   */
  attendByHead(step: number): Promise<HeadAttention>;
  /** Asks the last question again; `seed` replaces the seed of settings first. */
  regenerate(seed?: number): Promise<void>;
}

/** The answer, and what the engine reports of it. */
export interface LookAnswerTold extends LookAnswer {
  take(events: readonly EngineEvent[]): void;
}

/** What asking takes: the engine, the page's clock, and the stores that say what to ask. */
export interface AskingParts {
  readonly client: Pick<EngineClient, 'generate' | 'attendByHead' | 'stop'>;
  /** Monotonic milliseconds. */
  now(): number;
  readonly session: Signal<Session>;
  readonly model: Pick<LookModel, 'loading' | 'settings' | 'setSettings'>;
  readonly next: Pick<LookPicture, 'pictures' | 'countFits' | 'question' | 'picturesRead'>;
  readonly target: Pick<LookAdapter, 'adapter' | 'comparing' | 'setComparing'>;
  readonly steps: Pick<LookSelection, 'toLive'>;
  /** Where what the engine reported may still wait to be shown. */
  readonly pace: Pick<ReadingPace, 'flush'>;
}

/** The two answers of a comparison; the one shown is the session's own, and `kept` holds the other. */
interface Pair {
  readonly choice: AdapterChoice;
  readonly kept: Answer | null;
  readonly shown: Side;
}

/** One answer to be asked for; `adapterName` null asks the base model, `pair` says which comparison it is a part of. */
interface Order {
  readonly pictures: readonly Picture[];
  readonly asked: Asked;
  readonly adapterName: string | null;
  readonly pair: Pair | null;
}

class Asking {
  readonly parts: AskingParts;
  readonly answerPictures = signal<readonly Picture[]>([]);
  readonly timing = signal<Timing | null>(null);
  readonly pair = signal<Pair | null>(null);
  /** Counts the answers, so that a late outcome of an earlier one changes nothing. */
  #asks = 0;
  /** Settles when the last command to generate has; the next one waits for it. */
  #generating: Promise<unknown> = Promise.resolve();

  constructor(parts: AskingParts) {
    this.parts = parts;
  }

  /** Asks the base model, the adapter, or one after the other. */
  async ask(pictures: readonly Picture[], question: string, earlier: readonly EarlierTurn[]): Promise<void> {
    const { model, session, target } = this.parts;
    const settings = { ...model.settings.value, ...FIXED_SETTINGS };
    const turns = earlier.length > 0 ? { earlier } : {};
    // What is known of one picture says nothing of several.
    const expected = pictures.length === 1 ? (pictures[0]?.trueAnswer(question) ?? null) : null;
    const about = { picture: nameOf(pictures), question, expected, ...turns };
    const asked = { ...about, ...settings, capture: true, adapter: null };
    const choice = target.adapter.value;
    const base: Order = { pictures, asked, adapterName: null, pair: null };
    // Two answers of before may be on show side by side, where a single one has no place.
    if (choice === null) target.setComparing(false);
    if (choice === null) return this.#once(base);
    const withAdapter: Order = {
      ...base,
      asked: { ...asked, adapter: { id: choice.id, strength: choice.strength } },
      adapterName: choice.name,
    };
    if (!target.comparing.value) return this.#once(withAdapter);
    const pair: Pair = { choice, kept: null, shown: 'base' };
    await this.#once({ ...base, pair });
    const first = session.value.answer;
    if (this.pair.value !== pair || !goesOn(first)) return;
    await this.#once({ ...withAdapter, pair: { choice, kept: first, shown: 'adapter' } });
  }

  /** Asks for one answer and waits until it is closed. */
  async #once({ pictures, asked, adapterName, pair }: Order): Promise<void> {
    const { client, session, steps, pace, now } = this.parts;
    this.#asks += 1;
    const ticket = this.#asks;
    batch(() => {
      this.pair.value = pair;
      session.value = beginAnswer(session.value, asked, adapterName);
      this.answerPictures.value = pictures;
      steps.toLive();
      this.timing.value = { askedAt: now(), firstTokenAt: null, lastTokenAt: null, tokens: 0 };
    });
    try {
      // An answer is finished by its event, which comes after its tokens; the command may resolve before them.
      const before = this.#generating.catch(() => undefined);
      const images = pictures.map(({ blob }) => blob);
      this.#generating = before.then(() => client.generate({ images, ...asked }));
      await this.#generating;
      await this.#closed(ticket);
    } catch (thrown) {
      pace.flush();
      if (ticket === this.#asks) session.value = failAnswer(session.value, plainError(thrown));
    }
  }

  /** Resolves when the answer of that ticket is closed, or when another one took its place. */
  #closed(ticket: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = effect(() => {
        if (ticket === this.#asks && isOpen(this.parts.session.value.answer)) return;
        resolve();
        // Not at once: an effect that is done from the start has nothing to stop yet.
        queueMicrotask(() => stop());
      });
    });
  }

  showSide(side: Side): void {
    const { session, steps } = this.parts;
    const pair = this.pair.value;
    const { answer } = session.value;
    if (pair === null || pair.shown === side || pair.kept === null || isOpen(answer)) return;
    batch(() => {
      session.value = { ...session.value, answer: pair.kept };
      this.pair.value = { ...pair, kept: answer, shown: side };
      steps.toLive();
    });
  }

  showAnswer(answer: Answer, pictures: readonly Picture[], comparison: Comparison | null = null): void {
    const { session } = this.parts;
    this.#asks += 1;
    batch(() => {
      this.pair.value = pairOf(comparison);
      this.timing.value = null;
      this.answerPictures.value = pictures;
      session.value = { ...session.value, answer };
    });
  }

  async regenerate(seed?: number): Promise<void> {
    const { session, model } = this.parts;
    const { answer, model: loaded } = session.value;
    const pictures = this.answerPictures.value;
    if (answer === null || loaded === null || isOpen(answer)) return;
    if (seed !== undefined) model.setSettings({ seed });
    if (!settingsUsable(model.settings.value, loaded)) return;
    await this.ask(pictures, answer.asked.question, answer.asked.earlier ?? []);
  }

  async attendByHead(step: number): Promise<HeadAttention> {
    const { session, client } = this.parts;
    const { answer } = session.value;
    if (answer === null) throw { code: 'engine/state', message: 'There is no answer.' } satisfies PlainError;
    const { question, mode, earlier, maxImageTokens, adapter } = answer.asked;
    const asked = { question, mode, maxImageTokens, adapter, ...(earlier === undefined ? {} : { earlier }) };
    const images = this.answerPictures.value.map(({ blob }) => blob);
    const ids = answer.steps.slice(0, step + 1).map(({ id }) => id);
    return client.attendByHead({ images, ...asked, ids });
  }

  take(events: readonly EngineEvent[]): void {
    const timing = this.timing.value;
    const arrived = events.flatMap((event) => (event.type === 'tokensGenerated' ? event.tokens : []));
    if (timing === null || arrived.length === 0) return;
    const at = this.parts.now();
    const tokens = timing.tokens + arrived.length;
    this.timing.value = { ...timing, firstTokenAt: timing.firstTokenAt ?? at, lastTokenAt: at, tokens };
  }
}

function comparisonOf(pair: Pair | null, answer: Answer | null): Comparison | null {
  if (pair === null) return null;
  const { choice, kept, shown } = pair;
  const sides = shown === 'base' ? { base: answer, adapter: kept } : { base: kept, adapter: answer };
  return { choice, shown, ...sides };
}

function pairOf(comparison: Comparison | null): Pair | null {
  if (comparison === null) return null;
  const { choice, shown } = comparison;
  return { choice, shown, kept: shown === 'base' ? comparison.adapter : comparison.base };
}

/** Names pictures to the engine, in their order; its result names them back. */
export function nameOf(pictures: readonly Picture[]): string {
  return pictures.map(({ id }) => id).join(', ');
}

/** The conversation that the answer shown ends; empty while it runs, and for models that know single questions only. */
export function turnsAfter({ answer, model }: Session): readonly EarlierTurn[] {
  if (answer?.status !== 'finished' || answer.recorded || model === null || !model.followsUp) return [];
  if (answer.modelLabel !== model.entry.label) return [];
  const { earlier = [], question, mode } = answer.asked;
  return [...earlier, { question, mode, answer: answer.text }];
}

/** No answer at first. */
export function createLookAnswer(parts: AskingParts): LookAnswerTold {
  const { client, session, model, next, target } = parts;
  const asking = new Asking(parts);
  const canAsk = computed(() => {
    const { model: loaded, answer, deviceTrouble } = session.value;
    const busy = model.loading.value || isOpen(answer) || deviceTrouble === 'recovering';
    const asked = next.pictures.value.length > 0 && next.question.value.trim() !== '';
    const usable = next.countFits.value && settingsUsable(model.settings.value, loaded);
    return loaded !== null && !busy && asked && usable;
  });
  const following = signal(false);
  const turns = computed(() => {
    const same = nameOf(asking.answerPictures.value) === nameOf(next.pictures.value);
    const sameSubject = same && !target.comparing.value;
    return sameSubject ? turnsAfter(session.value) : [];
  });
  return {
    answerPictures: asking.answerPictures,
    timing: asking.timing,
    canAsk,
    turns,
    following,
    setFollowing: (on) => {
      following.value = on;
    },
    comparison: computed(() => comparisonOf(asking.pair.value, session.value.answer)),
    showSide: (side) => asking.showSide(side),
    showAnswer: (...shown) => asking.showAnswer(...shown),
    ask: async () => {
      if (!canAsk.value) return;
      // Who chooses a picture and asks at once asks about that picture, not about the one before.
      const reading = next.picturesRead();
      if (reading !== null) await reading;
      if (!canAsk.value) return;
      const earlier = following.value ? turns.value : [];
      await asking.ask(next.pictures.value, next.question.value.trim(), earlier);
    },
    // Refused when it comes a moment too late; the engine's own events say what became of it.
    stop: () => {
      parts.pace.flush();
      return client.stop().catch(() => undefined);
    },
    attendByHead: (step) => asking.attendByHead(step),
    regenerate: (seed) => asking.regenerate(seed),
    take: (events) => asking.take(events),
  };
}
