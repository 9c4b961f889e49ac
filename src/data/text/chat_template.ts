// Turns a conversation with images into token ids: renders the model's own template and puts each image's tokens
// (image_tokens.ts) in the place of its placeholder. The words of a mode are data beside the model (lookback/prompts.ts).
// Placeholders and images must match one to one, or it is an error; nothing is dropped or repeated silently.
import { DataError } from '../../lib/errors';
import type { ChatMessage, ChatOptions, Tokenizer } from './tokenizer';

/** What the placeholders of a conversation stand for. */
export interface PromptImages {
  /** The token that the template writes once for an image. */
  readonly imageTokenId: number;
  /** Ids that take its place, for each image in prompt order. */
  readonly images: readonly (readonly number[])[];
}

/** A prompt ready for the model. */
export interface ChatPrompt {
  /** The rendered template, placeholders not expanded. */
  readonly text: string;
  readonly ids: number[];
}

/**
 * Replaces the k-th image token by the ids of the k-th image.
 * Throws DataError `data/image-tokens` when the numbers of placeholders and images differ.
 */
export function expandImageTokens(ids: readonly number[], { imageTokenId, images }: PromptImages): number[] {
  const found = ids.reduce((count, id) => count + (id === imageTokenId ? 1 : 0), 0);
  if (found !== images.length) {
    throw new DataError(
      'data/image-tokens',
      `the prompt has ${found} image placeholders for ${images.length} images: attach as many images as it names`,
      { found, images: images.length },
    );
  }
  let image = 0;
  return ids.flatMap((id) => (id === imageTokenId ? (images[image++] ?? []) : [id]));
}

/**
 * Renders a conversation with the model's template and expands its images, given in prompt order. What a message spells
 * is plain text, control tokens included.
 */
export function applyChatTemplate(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  images: PromptImages,
  options: ChatOptions = {},
): ChatPrompt {
  const { text, ids } = tokenizer.encodeChat(messages, options);
  return { text, ids: expandImageTokens(ids, images) };
}

/**
 * Tokens of a conversation that come before its last answer: the prompt a trainer masks. The last message must be the
 * assistant's; the prompt ends where generation would start. Throws DataError `data/messages` otherwise, or when the
 * template does not render the conversation as prompt plus answer.
 */
export function promptLength(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  images: PromptImages,
): number {
  if (messages.at(-1)?.role !== 'assistant') {
    throw new DataError('data/messages', 'the last message must be the assistant’s answer');
  }
  const prompt = applyChatTemplate(tokenizer, messages.slice(0, -1), images, {
    addGenerationPrompt: true,
  });
  const whole = applyChatTemplate(tokenizer, messages, images);
  if (prompt.ids.length >= whole.ids.length || prompt.ids.some((id, i) => id !== whole.ids[i])) {
    throw new DataError(
      'data/messages',
      'the chat template does not render this conversation as prompt and answer',
    );
  }
  return prompt.ids.length;
}
