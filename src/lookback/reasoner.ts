// Joins a model with its processor and its prompts: what the page and the command lines ask questions of. It takes
// pixels and a question and gives an answer; a question takes the same path to the same tokens whether it comes from
// a Worker or from Node.

import type { PixelArray } from '../data/image/pillow_resize';
import type { PromptImage } from '../data/image/prompt_image';
import {
  GeneratedAnswer,
  type GenerationEvent,
  type GenerationOptions,
  generate,
  generateBatch,
  type StopWhen,
} from '../generation/generate';
import { type PreparedPrompt, Processor } from '../generation/processor';
import type { GpuContext } from '../gpu/device';
import { inScope, type Owned } from '../gpu/gpu_scope';
import { ArgumentError } from '../lib/errors';
import { parseGenerationConfig } from '../model/config';
import { GenerationSession } from '../model/generation_session';
import { captureHeads, type HeadCapture } from '../model/head_capture';
import type { LoraAdapter } from '../model/lora';
import { MergedAdapter } from '../model/merged_adapter';
import type { SamplingOptions } from '../model/prompt_packing';
import type { SessionOptions } from '../model/session_state';
import { type ModelFiles, readModelJson, VisionLanguageModel } from '../model/vision_language_model';
import { GENERATION_SETTINGS, type GenerationSettings } from '../settings/generation_settings';
import { defaultsOf } from '../settings/read_settings';
import type { ReasoningMode } from '../settings/reasoning_modes';
import type { LookBackPrompts } from './prompts';
import {
  cutsToSquare,
  loadPrompts,
  mostPictures,
  preparePrompt,
  type Question,
  type SeenQuestion,
} from './question_prompt';

/** Which parts of the attention to record: shares of all layers, with or without maps over the image. */
export type Capture = 'none' | 'shares' | 'maps';

/** Sampling by the settings of an answer, up to `maxNewTokens`. No setting offers min-p, which stays off. */
export function samplingOf(
  {
    temperature,
    topK,
    topP,
    repetitionPenalty,
    seed,
  }: Omit<GenerationSettings, 'mode' | 'maxNewTokens' | 'maxImageTokens'>,
  maxNewTokens: number,
): SamplingOptions {
  return { temperature, topK, topP, minP: 0, repetitionPenalty, seed, maxNewTokens };
}

/** Greedy decoding up to `maxNewTokens`. */
export function greedy(maxNewTokens: number): SamplingOptions {
  return samplingOf({ ...defaultsOf(GENERATION_SETTINGS), temperature: 0 }, maxNewTokens);
}

/** A prepared prompt with how to sample its answer. */
export interface AnswerRequest {
  readonly prepared: PreparedPrompt;
  readonly sampling: SamplingOptions;
  /** True when the prompt goes on behind the last answer; see {@link GenerationSession.prefillContinued}. */
  readonly continues?: boolean;
}

/** Options of an answer. */
export interface AnswerOptions {
  readonly capture: Capture;
  readonly signal?: AbortSignal | undefined;
}

/** An answer that has begun. */
export interface StartedAnswer {
  readonly answer: GeneratedAnswer;
  readonly events: AsyncGenerator<GenerationEvent, void, void>;
  /** Prompt tokens that were not run again because the conversation had them; known after the first token. */
  reusedTokens(): number;
}

interface OpenSession extends Owned {
  readonly session: GenerationSession;
  readonly capture: Capture;
  /** The adapter in the weights; null where there is none, or it stays apart. */
  readonly merged: MergedAdapter | null;
}

/** Sizes of sessions grow in these steps, so that questions of similar length share one. */
const CAPACITY_STEP = 64;
const IMAGE_STEP = 16;
/** Least tokens of a session for one answer: room for most questions costs little and saves making another. */
const LEAST_CAPACITY = 512;

/** Keeps one session open between questions of similar size; not for two answers at once. */
export class Reasoner {
  readonly model: VisionLanguageModel;
  readonly processor: Processor;
  readonly prompts: LookBackPrompts;
  readonly eosTokenIds: readonly number[];
  #open: OpenSession | undefined;
  #adapter: LoraAdapter | null = null;

  private constructor(
    model: VisionLanguageModel,
    processor: Processor,
    prompts: LookBackPrompts,
    eosTokenIds: readonly number[],
  ) {
    this.model = model;
    this.processor = processor;
    this.prompts = prompts;
    this.eosTokenIds = eosTokenIds;
  }

  /**
   * Loads a model folder with its tokenizer and prompts; without `lookback.json` the paper's prompts are used.
   *
   * @throws ModelError naming the file, key or tensor; GpuError; the signal's reason when aborted
   */
  static async load(
    gpu: GpuContext,
    files: ModelFiles,
    options: Parameters<typeof VisionLanguageModel.load>[2] = {},
  ): Promise<Reasoner> {
    const has = async (name: string): Promise<boolean> => (await files.open(name)) !== null;
    const prompts = await loadPrompts(files);
    return inScope(gpu, async (scope) => {
      const model = scope.own(await VisionLanguageModel.load(gpu, files, options));
      const processor = await Processor.load(files, model.config);
      const generation = (await has('generation_config.json'))
        ? parseGenerationConfig(await readModelJson(files, 'generation_config.json'), model.config)
        : undefined;
      const eos = generation?.eosTokenIds ?? model.config.eosTokenIds;
      return new Reasoner(model, processor, prompts, eos);
    });
  }

  /** True when pictures are cut to their middle square: models that see one grid of cells. */
  get square(): boolean {
    return cutsToSquare(this.prompts);
  }

  /** Most tokens, prompt included, that a sequence can have. */
  get maxTokens(): number {
    return this.model.config.text.maxPositionEmbeddings;
  }

  /** Whether a conversation can go on behind an answer: models of a fixed world were trained on single questions. */
  get followsUp(): boolean {
    return this.prompts.grid === undefined;
  }

  /** Pictures that one question may be about. */
  get maxPictures(): number {
    return mostPictures(this.prompts);
  }

  /**
   * A picture as the model receives it. Throws DataError for a picture that cannot be used.
   * @param maxTokens most image tokens of it; by default what the checkpoint says
   */
  see(image: PixelArray, maxTokens?: number): PromptImage {
    return this.processor.see(image, this.square, maxTokens);
  }

  /** Pixels and words to a prompt. Throws ModelError `model/mode`, DataError for a picture that cannot be used. */
  prepare(question: Question): PreparedPrompt {
    return this.prepareSeen({ ...question, images: [this.see(question.image)] });
  }

  /** As {@link prepare}, about pictures seen before, and with the turns before the question. */
  prepareSeen(question: SeenQuestion): PreparedPrompt {
    return preparePrompt(this.processor, this.prompts, question);
  }

  /** Answers one question: `answer` grows while `events` are taken. */
  async start(request: AnswerRequest, options: AnswerOptions): Promise<StartedAnswer> {
    const session = await this.#sessionFor([request], 1, options.capture);
    const answer = new GeneratedAnswer(this.#decoder());
    const { prepared, sampling, continues = false } = request;
    const { prompt, imageTokens } = prepared;
    const sequence = { prompt, imageTokens, sampling, continues };
    const events = generate(session, sequence, this.#generation(session, options), answer);
    return { answer, events, reusedTokens: () => session.reusedTokens };
  }

  /**
   * Attention of one token of an answer in every layer and head. The ids are taken as they are; nothing is sampled.
   * @param ids of the answer, up to the token looked at, which is the last
   * @returns masses [layers, heads, 5], maps [layers, heads, image tokens]
   * @throws ArgumentError for ids that do not fit behind the prompt; the signal's reason when aborted
   */
  async captureHeads(
    prepared: PreparedPrompt,
    ids: readonly number[],
    signal?: AbortSignal,
  ): Promise<HeadCapture> {
    const { prompt, imageTokens } = prepared;
    const session = await this.#sessionFor([{ prepared, sampling: greedy(ids.length) }], 1, 'maps');
    return captureHeads(session, prompt, { completion: ids, sampling: greedy(1), imageTokens }, signal);
  }

  /**
   * Answers a wave of questions at once.
   *
   * @param batch sequences of the session, at least as many as the requests; a later, smaller wave may share it. Only
   *   with one does a prompt that continues take the keys of what it goes on behind.
   * @param options `until` ends an answer early, as `stopped`
   */
  async answerBatch(
    requests: readonly AnswerRequest[],
    batch: number,
    options: AnswerOptions & { readonly until?: StopWhen | undefined },
  ): Promise<GeneratedAnswer[]> {
    const session = await this.#sessionFor(requests, batch, options.capture);
    const sequences = requests.map(({ prepared: { prompt, imageTokens }, sampling, continues = false }) => ({
      ...{ prompt, imageTokens, sampling },
      continues: continues && batch === 1,
    }));
    const createDecoder = () => this.#decoder();
    const { until } = options;
    return generateBatch(session, sequences, { ...this.#generation(session, options), createDecoder, until });
  }

  #decoder() {
    return this.processor.tokenizer.createStreamDecoder({ skipSpecialTokens: true });
  }

  #generation(session: GenerationSession, options: AnswerOptions): GenerationOptions {
    return {
      eosTokenIds: this.eosTokenIds,
      capture: options.capture !== 'none',
      mapLayers: session.mapLayers.length,
      batch: session.options.batch,
      signal: options.signal,
    };
  }

  async #sessionFor(
    requests: readonly AnswerRequest[],
    batch: number,
    capture: Capture,
  ): Promise<GenerationSession> {
    const need = Math.max(
      ...requests.map(({ prepared, sampling }) => prepared.prompt.inputIds.length + sampling.maxNewTokens),
    );
    if (need > this.maxTokens) {
      throw new ArgumentError(
        `The question and its answer may take ${need} tokens; the model has ${this.maxTokens}: ask for fewer.`,
        { need, have: this.maxTokens },
      );
    }
    // A session takes as many steps for all: the longest prompt has room for the longest answer, whose ever the two are.
    const prompt = Math.max(...requests.map(({ prepared }) => prepared.prompt.inputIds.length));
    const answer = Math.max(...requests.map(({ sampling }) => sampling.maxNewTokens));
    const together = Math.min(this.maxTokens, prompt + answer);
    const imageTokens = Math.max(...requests.map(({ prepared }) => prepared.imageTokens));
    const held = this.#open;
    if (held !== undefined && held.capture === capture && held.session.options.batch === batch) {
      const { capacity, maxImageTokens = 0 } = held.session.options;
      if (capacity >= together && maxImageTokens >= imageTokens) {
        held.merged?.followStrength();
        return held.session;
      }
    }
    this.closeSession();
    const wanted = Math.max(
      Math.ceil(together / CAPACITY_STEP) * CAPACITY_STEP,
      batch === 1 ? LEAST_CAPACITY : 0,
    );
    this.#open = await this.#openSession(capture, {
      batch,
      capacity: Math.min(this.maxTokens, wanted),
      maxImageTokens: Math.ceil(imageTokens / IMAGE_STEP) * IMAGE_STEP,
      eosTokenIds: this.eosTokenIds,
      ...(capture === 'none' ? {} : { capture: { mapLayers: capture === 'maps' ? 'all' : [] } as const }),
    });
    return this.#open.session;
  }

  #openSession(capture: Capture, options: SessionOptions): Promise<OpenSession> {
    const { device, weights } = this.model;
    const adapter = this.#adapter;
    return inScope(device.gpu, async (scope) => {
      const merged = adapter && (await MergedAdapter.create(device.gpu, weights, adapter));
      if (merged) scope.own(merged);
      const adapted = (merged ?? adapter)?.applyTo(weights) ?? weights;
      const session = scope.own(await GenerationSession.create({ ...device, weights: adapted }, options));
      return { session, capture, merged, destroy: () => scope.destroy() };
    });
  }

  /**
   * Compiles and runs everything a first answer needs, on a blank picture, and keeps the session for it.
   * `onCompiled` is called between the two.
   */
  async warmUp(onCompiled: () => void = () => undefined): Promise<void> {
    const mode = Object.keys(this.prompts.modes)[0] as ReasoningMode;
    const edge = 64;
    const image = { width: edge, height: edge, channels: 3, data: new Uint8Array(edge * edge * 3).fill(200) };
    const prepared = this.prepare({ image, text: 'How many?', mode });
    const room = this.maxTokens - prepared.prompt.inputIds.length;
    const sampling = greedy(Math.max(1, Math.min(this.prompts.maxNewTokens, room)));
    const { events } = await this.start({ prepared, sampling }, { capture: 'maps' });
    onCompiled();
    let taken = 0;
    for await (const _ of events) if (++taken >= 3) break;
  }

  /**
   * Answers with an adapter from here on, at the strength that it is set to; null for the base model. The caller keeps
   * the adapter alive until another takes its place.
   */
  setAdapter(adapter: LoraAdapter | null): void {
    if (adapter === this.#adapter) return;
    this.closeSession();
    this.#adapter = adapter;
  }

  /** Frees the session kept between questions. */
  closeSession(): void {
    this.#open?.destroy();
    this.#open = undefined;
  }

  /** Frees session and weights. */
  destroy(): void {
    this.closeSession();
    this.model.destroy();
  }
}
