// Samples what the cold start needs of a model: several answers to each problem, and answers that go on from a forced
// start, for a model that writes the look back itself.

import type { PreparedPrompt } from '../../generation/processor';
import { ImageEncoder } from '../../model/image_encoder';
import type { LoraAdapter } from '../../model/lora';
import type { VisionLanguageModel } from '../../model/vision_language_model';
import { Rollout, type RolloutPrompt } from '../../train/rollout';
import type { StepHooks } from '../../train/trainer';
import type { Reasoner } from '../reasoner';

/** How to sample. */
export interface AnswerSampling {
  /** Answers to each prompt. */
  readonly count: number;
  readonly temperature: number;
  readonly maxNewTokens: number;
  readonly seed: number;
}

/** The part of a reasoner that answers are sampled from. */
export type SampledModel = Pick<Reasoner, 'processor' | 'eosTokenIds' | 'prompts' | 'prepare'> & {
  readonly model: Pick<VisionLanguageModel, 'device'>;
};

/** A prompt with the beginning of its answer; '' for none. */
export interface StartedPrompt {
  readonly prepared: PreparedPrompt;
  readonly start: string;
}

/**
 * Answers to each prompt that came to their end; those that were cut off at the longest length are left out.
 * @param first number of the first prompt: with the seed it decides what is sampled
 * @throws ArgumentError for a prompt that leaves no room; GpuError; the signal's reason when aborted
 */
export async function wholeAnswers(
  rollout: Rollout,
  prompts: readonly RolloutPrompt[],
  { count, temperature, maxNewTokens, seed }: AnswerSampling,
  first: number,
  hooks: StepHooks,
): Promise<string[][]> {
  const longest = Math.max(...prompts.map(({ prompt }) => prompt.inputIds.length));
  const maxCompletionLength = Math.max(1, Math.min(maxNewTokens, rollout.maxTokens - longest));
  const settings = { temperature, topP: 1, maxCompletionLength, capture: false, seed, step: first };
  const answers = await rollout.sample(prompts, count, settings, hooks);
  return answers.map((own) =>
    own.filter(({ finishReason }) => finishReason === 'eos').map(({ text }) => text),
  );
}

/** Samples waves of answers; the caller destroys it. */
export class ModelAnswers {
  readonly #base: SampledModel;
  readonly #adapter: LoraAdapter | null;
  readonly #images: ImageEncoder;
  readonly #rollout: Rollout;
  #next: number;

  /**
   * @param first   number of the first problem: with the seed it decides what is sampled, so that a later start goes on
   * @param adapter put on the model for these answers; owned and freed with them. Null asks the model itself.
   */
  constructor(base: SampledModel, first = 0, adapter: LoraAdapter | null = null) {
    const plain = base.model.device;
    const device = adapter === null ? plain : { ...plain, weights: adapter.applyTo(plain.weights) };
    this.#base = base;
    this.#adapter = adapter;
    this.#next = first;
    this.#images = new ImageEncoder(device);
    this.#rollout = new Rollout({
      model: device,
      images: this.#images,
      eosTokenIds: base.eosTokenIds,
      createDecoder: () => base.processor.tokenizer.createStreamDecoder({ skipSpecialTokens: true }),
    });
  }

  /** Length of an answer where none is asked for: the model's own limit. */
  get maxNewTokens(): number {
    return this.#base.prompts.maxNewTokens;
  }

  /** A question as a prompt of the model; throws as {@link Reasoner.prepare}. */
  prepare(question: Parameters<Reasoner['prepare']>[0]): PreparedPrompt {
    return this.#base.prepare(question);
  }

  /** {@link wholeAnswers} to the next prompts, without their forced starts. */
  async wave(
    prompts: readonly StartedPrompt[],
    sampling: AnswerSampling,
    hooks: StepHooks,
  ): Promise<string[][]> {
    const { tokenizer } = this.#base.processor;
    const started = prompts.map(({ prepared, start }): RolloutPrompt => {
      const { prompt, imageTokens } = prepared;
      const ids = start === '' ? [] : tokenizer.encodePlain(start);
      return { prompt: { ...prompt, inputIds: [...prompt.inputIds, ...ids] }, imageTokens };
    });
    const texts = await wholeAnswers(this.#rollout, started, sampling, this.#next, hooks);
    this.#next += prompts.length;
    return texts;
  }

  /** Frees caches and programs. */
  destroy(): void {
    this.#rollout.destroy();
    this.#images.destroy();
    this.#adapter?.destroy();
  }
}
