// Finds how much of a prompt a cache holds already: the first tokens of a conversation that goes on. Images count by
// identity, because the ids of all images are the same.

import type { ImageInput, PromptInput } from './prompt_packing';

/** Tokens whose keys lie in a cache slot from its beginning, with the images among them; grows as tokens are fed. */
export class CachedTokens {
  readonly ids: number[];
  readonly images: readonly ImageInput[];
  /** Of the weights that computed the keys; those of other weights are stale. */
  readonly revision: number;
  #newest: number | undefined;

  constructor({ inputIds, images }: PromptInput, revision = 0) {
    this.ids = [...inputIds];
    this.images = images;
    this.revision = revision;
  }

  /** Takes a sampled token; its key is cached when the next one arrives, and never after the end. */
  sampled(id: number, done: boolean): void {
    if (this.#newest !== undefined) this.ids.push(this.#newest);
    this.#newest = done ? undefined : id;
  }
}

/** How a prompt goes on behind cached tokens. */
export interface CachedPrefix {
  /** First tokens of the prompt that need not be run again; less than its length, and no image is cut. */
  readonly length: number;
  /** The prompt's images behind them. */
  readonly images: readonly ImageInput[];
}

/**
 * The longest prefix of a prompt that a cache holds.
 * @param imageTokenId id that stands for image features
 * @param tokensOf     image tokens of an image in a prompt
 */
export function cachedPrefix(
  held: Pick<CachedTokens, 'ids' | 'images'>,
  { inputIds, images }: PromptInput,
  imageTokenId: number,
  tokensOf: (image: ImageInput) => number,
): CachedPrefix {
  const most = Math.min(held.ids.length, inputIds.length - 1);
  let length = 0;
  let image = 0;
  let imageStart = 0;
  /** Image tokens passed of the image that the prefix is in. */
  let passed = 0;
  for (; length < most && held.ids[length] === inputIds[length]; length++) {
    if (inputIds[length] !== imageTokenId) continue;
    const current = images[image];
    if (current === undefined || (passed === 0 && current !== held.images[image])) break;
    if (passed === 0) imageStart = length;
    if (++passed === tokensOf(current)) {
      image++;
      passed = 0;
    }
  }
  // An image that the prefix ends within is run again as a whole.
  return { length: passed > 0 ? imageStart : length, images: images.slice(image) };
}
