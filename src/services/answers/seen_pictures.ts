// Keeps the last pictures as the model receives them, by the content of their files: another
// question about the same picture decodes, resizes and encodes nothing again.

import { bytesToHex } from '@noble/hashes/utils.js';
import type { DecodedImage } from '../../data/image/picture_decoder';
import type { PromptImage } from '../../data/image/prompt_image';
import type { ColourShares } from '../../data/world/colour_words';
import { GRID_SIDE } from '../../data/world/grid';
import { coloursOf } from '../../data/world/seen_colours';
import type { Reasoner } from '../../lookback/reasoner';

/** Size and notes of a decoded file. */
export type PictureSource = Omit<DecodedImage, 'pixels'>;

/** A picture before a model. */
export interface SeenPicture {
  /** What is known of the file besides its pixels, which are not kept. */
  readonly source: PictureSource;
  /** The same object for the same file, which is how a session knows its features. */
  readonly image: PromptImage;
  /** Colours of the cells, for models of the embedded world; null for others. */
  readonly colours: readonly ColourShares[] | null;
}

/** The part of a model that sees. */
export type Seeing = Pick<Reasoner, 'see' | 'prompts'>;

/**
 * Patch rows of a picture at the cap of 1,024 tokens take about 19 MB: enough for two that somebody compares. The pictures
 * of one question are kept however many they are.
 */
const KEPT = 2;

interface KeptPicture {
  readonly digest: string;
  readonly picture: SeenPicture;
}

async function digestOf(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return bytesToHex(new Uint8Array(digest));
}

/** The pictures of the last questions. */
export class SeenPictures {
  readonly #decode: (file: Blob) => Promise<DecodedImage>;
  #model: Seeing | undefined;
  #kept: readonly KeptPicture[] = [];

  /** @param decode rejects with DataError for a file that it cannot decode */
  constructor(decode: (file: Blob) => Promise<DecodedImage>) {
    this.#decode = decode;
  }

  /**
   * The pictures of a question's files before a model, in order. Rejects as `decode` does, and with DataError for a picture
   * that cannot be used.
   * @param maxTokens most image tokens of each
   */
  async see(files: readonly Blob[], model: Seeing, maxTokens: number): Promise<SeenPicture[]> {
    if (model !== this.#model) this.#kept = [];
    this.#model = model;
    const seen: KeptPicture[] = [];
    for (const file of files) {
      const digest = `${await digestOf(file)} ${maxTokens}`;
      const found = [...seen, ...this.#kept].find((kept) => kept.digest === digest);
      seen.push(found ?? { digest, picture: await this.#read(file, model, maxTokens) });
    }
    this.#kept = [...new Set([...seen, ...this.#kept])].slice(0, Math.max(KEPT, seen.length));
    return seen.map(({ picture }) => picture);
  }

  async #read(file: Blob, model: Seeing, maxTokens: number): Promise<SeenPicture> {
    const { pixels, ...source } = await this.#decode(file);
    const image = model.see(pixels, maxTokens);
    const colours = image.received && model.prompts.grid === GRID_SIDE ? coloursOf(image.received) : null;
    return { source, image, colours };
  }
}
