// Turns a picture and a question into what the model reads: pixels, chat template, token ids (Hugging Face's
// "processor"). The same pixels and text give the same prompt, bit for bit, in a Worker and in Node.

import { cropToSquare } from '../data/image/image_processor';
import type { PixelArray } from '../data/image/pillow_resize';
import type { PromptImageProcessor } from '../data/image/prompt_image';
import { applyChatTemplate } from '../data/text/chat_template';
import { type ChatMessage, createTokenizer, type Tokenizer } from '../data/text/tokenizer';
import { parseImageProcessor } from '../model/config';
import type { PromptInput } from '../model/prompt_packing';
import type { ModelSpec } from '../model/spec';
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
  /** Those pixels, RGB, where the model receives one picture. */
  readonly received?: PixelArray;
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
  readonly #images: PromptImageProcessor;
  readonly #config: ModelSpec;

  constructor(tokenizer: Tokenizer, images: PromptImageProcessor, config: ModelSpec) {
    this.tokenizer = tokenizer;
    this.#images = images;
    this.#config = config;
  }

  /**
   * Reads tokenizer.json, tokenizer_config.json, preprocessor_config.json and chat_template.jinja (or .json).
   *
   * @throws ModelError naming the file that is missing or malformed
   */
  static async load(files: ModelFiles, config: ModelSpec): Promise<Processor> {
    const chatTemplate = (await readText(files, 'chat_template.jinja')) ?? (await legacyTemplate(files));
    const tokenizer = createTokenizer({
      tokenizerJson: await readModelJson(files, 'tokenizer.json'),
      tokenizerConfig: await readModelJson(files, 'tokenizer_config.json'),
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
    });
    const images = parseImageProcessor(await readModelJson(files, 'preprocessor_config.json'), config);
    return new Processor(tokenizer, images, config);
  }

  /** Makes the prompt of one question about one picture. Throws DataError for pictures and texts it cannot use. */
  prepare(request: PromptRequest): PreparedPrompt {
    const seen = request.square ? cropToSquare(request.image) : request.image;
    const image = this.#images.process(seen);
    const messages: ChatMessage[] = [
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: request.text }] },
    ];
    if (request.system !== undefined) messages.unshift({ role: 'system', content: request.system });
    const { imageTokenId } = this.#config;
    const images = [this.#images.promptIds(image, this.tokenizer)];
    const { ids } = applyChatTemplate(
      this.tokenizer,
      messages,
      { imageTokenId, images },
      { addGenerationPrompt: true },
    );
    const { gridThw, pixelValues, received } = image;
    const grid = [gridThw[1] / this.#images.mergeSize, gridThw[2] / this.#images.mergeSize] as const;
    return {
      prompt: { inputIds: ids, images: [{ pixelValues, gridThw }] },
      imageTokens: gridThw[0] * grid[0] * grid[1],
      grid,
      resizedWidth: image.width,
      resizedHeight: image.height,
      ...(received === undefined ? {} : { received }),
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
