// Holds one batch of sequences that are being generated: caches, device state, prompt pass, and decode steps in
// flight. The host only writes prompts and reads results a step behind; ids, lengths and positions advance on the
// device. A decode step creates no GPU object.

import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { ReadbackRing, type ReadbackSlot } from '../gpu/readback_ring';
import { packStop, SAMPLING_WORDS } from '../kernels/sampler';
import { KEY_CLASS, KEY_CLASSES, SEQUENCE_WORDS, sequenceWord } from '../kernels/sequence_words';
import { ArgumentError, ShapeError } from '../lib/errors';
import type { Program } from '../tensor/program';
import { allocateTensor, writeTensor } from '../tensor/tensor_memory';
import { bucketSize } from './buckets';
import type { ModelConfig } from './config';
import {
  buildDecodeProgram,
  buildPrefixProgram,
  buildPromptProgram,
  type CaptureShape,
  type SequenceState,
} from './decode_program';
import { type EncodedImages, ImageEncoder } from './image_encoder';
import { KvCache, promptKeyClasses } from './kv_cache';
import {
  type PackedPrompts,
  type PromptInput,
  packPrompts,
  packSamplingBatch,
  packSequences,
  packSharedSequences,
  type SamplingOptions,
} from './prompt_packing';
import type { ModelOnDevice } from './prompt_program';
import { linearRopeTables } from './rope_index';

/** Attention to record while decoding. */
export interface CaptureOptions {
  /** Layers whose maps over image tokens are kept; class masses are always kept for all layers. */
  readonly mapLayers: readonly number[] | 'all';
}

/** Size of a session; memory is allocated for it once. */
export interface SessionOptions {
  readonly batch: number;
  /** Tokens per sequence, prompt included. */
  readonly capacity: number;
  readonly capture?: CaptureOptions | undefined;
  /** Image tokens per prompt that maps can hold; needed with maps. */
  readonly maxImageTokens?: number | undefined;
  /** Steps submitted before the result of one is read; default 2. */
  readonly stepsAhead?: number | undefined;
  /** Ids that end a sequence; default those of the model's config. */
  readonly eosTokenIds?: readonly number[] | undefined;
  /** Prompts that {@link GenerationSession.prefillShared} can hold besides the sequences; default 0. */
  readonly prefixes?: number | undefined;
  /** Features shared with others; default an encoder of its own. */
  readonly images?: ImageEncoder | undefined;
}

/** A prompt with how to sample each of the completions that share it. */
export interface SharedPrompt {
  readonly prompt: PromptInput;
  readonly sampling: readonly SamplingOptions[];
}

/** What one step produced. */
export interface StepResult {
  /** 0 is the token sampled by the prompt pass. */
  readonly step: number;
  /** [B] newly sampled ids. */
  readonly ids: Uint32Array;
  /** Per sequence: finished with this token or before. */
  readonly done: readonly boolean[];
  /** [B, layers, 5] class masses, mean over heads, of the query that is the previous generated token. */
  readonly shares?: Float32Array;
  /** [B, mapLayers, mapSize] probability of each image token, mean over heads; same query. */
  readonly map?: Float32Array;
}

/** What a session is made of; the scope owns all of it but images that others share. */
interface SessionParts {
  readonly scope: GpuScope;
  readonly mapLayers: readonly number[];
  readonly cache: KvCache;
  readonly state: SequenceState;
  readonly decode: Program;
  readonly images: ImageEncoder;
  readonly ring: ReadbackRing;
}

const STEPS_AHEAD = 2;
const TOKEN_UNIT = 16;

/** Generates for a batch of prompts; may be prefilled again. */
export class GenerationSession {
  readonly options: SessionOptions;
  readonly mapLayers: readonly number[];
  readonly #model: ModelOnDevice;
  readonly #cache: KvCache;
  readonly #state: SequenceState;
  readonly #decode: Program;
  readonly #ring: ReadbackRing;
  readonly #prompts = new Map<string, Program>();
  readonly #images: ImageEncoder;
  readonly #scope: GpuScope;
  #pending: { step: number; slot: ReadbackSlot }[] = [];
  /** Number of the step that is submitted next. */
  #next = 1;
  #longest = 0;

  private constructor(model: ModelOnDevice, options: SessionOptions, parts: SessionParts) {
    this.options = options;
    this.mapLayers = parts.mapLayers;
    this.#model = model;
    this.#scope = parts.scope;
    this.#cache = parts.cache;
    this.#state = parts.state;
    this.#decode = parts.decode;
    this.#images = parts.images;
    this.#ring = parts.ring;
  }

  /**
   * Allocates caches and compiles the decode step.
   * @throws ArgumentError for sizes out of range; GpuError when memory or limits do not suffice
   */
  static create(model: ModelOnDevice, options: SessionOptions): Promise<GenerationSession> {
    return inScope(model.gpu, (scope) => GenerationSession.#create(scope, model, options));
  }

  static async #create(
    scope: GpuScope,
    model: ModelOnDevice,
    options: SessionOptions,
  ): Promise<GenerationSession> {
    const { gpu, config } = model;
    const { text } = config;
    if (options.capacity > text.maxPositionEmbeddings) {
      throw new ArgumentError(
        `${options.capacity} tokens exceed the model's ${text.maxPositionEmbeddings} positions.`,
      );
    }
    const { batch, capacity, prefixes = 0, maxImageTokens = 0, stepsAhead = STEPS_AHEAD } = options;
    const cache = scope.own(new KvCache(gpu, text, batch + prefixes, capacity));
    const state = createState(scope, config, options);
    const layers = Array.from({ length: text.numHiddenLayers }, (_, layer) => layer);
    const mapLayers = options.capture
      ? options.capture.mapLayers === 'all'
        ? layers
        : options.capture.mapLayers
      : [];
    const capture: CaptureShape | undefined = options.capture
      ? { mapLayers, mapSize: maxImageTokens }
      : undefined;
    const decode = scope.own(await buildDecodeProgram(model, batch, cache, state, capture));
    const images = options.images ?? scope.own(new ImageEncoder(model));
    const bytes = resultBytes(options, mapLayers.length, text.numHiddenLayers);
    const ring = scope.own(new ReadbackRing(gpu, bytes, stepsAhead + 2, 'steps'));
    return new GenerationSession(model, options, { scope, mapLayers, cache, state, decode, images, ring });
  }

  /** Dispatches of one decode step. */
  get dispatchesPerStep(): number {
    return this.#decode.dispatches;
  }

  /** The cache, for tests and parity. */
  get cache(): KvCache {
    return this.#cache;
  }

  /** The decode program, for tests, parity and profiles. */
  get decodeProgram(): Program {
    return this.#decode;
  }

  /**
   * Runs the vision tower and the prompt pass, and samples the first token of every sequence.
   * Fewer prompts than the batch leave the other sequences finished.
   * @throws ArgumentError when a prompt with its new tokens does not fit; ModelError when images and tokens disagree
   */
  async prefill(
    prompts: readonly PromptInput[],
    sampling: readonly SamplingOptions[],
    signal?: AbortSignal,
  ): Promise<StepResult> {
    await this.#drain();
    const { config, gpu } = this.#model;
    const packed = packPrompts(
      prompts,
      config,
      this.options.capacity,
      (live) => bucketSize(live, TOKEN_UNIT),
      this.options.batch,
    );
    const program = await this.#promptProgram(packed, await this.#encode(prompts, signal), 'sample');
    this.#writeState(packed, prompts, sampling);
    writePrompt(program, packed);
    const slot = this.#ring.acquire();
    try {
      await program.run(signal, (encoder) => slot.copy(encoder, [this.#state.sequences.region]));
    } catch (error) {
      slot.release();
      throw error;
    }
    this.#next = 1;
    this.#longest = Math.max(...prompts.map(({ inputIds }) => inputIds.length));
    gpu.check();
    return this.#decodeResult(0, await slot.take());
  }

  /**
   * Runs each prompt once into a slot of its own, and sets up its completions to share it: they begin with the prompt's
   * last token, which the first {@link step} (step 0) feeds to every one of them. Other sequences stay finished.
   * @param groups at most `prefixes` of them, with at most `batch` completions together
   * @throws as {@link prefill}
   */
  async prefillShared(groups: readonly SharedPrompt[], signal?: AbortSignal): Promise<void> {
    await this.#drain();
    const { batch, capacity, prefixes = 0 } = this.options;
    const count = groups.reduce((sum, { sampling }) => sum + sampling.length, 0);
    if (count > batch) throw new ArgumentError(`${count} completions do not fit a session of ${batch}.`);
    const prompts = groups.map(({ prompt }) => prompt);
    const bucket = (live: number): number => bucketSize(live, TOKEN_UNIT);
    const packed = packPrompts(prompts, this.#model.config, capacity, bucket, prefixes, batch);
    const program = await this.#promptProgram(packed, await this.#encode(prompts, signal), 'cache');
    this.#writeShared(packed, groups);
    writePrompt(program, packed);
    await program.run(signal);
    // The first token comes from the first step; that of a plain prefill comes from the prompt itself.
    this.#next = 0;
    this.#longest = 1;
    this.#model.gpu.check();
  }

  /** Decode steps that still fit the cache. */
  get stepsLeft(): number {
    return this.options.capacity - this.#longest - (this.#next - 1);
  }

  /**
   * The next token of every sequence. Up to two further steps are in flight when it resolves.
   * @throws ArgumentError when the cache is full
   */
  async step(): Promise<StepResult> {
    while (this.#pending.length <= (this.options.stepsAhead ?? STEPS_AHEAD) && this.stepsLeft > 0)
      this.#submitStep();
    const next = this.#pending.shift();
    if (!next) throw new ArgumentError(`The session's ${this.options.capacity} tokens are used up.`);
    return this.#decodeResult(next.step, await next.slot.take());
  }

  /** Frees caches, state and programs. */
  destroy(): void {
    this.#scope.destroy();
  }

  #submitStep(): void {
    const slot = this.#ring.acquire();
    const results = [this.#state.sequences.region];
    if (this.options.capture) {
      results.push(this.#decode.region('shares'));
      if (this.#hasMap()) results.push(this.#decode.region('map'));
    }
    this.#decode.submit((encoder) => slot.copy(encoder, results));
    this.#pending.push({ step: this.#next++, slot });
  }

  async #drain(): Promise<void> {
    for (const { slot } of this.#pending.splice(0)) await slot.take();
  }

  #hasMap(): boolean {
    return this.mapLayers.length > 0 && (this.options.maxImageTokens ?? 0) > 0;
  }

  #decodeResult(step: number, bytes: ArrayBuffer): StepResult {
    const { batch, capture, maxImageTokens = 0 } = this.options;
    const words = new Uint32Array(bytes, 0, SEQUENCE_WORDS * batch);
    const ids = sequenceWord(words, 'token');
    const done = Array.from(sequenceWord(words, 'done'), (word) => word === 1);
    if (!capture || step === 0) return { step, ids, done };
    const shareCount = batch * this.#model.config.text.numHiddenLayers * KEY_CLASSES;
    const shares = new Float32Array(bytes, words.byteLength, shareCount);
    if (!this.#hasMap()) return { step, ids, done, shares };
    const map = new Float32Array(
      bytes,
      words.byteLength + shares.byteLength,
      batch * this.mapLayers.length * maxImageTokens,
    );
    return { step, ids, done, shares, map };
  }

  #encode(prompts: readonly PromptInput[], signal?: AbortSignal): Promise<EncodedImages | undefined> {
    return this.#images.encode(
      prompts.flatMap((prompt) => prompt.images),
      signal,
    );
  }

  async #promptProgram(
    packed: PackedPrompts,
    images: EncodedImages | undefined,
    purpose: 'sample' | 'cache',
  ): Promise<Program> {
    const key = `${purpose} ${packed.tokens}:${images?.rows ?? 0}`;
    let program = this.#prompts.get(key);
    if (!program) {
      const { batch, prefixes = 0 } = this.options;
      const { tokens } = packed;
      const features = images?.features;
      program =
        purpose === 'sample'
          ? await buildPromptProgram(this.#model, { tokens, batch }, this.#cache, this.#state, features)
          : await buildPrefixProgram(this.#model, { tokens, batch: prefixes }, this.#cache, features);
      this.#scope.own(program);
      this.#prompts.set(key, program);
    }
    return program;
  }

  #writeState(
    packed: PackedPrompts,
    prompts: readonly PromptInput[],
    sampling: readonly SamplingOptions[],
  ): void {
    const { config, gpu } = this.#model;
    if (sampling.length !== prompts.length)
      throw new ShapeError(`${prompts.length} prompts came with ${sampling.length} sampling settings.`);
    writeTensor(gpu, this.#state.sequences, packSequences(packed, this.options.batch));
    writeTensor(gpu, this.#state.sampling, packSamplingBatch(sampling, this.options.batch));
    writeTensor(gpu, this.#state.seen, packed.seen);
    prompts.forEach(({ inputIds }, slot) => {
      this.#cache.writeKeyClasses(slot, promptKeyClasses(inputIds, config));
    });
  }

  #writeShared(packed: PackedPrompts, groups: readonly SharedPrompt[]): void {
    const { config, gpu } = this.#model;
    const { batch } = this.options;
    const completions = groups.map(({ sampling }) => sampling.length);
    const shared = packSharedSequences(packed, completions, batch);
    writeTensor(gpu, this.#state.sequences, shared.sequences);
    writeTensor(gpu, this.#state.seen, shared.seen);
    const sampling = groups.flatMap((group) => group.sampling);
    writeTensor(gpu, this.#state.sampling, packSamplingBatch(sampling, batch));
    groups.forEach(({ prompt }, index) => {
      this.#cache.writeKeyClasses(batch + index, promptKeyClasses(prompt.inputIds, config));
    });
    // The prompt's last token is the first key of every completion.
    const own = Uint32Array.of(KEY_CLASS.query);
    for (let slot = 0; slot < sampling.length; slot++) this.#cache.writeKeyClasses(slot, own);
  }
}

/** Bytes that the host reads per step: the sequences' state, masses of all layers, maps of some. */
function resultBytes(
  { batch, capture, maxImageTokens = 0 }: SessionOptions,
  mapLayers: number,
  layers: number,
): number {
  const shares = capture ? batch * layers * KEY_CLASSES : 0;
  return 4 * (SEQUENCE_WORDS * batch + shares + batch * mapLayers * maxImageTokens);
}

function writePrompt(program: Program, packed: PackedPrompts): void {
  for (const [name, data] of Object.entries(packed.inputs))
    if (program.hasInput(name)) program.write(name, data);
}

function createState(
  scope: GpuScope,
  config: ModelConfig,
  { batch, capacity, prefixes = 0, eosTokenIds = config.eosTokenIds }: SessionOptions,
): SequenceState {
  const { text } = config;
  // A shared prompt and its completion have a capacity each.
  const positions = Math.min(prefixes > 0 ? 2 * capacity : capacity, text.maxPositionEmbeddings);
  const tables = linearRopeTables(0, positions, text);
  const state: SequenceState = {
    sequences: allocateTensor(scope, 'sequences', [batch, SEQUENCE_WORDS], 'u32'),
    sampling: allocateTensor(scope, 'sampling', [batch, SAMPLING_WORDS], 'u32'),
    seen: allocateTensor(scope, 'seen', [batch, Math.ceil(text.vocabSize / 32)], 'u32'),
    stop: allocateTensor(scope, 'stop', [eosTokenIds.length + 2], 'u32'),
    ids: allocateTensor(scope, 'ids', [batch], 'u32'),
    cos: allocateTensor(scope, 'text cos', [positions, tables.width], 'f32'),
    sin: allocateTensor(scope, 'text sin', [positions, tables.width], 'f32'),
  };
  // What a finished sequence yields is not read: any id will do where the model names none.
  const [pad = 0] = config.padTokenId === null ? eosTokenIds : [config.padTokenId];
  const stop = packStop(pad, eosTokenIds);
  writeTensor(scope.gpu, state.stop, stop);
  writeTensor(scope.gpu, state.cos, tables.cos);
  writeTensor(scope.gpu, state.sin, tables.sin);
  return state;
}
