// Turns a conversation with images into token ids: renders the model's own template and expands each image
// placeholder to as many copies as the image has merged tokens. The words of a mode are data beside the model
// (lookback/prompts.ts). Placeholders and images must match one to one, or it is an error; nothing is dropped or
// repeated silently.
import { DataError } from '../../lib/errors';
import type { GridThw } from '../image/image_processor';
import type { ChatMessage, ChatOptions, Tokenizer } from './tokenizer';

/** How the Qwen family marks an image in a prompt. */
export interface ImageTokenConfig {
  readonly imageTokenId: number;
  /** Patches per merged token along each axis. */
  readonly spatialMergeSize: number;
}

/** A prompt ready for the model. */
export interface ChatPrompt {
  /** The rendered template, placeholders not expanded. */
  readonly text: string;
  readonly ids: number[];
}

/**
 * Replaces the k-th image token by t·h·w / merge² copies for the k-th grid.
 * Throws DataError `data/image-tokens` when the numbers of placeholders and images differ.
 */
export function expandImageTokens(
  ids: readonly number[],
  grids: readonly GridThw[],
  config: ImageTokenConfig,
): number[] {
  const found = ids.reduce((count, id) => count + (id === config.imageTokenId ? 1 : 0), 0);
  if (found !== grids.length) {
    throw new DataError(
      'data/image-tokens',
      `the prompt has ${found} image placeholders for ${grids.length} images: attach as many images as it names`,
      { found, images: grids.length },
    );
  }
  const expanded: number[] = [];
  let image = 0;
  for (const id of ids) {
    const grid = id === config.imageTokenId ? grids[image++] : undefined;
    const copies = grid === undefined ? 1 : (grid[0] * grid[1] * grid[2]) / config.spatialMergeSize ** 2;
    if (!Number.isSafeInteger(copies) || copies < 1) {
      throw new DataError(
        'data/image-tokens',
        `image grid [${grid?.join(', ')}] is not a whole number of tokens`,
      );
    }
    for (let i = 0; i < copies; i++) expanded.push(id);
  }
  return expanded;
}

/**
 * Renders a conversation with the model's template and expands its images, given in prompt order. What a message spells
 * is plain text, control tokens included.
 */
export function applyChatTemplate(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  grids: readonly GridThw[],
  config: ImageTokenConfig,
  options: ChatOptions = {},
): ChatPrompt {
  const { text, ids } = tokenizer.encodeChat(messages, options);
  return { text, ids: expandImageTokens(ids, grids, config) };
}

/**
 * Tokens of a conversation that come before its last answer: the prompt a trainer masks. The last message must be the
 * assistant's; the prompt ends where generation would start. Throws DataError `data/messages` otherwise, or when the
 * template does not render the conversation as prompt plus answer.
 */
export function promptLength(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  grids: readonly GridThw[],
  config: ImageTokenConfig,
): number {
  if (messages.at(-1)?.role !== 'assistant') {
    throw new DataError('data/messages', 'the last message must be the assistant’s answer');
  }
  const prompt = applyChatTemplate(tokenizer, messages.slice(0, -1), grids, config, {
    addGenerationPrompt: true,
  });
  const whole = applyChatTemplate(tokenizer, messages, grids, config);
  if (prompt.ids.length >= whole.ids.length || prompt.ids.some((id, i) => id !== whole.ids[i])) {
    throw new DataError(
      'data/messages',
      'the chat template does not render this conversation as prompt and answer',
    );
  }
  return prompt.ids.length;
}
