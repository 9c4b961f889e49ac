// Samples completions of prompts for training: P prompts × G completions as one batch over shared prompt caches. The
// seed of a completion follows from the run's seed, the step, the prompt's place and the completion's number alone,
// so that a resumed run samples what an unbroken one would.

import type { StreamDecoder } from '../data/text/stream_decoder';
import { type GeneratedAnswer, generateBatch, type TokenSource } from '../generation/generate';
import { samplerReach } from '../kernels/sampler';
import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { mix32 } from '../lib/prng';
import { GenerationSession } from '../model/generation_session';
import type { ImageEncoder } from '../model/image_encoder';
import type { PromptInput, SamplingOptions } from '../model/prompt_packing';
import type { ModelOnDevice } from '../model/prompt_program';
import type { StepResult } from '../model/session_state';
import type { StepHooks } from './trainer';

/** What a rollout needs to know of the model and its tokenizer. */
export interface RolloutParts {
  /** Weights with the adapter applied. */
  readonly model: ModelOnDevice;
  readonly images: ImageEncoder;
  readonly eosTokenIds: readonly number[];
  /** Runs the decode loop over a session; {@link generateBatch} by default. */
  readonly generate?: typeof generateBatch;
  readonly createDecoder: () => StreamDecoder;
}

/** How to sample. */
export interface RolloutSettings {
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  readonly maxCompletionLength: number;
  /** Record the share of attention on the image. */
  readonly capture: boolean;
  readonly seed: number;
  readonly step: number;
  /** Sequences of the session, where several calls of different sizes are to share it; by default as many as are asked. */
  readonly sequences?: number;
}

/** Settings with which an answer draws no random number. */
export const GREEDY = { temperature: 0, topP: 1 } as const;

/** A prompt to complete. */
export interface RolloutPrompt {
  readonly prompt: PromptInput;
  readonly imageTokens: number;
}

/** Sequences decoded at once. */
const MAX_BATCH = 128;
const CAPACITY_STEP = 32;

/** Unsigned 32 bits from the words of a position. */
function seedOf(...words: readonly number[]): number {
  return words.reduce((state, word) => mix32(state ^ (word >>> 0)), 0x2545f491);
}

/** Samples for one policy; keeps its session between steps. */
export class Rollout {
  readonly #parts: RolloutParts;
  #session: GenerationSession | undefined;
  #shape = '';

  constructor(parts: RolloutParts) {
    this.#parts = parts;
  }

  /**
   * `count` completions of each prompt.
   * @returns answers by prompt, in order
   * @throws ArgumentError when a prompt with its completion exceeds the model; the signal's reason when aborted
   */
  async sample(
    prompts: readonly RolloutPrompt[],
    count: number,
    settings: RolloutSettings,
    hooks: StepHooks = {},
  ): Promise<GeneratedAnswer[][]> {
    this.#checkLengths(prompts, settings.maxCompletionLength);
    const most = Math.max(1, Math.floor(MAX_BATCH / count));
    // Even waves; a smaller last one runs in the same session, whose other sequences stay finished.
    const perWave = settings.sequences ?? Math.ceil(prompts.length / Math.ceil(prompts.length / most));
    const answers: GeneratedAnswer[][] = [];
    for (let first = 0; first < prompts.length; first += perWave) {
      const wave = prompts.slice(first, first + perWave);
      const seeds = wave.map((_, index) => seedOf(settings.seed, settings.step, first + index));
      answers.push(...(await this.#wave(wave, seeds, [perWave, count], settings, hooks)));
    }
    return answers;
  }

  /** Most tokens, prompt included, that a sequence can have. */
  get maxTokens(): number {
    return this.#parts.model.config.text.maxPositionEmbeddings;
  }

  /** Frees the session. */
  destroy(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #checkLengths(prompts: readonly RolloutPrompt[], maxCompletionLength: number): void {
    for (const [index, { prompt }] of prompts.entries()) {
      const need = prompt.inputIds.length + maxCompletionLength;
      if (need <= this.maxTokens) continue;
      const message = `Prompt ${index} and its completion may take ${need} tokens; the model has ${this.maxTokens}: lower maxCompletionLength, or use shorter questions or smaller pictures.`;
      throw new ArgumentError(message, { need, have: this.maxTokens });
    }
  }

  async #wave(
    prompts: readonly RolloutPrompt[],
    seeds: readonly number[],
    [perWave, count]: readonly [number, number],
    settings: RolloutSettings,
    { signal, onPhase, turn }: StepHooks,
  ): Promise<GeneratedAnswer[][]> {
    const session = await this.#sessionFor(prompts, [perWave, count], settings);
    const sampling = seeds.map((seed) =>
      Array.from({ length: count }, (_, number) => samplingOf(settings, seedOf(seed, number))),
    );
    const source = new SharedPrompts(session, {
      turn,
      onStep: (step) => {
        if (step % 8 === 0) onPhase?.('sampling', step / settings.maxCompletionLength);
      },
    });
    const requests = prompts.flatMap(({ prompt, imageTokens }, index) =>
      itemAt(sampling, index).map((own) => ({ prompt, imageTokens, sampling: own })),
    );
    const { generate = generateBatch } = this.#parts;
    const flat = await generate(source, requests, {
      eosTokenIds: this.#parts.eosTokenIds,
      capture: settings.capture,
      mapLayers: 0,
      batch: session.options.batch,
      signal,
      createDecoder: this.#parts.createDecoder,
    });
    signal?.throwIfAborted();
    return prompts.map((_, index) => flat.slice(index * count, (index + 1) * count));
  }

  /** A capacity that lengths a little larger share. */
  #rounded(tokens: number): number {
    return Math.min(this.maxTokens, Math.ceil(tokens / CAPACITY_STEP) * CAPACITY_STEP);
  }

  async #sessionFor(
    prompts: readonly RolloutPrompt[],
    [perWave, count]: readonly [number, number],
    settings: RolloutSettings,
  ): Promise<GenerationSession> {
    const { maxCompletionLength, capture } = settings;
    const longest = Math.max(...prompts.map(({ prompt }) => prompt.inputIds.length));
    // One key for the prompt's last token, one step more for the last token's attention.
    const need = maxCompletionLength + 2;
    const held = this.#session;
    const shape = `${perWave} ${count} ${capture}`;
    const { capacity = 0, prefixes } = held?.options ?? {};
    if (held && this.#shape === shape && capacity >= need && (prefixes?.capacity ?? 0) >= longest)
      return held;
    held?.destroy();
    this.#session = undefined;
    const session = await GenerationSession.create(this.#parts.model, {
      batch: perWave * count,
      prefixes: { count: perWave, capacity: this.#rounded(longest) },
      capacity: this.#rounded(need),
      images: this.#parts.images,
      eosTokenIds: this.#parts.eosTokenIds,
      reach: samplerReach([settings]),
      ...(capture ? { capture: { mapLayers: [] } } : {}),
    });
    this.#session = session;
    this.#shape = shape;
    return session;
  }
}

/** Called around each step after the first. */
interface StepObserver extends Pick<StepHooks, 'turn'> {
  readonly onStep: (step: number) => void;
}

/** Steps of a session in which neighbouring sequences with the same prompt share its keys and values. */
class SharedPrompts implements TokenSource {
  readonly #session: GenerationSession;
  readonly #hooks: StepObserver;

  constructor(session: GenerationSession, hooks: StepObserver) {
    this.#session = session;
    this.#hooks = hooks;
  }

  async prefill(
    prompts: readonly PromptInput[],
    sampling: readonly SamplingOptions[],
    signal?: AbortSignal,
  ): Promise<StepResult> {
    const groups: { prompt: PromptInput; sampling: SamplingOptions[] }[] = [];
    prompts.forEach((prompt, index) => {
      const own = sampling[index];
      if (!own) throw new ArgumentError(`Prompt ${index} comes without sampling settings.`);
      if (groups.at(-1)?.prompt === prompt) groups.at(-1)?.sampling.push(own);
      else groups.push({ prompt, sampling: [own] });
    });
    await this.#session.prefillShared(groups, signal);
    return this.#session.step();
  }

  async step(): Promise<StepResult> {
    await this.#hooks.turn?.();
    const result = await this.#session.step();
    this.#hooks.onStep(result.step);
    return result;
  }
}

function samplingOf(settings: RolloutSettings, seed: number): SamplingOptions {
  const { temperature, topP, maxCompletionLength } = settings;
  const off = { topK: 0, minP: 0, repetitionPenalty: 1 };
  return { temperature, topP, ...off, seed, maxNewTokens: maxCompletionLength };
}
