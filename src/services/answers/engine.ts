// The engine behind the Worker: commands in, facts out, one model on one device, and its recovery when that is lost.
// Not a composition root (engine.worker.ts) and no maths: what it runs is passed in, so that it runs whole in Node.
// Invariant: every command settles; after any failure the state says what can be done next.

import type { DecodedImage } from '../../data/image/decode_image';
import type { Tokenizer } from '../../data/text/tokenizer';
import type { GeneratedAnswer } from '../../generation/generate';
import type { PreparedPrompt } from '../../generation/processor';
import type { GpuContext } from '../../gpu/device';
import { ArgumentError, DataError, GpuError } from '../../lib/errors';
import { plainError } from '../../lib/plain_error';
import { isOutsideShapesWorld } from '../../lookback/outside_world';
import type { Reasoner } from '../../lookback/reasoner';
import type { LoraAdapter } from '../../model/lora';
import type { ModelFiles, VisionLanguageModel } from '../../model/vision_language_model';
import { GENERATION_SETTINGS } from '../../settings/generation_settings';
import { effectiveProblems, readerOf, throwProblems } from '../../settings/read_settings';
import { REASONING_MODES } from '../../settings/train_settings';
import type {
  AnswerCommands,
  GenerateRequest,
  GenerateResult,
  PromptFact,
  Segment,
} from '../../worker/protocol/answers';
import type {
  DeviceSummary,
  EngineState,
  LoadCommands,
  LoadedModel,
  LoadPhase,
  ModelEntry,
} from '../../worker/protocol/engine';
import type { EngineEvent } from '../../worker/protocol/messages';
import { EventQueue, type Schedule } from './engine_events';
import { type EngineOutcome, StateError, stateAfterCommand, stateAfterOutcome } from './engine_state';
import { GpuTurns } from './gpu_turns';
import type { ListedModel, ModelRegistry } from './model_registry';

/** The part of a {@link Reasoner} that the engine uses; tests script it. */
export type EngineModel = Pick<
  Reasoner,
  'prompts' | 'square' | 'maxTokens' | 'prepare' | 'start' | 'warmUp' | 'setAdapter' | 'destroy'
> & {
  readonly model: Pick<VisionLanguageModel, 'parameterCount' | 'config'>;
  readonly processor: { readonly tokenizer: Pick<Tokenizer, 'encodePlain' | 'decode'> };
};

/** What the engine is made of. */
export interface EngineParts {
  /** Asks the platform for a device. Rejects with GpuError. */
  acquireDevice(): Promise<GpuContext>;
  readonly registry: Pick<ModelRegistry, 'list' | 'open'>;
  loadModel(
    gpu: GpuContext,
    files: ModelFiles,
    options: { onProgress: (loaded: number, total: number) => void; signal: AbortSignal },
  ): Promise<EngineModel>;
  decodeImage(file: Blob): Promise<DecodedImage>;
  /** Milliseconds on a clock that never runs backwards. */
  now(): number;
  readonly schedule?: Schedule;
  /** Resolves after a delay; a timer by default. */
  readonly sleep?: (delayMs: number) => Promise<void>;
}

/** The loaded model with its device. */
export interface Loaded {
  readonly gpu: GpuContext;
  readonly model: EngineModel;
  readonly entry: ListedModel;
  /** Kept in memory, so that a lost device costs no second download. */
  readonly files: ModelFiles;
}

/** What training and the library have to say when the engine acts. */
export interface EngineCompanions {
  /** Before a model is replaced: frees what was made from it. Throws `train/busy` when it must stay. */
  beforeUnload(): void;
  /** An adapter of the library on the device of the loaded model. */
  adapterFor(id: string, loaded: Loaded): Promise<LoraAdapter>;
}

/** A graphics process needs a moment to come back after a crash. */
const RECOVERY_DELAYS_MS = [100, 400, 1000, 2500];
const MAX_QUESTION_CHARACTERS = 8000;
const MAX_STRENGTH = 4;

function summaryOf({ traits }: GpuContext): DeviceSummary {
  const { description, vendor, architecture, software, shaderF16 } = traits;
  return { description, vendor, architecture, software, shaderF16 };
}

function entryOf({ id, label, folder, bytes, draft }: ListedModel): ModelEntry {
  return { id, label, folder, bytes, draft };
}

function checkRequest(request: GenerateRequest): void {
  const between = (value: number, low: number, high: number): boolean => value >= low && value <= high;
  const rules: readonly (readonly [boolean, string])[] = [
    [request.image instanceof Blob, 'image must be a file'],
    [request.question.trim() !== '', 'the question is empty'],
    [
      request.question.length <= MAX_QUESTION_CHARACTERS,
      `the question is longer than ${MAX_QUESTION_CHARACTERS} characters`,
    ],
    [
      request.adapter === null || between(request.adapter.strength, 0, MAX_STRENGTH),
      `the strength of an adapter must be from 0 to ${MAX_STRENGTH}`,
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken !== undefined) throw new ArgumentError(`This cannot be asked: ${broken[1]}.`);
  throwProblems(effectiveProblems(GENERATION_SETTINGS, readerOf(request)));
}

function promptFact(prepared: PreparedPrompt, image: DecodedImage, square: boolean): PromptFact {
  const { grid, padding, resizedWidth, resizedHeight, imageTokens } = prepared;
  return {
    promptTokens: prepared.prompt.inputIds.length,
    imageTokens,
    grid,
    sourceWidth: image.sourceWidth,
    sourceHeight: image.sourceHeight,
    padding,
    resizedWidth,
    resizedHeight,
    notes: image.notes,
    outsideWorld: square && isOutsideShapesWorld(image.pixels),
  };
}

function plainSegments(answer: GeneratedAnswer): Segment[] {
  return answer.segments().map(({ kind, start, end, tokenStart, tokenEnd, closed }) => ({
    kind,
    start,
    end,
    tokenStart,
    tokenEnd,
    closed,
  }));
}

/** One engine. Its methods are the commands of the protocol; they reject with PlainError. */
export class Engine implements LoadCommands, AnswerCommands {
  readonly #parts: EngineParts;
  readonly #events: EventQueue;
  #state: EngineState = 'idle';
  #gpu: GpuContext | undefined;
  #loaded: Loaded | undefined;
  #loading: AbortController | undefined;
  #answering: AbortController | undefined;
  #companions: EngineCompanions | undefined;
  #watchers: (() => void)[] = [];

  /** Shares the device between answers and training. */
  readonly turns = new GpuTurns();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#events = new EventQueue(parts.schedule);
  }

  /** Introduces training and the library, which are made after the engine. */
  accompany(companions: EngineCompanions): void {
    this.#companions = companions;
  }

  /** The loaded model; undefined before the first and while the device is gone. */
  get loaded(): Loaded | undefined {
    return this.#loaded;
  }

  /**
   * The model on the device that follows a lost one.
   * @throws GpuError `gpu/device-lost` when none came back; the signal's reason when aborted
   */
  async loadedAfter(lost: GpuContext, signal: AbortSignal): Promise<Loaded> {
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
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** Reports a fact to the page. */
  emit(event: EngineEvent): void {
    this.#events.push(event);
  }

  /** Sends what was reported so far. */
  flush(): void {
    this.#events.flush();
  }

  /** Runs a command; whatever it throws is rejected as a PlainError, after the facts that led to it. */
  async settle<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      this.#events.flush();
      throw plainError(error);
    }
  }

  /** Where events go from here on; the first is the state. */
  async connect(port: MessagePort): Promise<{ version: 2 }> {
    this.#events.connect(port);
    this.emit({ type: 'stateChanged', state: this.#state });
    return { version: 2 };
  }

  /** See the protocol. */
  async listModels(): Promise<readonly ModelEntry[]> {
    return this.settle(async () => (await this.#parts.registry.list()).map(entryOf));
  }

  /** See the protocol. */
  async load(modelId: string): Promise<LoadedModel> {
    return this.settle(async () => {
      const next = stateAfterCommand(this.#state, 'load');
      this.#companions?.beforeUnload();
      this.#enter(next);
      const controller = new AbortController();
      this.#loading = controller;
      try {
        this.#unload();
        const gpu = await this.#device();
        const download = (loaded: number, total: number): void => this.#progress('download', loaded, total);
        const { entry, files } = await this.#parts.registry.open(modelId, download, controller.signal);
        const loaded = await this.#putOnDevice(gpu, entry, files, controller.signal);
        this.#finish('loaded');
        return loaded;
      } catch (error) {
        this.#loadEnded(error, controller);
        throw error;
      }
    });
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

  /** See the protocol. */
  async stop(): Promise<void> {
    this.#answering?.abort();
  }

  /** See the protocol. */
  async generate(request: GenerateRequest): Promise<GenerateResult> {
    return this.settle(async () => {
      const next = stateAfterCommand(this.#state, 'generate');
      const loaded = this.#loaded;
      if (loaded === undefined) throw new StateError(this.#state, 'generate');
      checkRequest(request);
      this.#enter(next);
      const controller = new AbortController();
      this.#answering = controller;
      try {
        const { signal } = controller;
        return await this.turns.answer(() => this.#answer(loaded, request, signal), signal);
      } finally {
        if (this.#answering === controller) {
          this.#answering = undefined;
          this.#finish('answered');
        }
      }
    });
  }

  async #answer(loaded: Loaded, request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    const { model, gpu } = loaded;
    const began = this.#parts.now();
    const image = await this.#parts.decodeImage(request.image);
    const prepared = model.prepare({ image: image.pixels, text: request.question, mode: request.mode });
    this.emit({ type: 'promptReady', prompt: promptFact(prepared, image, model.square) });
    const promptTokens = prepared.prompt.inputIds.length;
    const room = model.maxTokens - promptTokens;
    if (room < 1) {
      const message = `The question takes ${promptTokens} tokens; the model has ${model.maxTokens}: shorten it, or use a smaller picture.`;
      throw new DataError('data/prompt-length', message, { promptTokens });
    }
    const { temperature, topP, topK, repetitionPenalty, seed } = request;
    const maxNewTokens = Math.min(request.maxNewTokens ?? model.prompts.maxNewTokens, room);
    const sampling = { temperature, topP, topK, minP: 0, repetitionPenalty, seed, maxNewTokens };
    await this.#apply(request.adapter, loaded);
    const capture = request.capture ? 'maps' : 'none';
    const { answer, events } = await untilLost(gpu, model.start({ prepared, sampling }, { capture, signal }));
    let first = 0;
    let last = began;
    for (;;) {
      const item = await untilLost(gpu, events.next());
      if (item.done) break;
      const event = item.value;
      if (event.type === 'attention') {
        this.#events.pushAttention(event.step, event.shares, event.map);
        continue;
      }
      last = this.#parts.now();
      if (event.step === 0) first = last;
      const { step, id, text } = event;
      const fact = { step, id, text, shares: null, map: null, atMs: last - began };
      this.#events.pushToken(fact, () => plainSegments(answer));
    }
    const result = this.#resultOf(answer, { promptTokens, seed, began, first, last });
    this.emit({ type: 'generationFinished', result, segments: plainSegments(answer) });
    // Facts and results travel on different ports: the facts get a head start.
    this.#events.flush();
    await this.#sleep(0);
    return result;
  }

  /** Puts the adapter of a question before the model, or none. */
  async #apply(wanted: GenerateRequest['adapter'], loaded: Loaded): Promise<void> {
    if (wanted === null || this.#companions === undefined) return loaded.model.setAdapter(null);
    const adapter = await untilLost(loaded.gpu, this.#companions.adapterFor(wanted.id, loaded));
    adapter.setStrength(wanted.strength);
    loaded.model.setAdapter(adapter);
  }

  #resultOf(
    answer: GeneratedAnswer,
    at: { promptTokens: number; seed: number; began: number; first: number; last: number },
  ): GenerateResult {
    const generatedTokens = answer.ids.length;
    const decodeMs = at.last - at.first;
    return {
      text: answer.text,
      answer: answer.boxed,
      stats: {
        promptTokens: at.promptTokens,
        generatedTokens,
        timeToFirstTokenMs: generatedTokens > 0 ? at.first - at.began : 0,
        totalMs: this.#parts.now() - at.began,
        tokensPerSecond: generatedTokens > 1 && decodeMs > 0 ? ((generatedTokens - 1) * 1000) / decodeMs : 0,
        seed: at.seed,
        finishReason: answer.finishReason ?? 'stopped',
      },
    };
  }

  /** The device, acquired once and watched until it is lost. */
  async #device(): Promise<GpuContext> {
    if (this.#gpu !== undefined && !this.#gpu.isLost()) return this.#gpu;
    this.#progress('device', 0, 1);
    const gpu = await this.#parts.acquireDevice();
    this.#gpu = gpu;
    void gpu.lost.then((info) => this.#deviceLost(gpu, info.message || info.reason || 'no reason given'));
    this.emit({ type: 'deviceReady', device: summaryOf(gpu) });
    this.#progress('device', 1, 1);
    return gpu;
  }

  async #putOnDevice(
    gpu: GpuContext,
    entry: ListedModel,
    files: ModelFiles,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    this.#progress('check', 0, 1);
    const onProgress = (loaded: number, total: number): void => this.#progress('upload', loaded, total);
    const model = await untilLost(gpu, this.#parts.loadModel(gpu, files, { onProgress, signal }));
    try {
      signal.throwIfAborted();
      this.#progress('compile', 0, 1);
      const compiled = (): void => {
        this.#progress('compile', 1, 1);
        this.#progress('warm-up', 0, 1);
      };
      await untilLost(gpu, model.warmUp(compiled));
      signal.throwIfAborted();
      this.#progress('warm-up', 1, 1);
    } catch (error) {
      if (!gpu.isLost()) model.destroy();
      throw error;
    }
    this.#loaded = { gpu, model, entry, files };
    const fact = loadedModel(entry, model);
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
      await this.#putOnDevice(found, before.entry, before.files, controller.signal);
      this.emit({ type: 'deviceRestored', device: summaryOf(found) });
      this.#finish('loaded');
    } catch (error) {
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
        return await this.#device();
      } catch (error) {
        if (!(error instanceof GpuError)) throw error;
      }
    }
    return this.#device();
  }

  /** Frees the loaded model; on a lost device there is nothing to free. */
  #unload(): void {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    if (loaded !== undefined && !loaded.gpu.isLost()) loaded.model.destroy();
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
    this.#events.flush();
  }
}

function loadedModel(entry: ListedModel, { model, prompts, square, maxTokens }: EngineModel): LoadedModel {
  return {
    entry: entryOf(entry),
    parameters: model.parameterCount,
    layers: model.config.text.numHiddenLayers,
    heads: model.config.text.numAttentionHeads,
    modes: REASONING_MODES.filter((mode) => prompts.modes[mode] !== undefined),
    square,
    maxNewTokens: Math.min(prompts.maxNewTokens, maxTokens),
    knows: prompts.knows,
  };
}

/**
 * Waits for `work`, but no longer than the device lives: work on a lost device may never settle.
 * @throws GpuError `gpu/device-lost`
 */
export async function untilLost<T>(gpu: GpuContext, work: Promise<T>): Promise<T> {
  const lost = gpu.lost.then((info): never => {
    throw new GpuError('gpu/device-lost', `The graphics device was lost: ${info.message || info.reason}`, {
      reason: info.reason,
    });
  });
  try {
    return await Promise.race([work, lost]);
  } catch (error) {
    // Whatever a call on a lost device complained about, the loss is the reason.
    if (gpu.isLost()) return lost;
    throw error;
  } finally {
    lost.catch(() => undefined);
    work.catch(() => undefined);
  }
}
