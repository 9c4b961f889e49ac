// What trainers of the tiny fixture model are made from: one question with a picture, rows with responses of given
// lengths, and settings of a few cheap steps. Answers never end by themselves.

import type { TrainerBase, TrainingRequest } from '../../src/lookback/training';
import type { PromptInput } from '../../src/model/prompt_packing';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import { DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';
import { wordDecoder } from '../generation/scripted_session';
import { PROMPTS, TINY_LORA } from '../train/tiny_run';

/** Every question. */
export const TINY_PROMPT = PROMPTS[1] as PromptInput;
/** Image tokens of {@link TINY_PROMPT}. */
export const TINY_IMAGE_TOKENS = 2;

/** The model with a processor that asks the same of each picture, and whose text is a number of tokens. */
export function tinyBase(model: VisionLanguageModel): TrainerBase {
  const { vocabSize, maxPositionEmbeddings } = model.config.text;
  const words = Array.from({ length: vocabSize }, (_, id) => ` ${id}`);
  return {
    model,
    eosTokenIds: [],
    maxTokens: maxPositionEmbeddings,
    prepare: () => ({
      // The encoder tells pictures apart by identity.
      prompt: { ...TINY_PROMPT, images: TINY_PROMPT.images.map((image) => ({ ...image })) },
      imageTokens: TINY_IMAGE_TOKENS,
    }),
    processor: {
      tokenizer: {
        encodePlain: (text) => Array<number>(Number(text)).fill(50),
        createStreamDecoder: () => wordDecoder(words),
      },
    },
  };
}

const PIXELS = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) };

/** Rows whose responses have so many tokens. */
export function tinyRows(...lengths: number[]): TrainingRequest['source'] {
  const read = async (position: number) => {
    return { image: PIXELS, question: '', answer: '1', response: String(lengths[position]) };
  };
  return { kind: 'rows', rows: { count: lengths.length, read } };
}

/** SFT without evaluations; its `grpo` section samples two answers of eight tokens to each of two questions. */
export const TINY_REQUEST: TrainingRequest = {
  ...DEFAULT_TRAIN_CONFIG,
  ...{ method: 'sft', mode: 'semantic', source: tinyRows(), heldOut: null, start: null, checkpoint: null },
  ...{ maxSteps: 3, gradientCheckpointing: false, tokensPerMicroBatch: 64 },
  ...{ evalSteps: 0, evalSize: 1, evalSamples: 1 },
  lora: { r: 2, loraAlpha: 4, loraDropout: 0, targetModules: String(TINY_LORA.targetModules) },
  sft: {
    ...{ ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 1, maxLength: TINY_PROMPT.inputIds.length + 160 },
    maxCompletionLength: 8,
  },
  grpo: {
    ...{ ...DEFAULT_TRAIN_CONFIG.grpo, promptsPerStep: 2, numGenerations: 2, maxCompletionLength: 8 },
    ...{ dropUniformGroups: 'none', maskTruncatedCompletions: false },
  },
};
