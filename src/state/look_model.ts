// Starts the engine, lists and loads its models, and holds the settings that fit the loaded one. An adapter belongs to one
// base model: another model is loaded without it.

import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { plainError } from '../lib/plain_error';
import type { EngineClient } from '../worker/client';
import type { LoadChoice, ModelEntry } from '../worker/protocol/engine';
import type { EngineEvent } from '../worker/protocol/messages';
import type { LookAdapter } from './look_adapter';
import type { Session } from './session';
import { DEFAULT_SETTINGS, modeFor, type Settings } from './settings';

/** The engine's models and what the next answer is set to. */
export interface LookModel {
  readonly models: ReadonlySignal<readonly ModelEntry[]>;
  /** Id of the model that was last asked for. */
  readonly wantedModel: ReadonlySignal<string | null>;
  readonly loading: ReadonlySignal<boolean>;
  readonly settings: ReadonlySignal<Settings>;
  start(): Promise<void>;
  /**
   * Loads a model, without a choice as it was loaded last; whoever wants the one that is being loaded waits for it, as the
   * engine takes one load at a time.
   */
  loadModel(id: string, choice?: LoadChoice): Promise<void>;
  cancelLoad(): Promise<void>;
  setSettings(change: Partial<Settings>): void;
  /** Starts the engine again after it crashed, and loads the model that was loaded. */
  restart(): Promise<void>;
}

/** The models, and what the engine reports of them. */
export interface LookModelTold extends LookModel {
  /** Takes events that {@link Session} was reduced by. */
  take(events: readonly EngineEvent[]): void;
}

/** What loading takes of the engine. */
type LoadingClient = Pick<EngineClient, 'start' | 'listModels' | 'load' | 'cancelLoad'>;

class Loading {
  readonly models = signal<readonly ModelEntry[]>([]);
  readonly wantedModel = signal<string | null>(null);
  readonly loading = signal(false);
  readonly #client: LoadingClient;
  readonly #change: (changes: Partial<Session>) => void;
  /** Called before another model than the one before is loaded. */
  readonly #leave: () => void;
  /** How models were chosen to be loaded, by their ids. */
  readonly #choices = new Map<string, LoadChoice>();
  #underWay: { readonly id: string; readonly done: Promise<void> } | null = null;

  constructor(client: LoadingClient, change: (changes: Partial<Session>) => void, leave: () => void) {
    this.#client = client;
    this.#change = change;
    this.#leave = leave;
  }

  async list(): Promise<void> {
    this.models.value = await this.#client.listModels();
  }

  async start(): Promise<void> {
    this.#change({ error: null, model: null, device: null, deviceTrouble: null });
    this.loading.value = true;
    this.#underWay = null;
    let started = true;
    try {
      await this.#client.start();
      await this.list();
    } catch (thrown) {
      started = false;
      this.#change({ error: plainError(thrown) });
    }
    this.loading.value = false;
    const id = this.wantedModel.value ?? this.models.value[0]?.id;
    if (id !== undefined && started) await this.load(id);
  }

  load(id: string, choice?: LoadChoice): Promise<void> {
    if (choice !== undefined) this.#choices.set(id, choice);
    if (this.#underWay?.id === id) return this.#underWay.done;
    const done = this.#anew(id).finally(() => {
      if (this.#underWay?.done === done) this.#underWay = null;
    });
    this.#underWay = { id, done };
    return done;
  }

  async #anew(id: string): Promise<void> {
    if (this.wantedModel.value !== id) this.#leave();
    this.wantedModel.value = id;
    this.loading.value = true;
    this.#change({ error: null, model: null });
    try {
      const model = await this.#client.load(id, this.#choices.get(id));
      if (this.wantedModel.value === id) this.#change({ model, load: null });
    } catch (thrown) {
      if (this.wantedModel.value === id) this.#change({ error: plainError(thrown), load: null });
    } finally {
      if (this.wantedModel.value === id) this.loading.value = false;
    }
  }
}

/** Nothing is asked of the engine before `start`. */
export function createLookModel(
  client: LoadingClient,
  session: Signal<Session>,
  { chooseAdapter }: Pick<LookAdapter, 'chooseAdapter'>,
): LookModelTold {
  const settings = signal<Settings>(DEFAULT_SETTINGS);
  const setSettings = (changes: Partial<Settings>): void => {
    settings.value = modeFor({ ...settings.value, ...changes }, session.value.model);
  };
  const change = (changes: Partial<Session>): void =>
    batch(() => {
      session.value = { ...session.value, ...changes };
      if (changes.model) setSettings({});
    });
  const loading = new Loading(client, change, () => chooseAdapter(null));
  const start = (): Promise<void> => loading.start();
  return {
    ...{ models: loading.models, wantedModel: loading.wantedModel, loading: loading.loading },
    ...{ settings, setSettings, start, restart: start },
    loadModel: (id, choice) => loading.load(id, choice),
    // Refused when it comes a moment too late; the engine's own events say what became of it.
    cancelLoad: () => client.cancelLoad().catch(() => undefined),
    take: (events) => {
      const changed = (event: EngineEvent): boolean =>
        event.type === 'storeChanged' && event.store === 'models';
      if (events.some(changed)) loading.list().catch(() => undefined);
      if (events.some(({ type }) => type === 'modelLoaded')) setSettings({});
    },
  };
}
