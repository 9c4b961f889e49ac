// Holds one batch of sequences that are being generated: caches, device state, prompt pass, and decode steps in
// flight. The host only writes prompts and reads results a step behind; ids, lengths and positions advance on the
// device. A decode step creates no GPU object.

import { type GpuScope, inScope } from '../gpu/gpu_scope';
import { ReadbackRing, type ReadbackSlot } from '../gpu/readback_ring';
import type { SamplerReach } from '../kernels/sampler';
import { KEY_CLASS, KEY_CLASSES, SEQUENCE_WORDS, sequenceWord } from '../kernels/sequence_words';
import { ArgumentError, ShapeError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import type { Program } from '../tensor/program';
import { writeTensor } from '../tensor/tensor_memory';
import { bucketSize } from './buckets';
import { type CachedPrefix, CachedTokens, cachedPrefix } from './cached_prefix';
import {
  buildDecodeProgram,
  buildPrefixProgram,
  buildPromptProgram,
  type CaptureShape,
  DecodeStep,
  type SequenceState,
} from './decode_program';
import { type EncodedImages, ImageEncoder } from './image_encoder';
import { KvCache, promptKeyClasses } from './kv_cache';
import {
  type ImageInput,
  imagesOf,
  type PackedPrompts,
  type PromptInput,
  packGivenToken,
  packPrompts,
  packSamplingBatch,
  packSequences,
  packSharedSequences,
  type SamplingOptions,
  type SharedPrompt,
} from './prompt_packing';
import { type ModelOnDevice, writePrompt } from './prompt_program';
import { gridTokens, promptPositions } from './rope_index';
import {
  cacheShape,
  createSequenceState,
  resultBytes,
  type SessionOptions,
  type StepResult,
} from './session_state';

/** What a session is made of; the scope owns all of it but images that others share. */
interface SessionParts {
  readonly scope: GpuScope;
  readonly mapLayers: readonly number[];
  readonly cache: KvCache;
  readonly state: SequenceState;
  readonly decode: DecodeStep;
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
  readonly #decode: DecodeStep;
  readonly #ring: ReadbackRing;
  readonly #prompts = new Map<string, Program>();
  readonly #images: ImageEncoder;
  readonly #scope: GpuScope;
  /** What the first slot holds from its beginning, as far as the host has read; undefined where it is shared. */
  #held: CachedTokens | undefined;
  #reused = 0;
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
    const longest = Math.max(options.capacity, options.prefixes?.capacity ?? 0);
    if (longest > text.maxPositionEmbeddings)
      throw new ArgumentError(
        `${longest} tokens exceed the model's ${text.maxPositionEmbeddings} positions.`,
      );
    const { batch, maxImageTokens = 0, stepsAhead = STEPS_AHEAD } = options;
    const cache = scope.own(new KvCache(gpu, text, cacheShape(options, model.weights.cacheFormat)));
    const state = createSequenceState(scope, config, options);
    const layers = Array.from({ length: text.numHiddenLayers }, (_, layer) => layer);
    const mapLayers = options.capture
      ? options.capture.mapLayers === 'all'
        ? layers
        : options.capture.mapLayers
      : [];
    const capture: CaptureShape | undefined = options.capture
      ? { mapLayers, mapSize: maxImageTokens }
      : undefined;
    const make = (reach: SamplerReach) => buildDecodeProgram(model, { batch, cache, state, capture, reach });
    const decode = await DecodeStep.create(scope, make, options.reach ?? 'greedy');
    const images = options.images ?? scope.own(new ImageEncoder(model));
    const bytes = resultBytes(options, mapLayers.length, text.numHiddenLayers);
    const ring = scope.own(new ReadbackRing(gpu, bytes, stepsAhead + 2, 'steps'));
    return new GenerationSession(model, options, { scope, mapLayers, cache, state, decode, images, ring });
  }

  /** Dispatches of one decode step. */
  get dispatchesPerStep(): number {
    return this.#decode.program.dispatches;
  }

  /** The cache, for tests and parity. */
  get cache(): KvCache {
    return this.#cache;
  }

  /** The decode program, for tests, parity and profiles. */
  get decodeProgram(): Program {
    return this.#decode.program;
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
    return this.#prefill(prompts, sampling, { length: 0, images: imagesOf(prompts) }, signal);
  }

  /**
   * As {@link prefill}, for one prompt that goes on where the last one and its answer ended: tokens whose keys are
   * cached are not run again, nor are their images. The keys of answered tokens come from decode steps, whose sums
   * differ from a prompt pass by rounding.
   * @throws as {@link prefill}
   */
  async prefillContinued(
    prompt: PromptInput,
    sampling: SamplingOptions,
    signal?: AbortSignal,
  ): Promise<StepResult> {
    await this.#drain();
    const { imageTokenId, vision } = this.#model.config;
    const tokensOf = ({ gridThw }: ImageInput): number => gridTokens(gridThw, vision.spatialMergeSize);
    const fresh = this.#held?.revision === this.#revision ? this.#held : undefined;
    const held = fresh ?? { ids: [], images: [] };
    const cached = cachedPrefix(held, prompt, imageTokenId, tokensOf);
    return this.#prefill([prompt], [sampling], cached, signal);
  }

  async #prefill(
    prompts: readonly PromptInput[],
    sampling: readonly SamplingOptions[],
    cached: CachedPrefix,
    signal?: AbortSignal,
  ): Promise<StepResult> {
    await this.#drain();
    await this.#decode.serve(sampling);
    const { config, gpu } = this.#model;
    const { batch, capacity } = this.options;
    const bucket = (live: number): number => bucketSize(live, TOKEN_UNIT);
    const packed = packPrompts(prompts, config, capacity, bucket, batch, 0, cached.length);
    const images = await this.#images.encode(cached.images, signal);
    const program = await this.#promptProgram(packed, images, cached.length > 0 ? 'continue' : 'sample');
    this.#writeState(packed, prompts, sampling);
    writePrompt(program, packed);
    this.#held = undefined;
    this.#reused = cached.length;
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
    const [first] = prompts;
    if (batch === 1 && first) this.#held = new CachedTokens(first, this.#revision);
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
    const { batch, prefixes = { count: 0, capacity: 0 } } = this.options;
    const count = groups.reduce((sum, { sampling }) => sum + sampling.length, 0);
    if (count > batch) throw new ArgumentError(`${count} completions do not fit a session of ${batch}.`);
    await this.#decode.serve(groups.flatMap(({ sampling }) => sampling));
    const prompts = groups.map(({ prompt }) => prompt);
    const bucket = (live: number): number => bucketSize(live, TOKEN_UNIT);
    const packed = packPrompts(prompts, this.#model.config, prefixes.capacity, bucket, prefixes.count, batch);
    const images = await this.#images.encode(imagesOf(prompts), signal);
    const program = await this.#promptProgram(packed, images, 'cache');
    this.#writeShared(packed, groups);
    this.#held = undefined;
    writePrompt(program, packed);
    await program.run(signal);
    // The first token comes from the first step; that of a plain prefill comes from the prompt itself.
    this.#next = 0;
    this.#longest = 1;
    this.#model.gpu.check();
  }

  /** Tokens of the last prompt whose keys were cached already; see {@link prefillContinued}. */
  get reusedTokens(): number {
    return this.#reused;
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

  /**
   * Runs a decode step for a given token: what comes before it is run as a prompt, as far as the cache lacks it, and what is
   * sampled on the way is not kept. For sessions of one sequence, which are then to be prefilled before they generate again.
   * @param completion ids behind the prompt; the last one is fed
   * @throws as {@link prefill}
   */
  async feed(
    prompt: PromptInput,
    completion: readonly number[],
    sampling: SamplingOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    const { config, gpu } = this.#model;
    const context = { ...prompt, inputIds: [...prompt.inputIds, ...completion.slice(0, -1)] };
    const { length } = context.inputIds;
    if (completion.length === 0 || length >= this.options.capacity)
      throw new ArgumentError(
        `No token of ${completion.length} fits behind ${length} of ${this.options.capacity}.`,
      );
    await this.prefillContinued(context, sampling, signal);
    const { delta } = promptPositions(
      context.inputIds,
      imagesOf([prompt]).map(({ gridThw }) => gridThw),
      config,
    );
    const token = itemAt(completion, completion.length - 1);
    writeTensor(gpu, this.#state.sequences, packGivenToken(token, length, delta));
    // The completion was run as a prompt, and is none.
    this.#cache.writeKeyClasses(0, promptKeyClasses(prompt.inputIds, config));
    this.#held = new CachedTokens(context, this.#revision);
    this.decodeProgram.submit();
  }

  /** Frees caches, state and programs. */
  destroy(): void {
    this.#scope.destroy();
  }

  /** Of the weights: another strength of an adapter makes cached keys stale. */
  get #revision(): number {
    return this.#model.weights.revision?.('all') ?? 0;
  }

  #submitStep(): void {
    const slot = this.#ring.acquire();
    const results = [this.#state.sequences.region];
    if (this.options.capture) {
      results.push(this.decodeProgram.region('shares'));
      if (this.#hasMap()) results.push(this.decodeProgram.region('map'));
    }
    this.decodeProgram.submit((encoder) => slot.copy(encoder, results));
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
    this.#held?.sampled(itemAt(ids, 0), itemAt(done, 0));
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

  async #promptProgram(
    packed: PackedPrompts,
    images: EncodedImages | undefined,
    purpose: 'sample' | 'continue' | 'cache',
  ): Promise<Program> {
    const { reach } = this.#decode;
    const key = `${purpose} ${reach} ${packed.tokens}:${images?.rows ?? 0}`;
    let program = this.#prompts.get(key);
    if (!program) {
      const { tokens, prompts: batch } = packed;
      const features = images?.features;
      program =
        purpose === 'cache'
          ? await buildPrefixProgram(this.#model, { tokens, batch }, this.#cache, features)
          : await buildPromptProgram(this.#model, { tokens, batch }, this.#cache, this.#state, {
              ...{ features, continues: purpose === 'continue', reach },
            });
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
