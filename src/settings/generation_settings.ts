// Declares every setting of an answer, and of the adapter that answers, once: for the Look page, the engine's check of a
// request, and the command lines.

import { MODE_WORDS } from './reasoning_modes';
import { choice, type Nested, number, optionalWhole, whole } from './setting';

/**
 * Most pictures of one question. At the usual cap of 1,024 image tokens each they take 4,096 tokens of the prompt, and the
 * engine keeps about 80 MB of their patches.
 */
export const MAX_PICTURES = 4;

/** Every setting by its name, in the order of the page. Names are those of transformers' `GenerationConfig`. */
export const GENERATION_SETTINGS = {
  mode: choice('solution', MODE_WORDS, {
    group: 'answer',
    label: 'Prompt',
    help: 'The words that are put beside the question.',
  }),
  temperature: number(
    0,
    { min: 0, max: 2 },
    { group: 'answer', label: 'Temperature', help: '0 always takes the likeliest token (greedy).' },
  ),
  seed: whole(
    0,
    { min: 0, max: 0xffffffff },
    { group: 'answer', label: 'Seed', help: 'Of sampling. Same seed, model and device: the same answer.' },
  ),
  maxNewTokens: optionalWhole(
    { min: 1, max: 1_000_000 },
    {
      group: 'answer',
      label: 'Longest answer',
      unit: 'tokens',
      help: 'Left empty, as long as the model’s longest answers.',
    },
  ),
  maxImageTokens: whole(
    1024,
    { min: 4, max: 16_384 },
    {
      group: 'answer',
      label: 'Most image tokens',
      unit: 'tokens',
      help: 'Of a picture; a larger one is made smaller. More show finer detail, and take more time and memory.',
    },
  ),
  topP: number(
    1,
    { above: 0, max: 1 },
    {
      group: 'answer',
      label: 'Top-p',
      help: 'Samples among the likeliest tokens of this joint probability.',
    },
  ),
  topK: whole(
    0,
    { min: 0, max: 1_000_000 },
    { group: 'answer', label: 'Top-k', help: 'Samples among this many likeliest tokens; 0 is off.' },
  ),
  repetitionPenalty: number(
    1,
    { above: 0, max: 100 },
    {
      group: 'answer',
      label: 'Repetition penalty',
      help: 'Above 1, tokens that came already are less likely.',
    },
  ),
} as const;

/** Tokens that plans keep for the words of a question beside its picture. */
export const QUESTION_TOKENS = 256;

/** How an adapter is put before a model. */
export const ADAPTER_SETTINGS = {
  strength: number(
    1,
    { min: 0, max: 1.5 },
    {
      group: 'adapter',
      label: 'Strength',
      help: 'Of the adapter: 0 is the base model, 1 the adapter as trained.',
    },
  ),
} as const;

/** Name of a setting of an answer. */
export type GenerationSettingId = keyof typeof GENERATION_SETTINGS;
/** The settings of an answer. */
export type GenerationSettings = Nested<typeof GENERATION_SETTINGS>;
