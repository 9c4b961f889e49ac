// Holds one model on one device: acquires the device, loads the model, lends it to one answer at a time, and starts over
// when the device is lost. After any failure the state says what can be done next.

import type { Tokenizer } from '../../data/text/tokenizer';
import { GRID_SIDE } from '../../data/world/grid';
import type { GpuContext } from '../../gpu/device';
import { GpuError } from '../../lib/errors';
import { untilAborted } from '../../lib/interruption';
import { plainError } from '../../lib/plain_error';
import { differingModes } from '../../lookback/prompts';
import type { Reasoner } from '../../lookback/reasoner';
import type { ModelFiles, VisionLanguageModel } from '../../model/vision_language_model';
import type {
  DeviceSummary,
  EngineState,
  LoadChoice,
  LoadCommands,
  LoadedModel,
  LoadPhase,
  ModelEntry,
} from '../../worker/protocol/engine';
import type { EngineEvent } from '../../worker/protocol/messages';
import type { EventQueue } from './engine_events';
import { type EngineOutcome, StateError, stateAfterCommand, stateAfterOutcome } from './engine_state';
import { GpuTurns } from './gpu_turns';
import { Interludes } from './interludes';
import type { ListedModel, ModelRegistry } from './model_registry';

/** The part of a {@link Reasoner} that the engine uses; tests script it. */
export type EngineModel = Pick<
  Reasoner,
  | 'prompts'
  | 'square'
  | 'followsUp'
  | 'maxPictures'
  | 'maxTokens'
  | 'see'
  | 'prepare'
  | 'prepareSeen'
  | 'start'
  | 'captureHeads'
  | 'warmUp'
  | 'setAdapter'
  | 'destroy'
> & {
  readonly model: Pick<VisionLanguageModel, 'parameterCount' | 'config' | 'precision'>;
  readonly processor: {
    readonly tokenizer: Pick<Tokenizer, 'encodePlain' | 'decode' | 'lookUpWords' | 'vocabulary'>;
  };
};

/** What the engine is made of. */
export interface EngineParts<M> {
  /** Asks the platform for a device. Rejects with GpuError. */
  acquireDevice(): Promise<GpuContext>;
  readonly registry: Pick<ModelRegistry, 'list' | 'open'>;
  loadModel(
    gpu: GpuContext,
    files: ModelFiles,
    options: LoadChoice & { onProgress: (loaded: number, total: number) => void; signal: AbortSignal },
  ): Promise<M>;
  /** What speaks against the weights of a model that was just put on the device, in words; null for nothing. */
  doubtOf?(model: M, entry: ListedModel): Promise<string | null>;
  /** Told of every model that was loaded because somebody asked for it. */
  onLoaded?(loaded: Loaded<M>): void;
  /** Facts on their way to the page. */
  readonly events: EventQueue;
  /** Resolves after a delay; a timer by default. */
  readonly sleep?: (delayMs: number) => Promise<void>;
}

/** The loaded model with its device. */
export interface Loaded<M = EngineModel> {
  readonly gpu: GpuContext;
  readonly model: M;
  readonly entry: ListedModel;
  /** Read again after a lost device: small models in memory, those of the hub on disk. */
  readonly files: ModelFiles;
  readonly choice: LoadChoice;
}

/** Something that was made from the loaded model, and has to go before the model does. */
export interface ModelUser {
  /** Throws when the model must stay, e.g. `train/busy`. */
  checkRelease?(): void;
  /** Frees what was made from the model. */
  release(): void;
}

/** A graphics process needs a moment to come back after a crash. */
const RECOVERY_DELAYS_MS = [100, 400, 1000, 2500];

function summaryOf({ traits }: GpuContext): DeviceSummary {
  const { description, vendor, architecture, software, shaderF16 } = traits;
  return { description, vendor, architecture, software, shaderF16 };
}

function entryOf({ id, label, folder, bytes }: ListedModel): ModelEntry {
  return { id, label, folder, bytes };
}

/** One engine. Its public methods of {@link LoadCommands} are the page's commands. */
export class Engine<M extends EngineModel> implements LoadCommands {
  readonly #parts: EngineParts<M>;
  #state: EngineState = 'idle';
  #gpu: GpuContext | undefined;
  #loaded: Loaded<M> | undefined;
  #loading: AbortController | undefined;
  #answering: AbortController | undefined;
  readonly #users: ModelUser[] = [];
  #watchers: (() => void)[] = [];
  readonly #interludes = new Interludes();

  /** Shares the device between answers and training. */
  readonly turns = new GpuTurns();

  constructor(parts: EngineParts<M>) {
    this.#parts = parts;
  }

  /** Has a user of the model released before the model is replaced, after all users were asked. */
  addUser(user: ModelUser): void {
    this.#users.push(user);
  }

  /** The loaded model; undefined before the first and while the device is gone. */
  get loaded(): Loaded<M> | undefined {
    return this.#loaded;
  }

  /**
   * The model on the device that follows a lost one.
   * @throws GpuError `gpu/device-lost` when none came back; the signal's reason when aborted
   */
  async loadedAfter(lost: GpuContext, signal: AbortSignal): Promise<Loaded<M>> {
    for (;;) {
      signal.throwIfAborted();
      const loaded = this.#loaded;
      if (loaded !== undefined && loaded.gpu !== lost && this.#state !== 'loading') return loaded;
      if (this.#gpu !== lost && (this.#state === 'failed' || this.#state === 'idle')) {
        throw new GpuError(
          'gpu/device-lost',
          'The graphics device was lost and none came back: reload the page.',
        );
      }
      await untilAborted(new Promise<void>((resolve) => this.#watchers.push(resolve)), signal);
    }
  }

  /** Reports a fact to the page. */
  emit(event: EngineEvent): void {
    this.#parts.events.push(event);
  }

  /** Where events go from here on; the first is the state. */
  async connect(port: MessagePort): Promise<{ version: 5 }> {
    this.#parts.events.connect(port);
    this.emit({ type: 'stateChanged', state: this.#state });
    return { version: 5 };
  }

  /** See the protocol. */
  async listModels(): Promise<readonly ModelEntry[]> {
    return (await this.#parts.registry.list()).map(entryOf);
  }

  /** See the protocol. */
  async load(modelId: string, choice: LoadChoice = {}): Promise<LoadedModel> {
    if (this.#interludes.running) await this.#interludes.end();
    const next = stateAfterCommand(this.#state, 'load');
    for (const user of this.#users) user.checkRelease?.();
    for (const user of this.#users) user.release();
    this.#enter(next);
    const controller = new AbortController();
    this.#loading = controller;
    try {
      this.#unload();
      const gpu = await this.device();
      const download = (loaded: number, total: number): void => this.#progress('download', loaded, total);
      const { entry, files } = await this.#parts.registry.open(modelId, download, controller.signal);
      const fact = await this.#putOnDevice({ gpu, entry, files, choice }, controller.signal).catch(
        (error) => {
          files.close?.();
          throw error;
        },
      );
      if (this.#loaded !== undefined) this.#parts.onLoaded?.(this.#loaded);
      this.#finish('loaded');
      return fact;
    } catch (error) {
      this.#loadEnded(error, controller);
      throw error;
    }
  }

  #loadEnded(error: unknown, controller: AbortController): void {
    // A newer load (recovery after a lost device) is not this one's to end.
    if (this.#loading !== controller) return;
    this.#loading = undefined;
    if (controller.signal.aborted) this.#finish('loadCancelled');
    else {
      this.emit({ type: 'failed', error: plainError(error) });
      this.#finish('loadFailed');
    }
  }

  /** See the protocol. */
  async cancelLoad(): Promise<void> {
    this.#loading?.abort();
  }

  /** Ends the running answer within a step or two. */
  stopAnswering(): void {
    this.#answering?.abort();
  }

  /**
   * Lends the loaded model to one answer, in its turn on the device; the state is `generating` meanwhile.
   * @throws StateError when no model is ready; what `work` throws
   */
  async answering<T>(work: (loaded: Loaded<M>, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#interludes.running) await this.#interludes.end();
    return this.#lend(work);
  }

  /** As {@link answering}, for what is worth less than an answer: the next question or load ends it. */
  interlude<T>(work: (loaded: Loaded<M>, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#interludes.run((ended) =>
      this.#lend((loaded, signal) => work(loaded, AbortSignal.any([signal, ended]))),
    );
  }

  async #lend<T>(work: (loaded: Loaded<M>, signal: AbortSignal) => Promise<T>): Promise<T> {
    const next = stateAfterCommand(this.#state, 'generate');
    const loaded = this.#loaded;
    if (loaded === undefined) throw new StateError(this.#state, 'generate');
    this.#enter(next);
    const controller = new AbortController();
    this.#answering = controller;
    const { signal } = controller;
    try {
      return await this.turns.answer(() => work(loaded, signal), signal);
    } finally {
      if (this.#answering === controller) {
        this.#answering = undefined;
        this.#finish('answered');
      }
    }
  }

  /** The device, acquired once and watched until it is lost. Rejects with GpuError. */
  async device(): Promise<GpuContext> {
    if (this.#gpu !== undefined && !this.#gpu.isLost()) return this.#gpu;
    this.#progress('device', 0, 1);
    const gpu = await this.#parts.acquireDevice();
    this.#gpu = gpu;
    void gpu.lost.then((info) => this.#deviceLost(gpu, info.message || info.reason || 'no reason given'));
    this.emit({ type: 'deviceReady', device: summaryOf(gpu) });
    this.#progress('device', 1, 1);
    return gpu;
  }

  async #putOnDevice(parts: Omit<Loaded<M>, 'model'>, signal: AbortSignal): Promise<LoadedModel> {
    const { gpu, entry, files, choice } = parts;
    this.#progress('check', 0, 1);
    const onProgress = (loaded: number, total: number): void => this.#progress('upload', loaded, total);
    const model = await gpu.untilLost(this.#parts.loadModel(gpu, files, { ...choice, onProgress, signal }));
    let doubt: string | null = null;
    try {
      signal.throwIfAborted();
      this.#progress('compile', 0, 1);
      const compiled = (): void => {
        this.#progress('compile', 1, 1);
        this.#progress('warm-up', 0, 1);
      };
      await gpu.untilLost(model.warmUp(compiled));
      signal.throwIfAborted();
      doubt = (await gpu.untilLost(Promise.resolve(this.#parts.doubtOf?.(model, entry)))) ?? null;
      signal.throwIfAborted();
      this.#progress('warm-up', 1, 1);
    } catch (error) {
      if (!gpu.isLost()) model.destroy();
      throw error;
    }
    this.#loaded = { ...parts, model };
    const fact = loadedModel(entry, model, doubt);
    this.emit({ type: 'modelLoaded', model: fact });
    return fact;
  }

  /** Starts over on a new device, once per loss. The running answer fails; what it wrote stays with the page. */
  async #deviceLost(gpu: GpuContext, message: string): Promise<void> {
    if (this.#gpu !== gpu) return;
    this.#gpu = undefined;
    const before = this.#loaded;
    this.#loaded = undefined;
    this.#answering = undefined;
    const loading = stateAfterOutcome(this.#state, 'deviceLost');
    // Nothing was loaded or loading: the next load asks for a device of its own.
    if (loading === null || before === undefined) {
      this.emit({ type: 'deviceLost', message, recovering: false });
      return;
    }
    this.emit({ type: 'deviceLost', message, recovering: true });
    this.#enter(loading);
    const controller = new AbortController();
    this.#loading = controller;
    try {
      const found = await this.#deviceAgain(controller.signal);
      await this.#putOnDevice({ ...before, gpu: found }, controller.signal);
      this.emit({ type: 'deviceRestored', device: summaryOf(found) });
      this.#finish('loaded');
    } catch (error) {
      before.files.close?.();
      if (this.#loading === controller && !controller.signal.aborted) {
        this.emit({ type: 'deviceLost', message: plainError(error).message, recovering: false });
      }
      this.#loadEnded(error, controller);
    }
  }

  /** Asks for a device several times: the graphics process takes a moment to restart. */
  async #deviceAgain(signal: AbortSignal): Promise<GpuContext> {
    for (const delayMs of RECOVERY_DELAYS_MS) {
      await this.#sleep(delayMs);
      signal.throwIfAborted();
      try {
        return await this.device();
      } catch (error) {
        if (!(error instanceof GpuError)) throw error;
      }
    }
    return this.device();
  }

  /** Frees the loaded model; on a lost device there is nothing to free. */
  #unload(): void {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    if (loaded === undefined) return;
    if (!loaded.gpu.isLost()) loaded.model.destroy();
    loaded.files.close?.();
  }

  #sleep(delayMs: number): Promise<void> {
    return this.#parts.sleep?.(delayMs) ?? new Promise((resolve) => setTimeout(resolve, delayMs));
  }

  #progress(phase: LoadPhase, loaded: number, total: number): void {
    this.emit({ type: 'loadProgressed', phase, loaded, total });
  }

  #enter(state: EngineState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit({ type: 'stateChanged', state });
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }

  #finish(outcome: EngineOutcome): void {
    if (outcome !== 'answered') this.#loading = undefined;
    const state = stateAfterOutcome(this.#state, outcome);
    if (state !== null) this.#enter(state);
    this.#parts.events.flush();
  }
}

function loadedModel(
  entry: ListedModel,
  { model, prompts, square, followsUp, maxPictures, maxTokens }: EngineModel,
  doubt: string | null,
): LoadedModel {
  return {
    entry: entryOf(entry),
    parameters: model.parameterCount,
    layers: model.config.text.numHiddenLayers,
    heads: model.config.text.numAttentionHeads,
    modes: differingModes(prompts),
    square,
    seesCells: prompts.grid === GRID_SIDE,
    followsUp,
    maxPictures,
    maxNewTokens: Math.min(prompts.maxNewTokens, maxTokens),
    knows: prompts.knows,
    doubt,
  };
}
