// Turns a picture and a question into what the model reads: pixels, chat template, token ids (Hugging Face's
// "processor"). The same pixels and text give the same prompt, bit for bit, in a Worker and in Node.

import { cropToSquare, processQwenImages, type QwenImageConfig } from '../data/image/image_processor';
import type { PixelArray } from '../data/image/pillow_resize';
import { applyChatTemplate } from '../data/text/chat_template';
import { gridImageTokens } from '../data/text/image_tokens';
import { type ChatMessage, createTokenizer, type Tokenizer } from '../data/text/tokenizer';
import { type ModelConfig, parseQwenImageConfig } from '../model/config';
import type { PromptInput } from '../model/prompt_packing';
import { type ModelFiles, readModelJson } from '../model/vision_language_model';

/** A prompt with what the page shows of how it came about. */
export interface PreparedPrompt {
  readonly prompt: PromptInput;
  /** Image tokens after the merge. */
  readonly imageTokens: number;
  /** Their rows and columns. */
  readonly grid: readonly [number, number];
  /** What the model received, in pixels. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
}

/** What to ask about a picture. */
export interface PromptRequest {
  readonly image: PixelArray;
  readonly text: string;
  /** Replaces the template's own system message. */
  readonly system?: string;
  /** Cut the picture to its middle square first. */
  readonly square: boolean;
}

async function readText(files: ModelFiles, name: string): Promise<string | undefined> {
  const source = await files.open(name);
  return source === null ? undefined : new TextDecoder().decode(await source.read(0, source.size));
}

/** Makes prompts for one model. */
export class Processor {
  readonly tokenizer: Tokenizer;
  readonly #image: QwenImageConfig;
  readonly #config: ModelConfig;

  constructor(tokenizer: Tokenizer, image: QwenImageConfig, config: ModelConfig) {
    this.tokenizer = tokenizer;
    this.#image = image;
    this.#config = config;
  }

  /**
   * Reads tokenizer.json, tokenizer_config.json, preprocessor_config.json and chat_template.jinja (or .json).
   *
   * @throws ModelError naming the file that is missing or malformed
   */
  static async load(files: ModelFiles, config: ModelConfig): Promise<Processor> {
    const chatTemplate = (await readText(files, 'chat_template.jinja')) ?? (await legacyTemplate(files));
    const tokenizer = createTokenizer({
      tokenizerJson: await readModelJson(files, 'tokenizer.json'),
      tokenizerConfig: await readModelJson(files, 'tokenizer_config.json'),
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
    });
    const image = parseQwenImageConfig(await readModelJson(files, 'preprocessor_config.json'));
    return new Processor(tokenizer, image, config);
  }

  /** Makes the prompt of one question about one picture. Throws DataError for pictures and texts it cannot use. */
  prepare(request: PromptRequest): PreparedPrompt {
    const seen = request.square ? cropToSquare(request.image) : request.image;
    const patches = processQwenImages([seen], this.#image);
    const [gridThw = [1, 0, 0] as const] = patches.gridThw;
    const merge = this.#image.mergeSize;
    const messages: ChatMessage[] = [
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: request.text }] },
    ];
    if (request.system !== undefined) messages.unshift({ role: 'system', content: request.system });
    const { imageTokenId } = this.#config;
    const images = patches.gridThw.map((grid) => gridImageTokens(grid, merge, imageTokenId));
    const options = { addGenerationPrompt: true };
    const { ids } = applyChatTemplate(this.tokenizer, messages, { imageTokenId, images }, options);
    const grid = [gridThw[1] / merge, gridThw[2] / merge] as const;
    return {
      prompt: { inputIds: ids, images: [{ pixelValues: patches.pixelValues, gridThw }] },
      imageTokens: gridThw[0] * grid[0] * grid[1],
      grid,
      resizedWidth: gridThw[2] * this.#image.patchSize,
      resizedHeight: gridThw[1] * this.#image.patchSize,
    };
  }
}

/** Older folders keep the template in chat_template.json: `{"chat_template": "…"}`. */
async function legacyTemplate(files: ModelFiles): Promise<string | undefined> {
  if ((await files.open('chat_template.json')) === null) return undefined;
  const json = await readModelJson(files, 'chat_template.json');
  const template = (json as { chat_template?: unknown } | null)?.chat_template;
  return typeof template === 'string' ? template : undefined;
}
