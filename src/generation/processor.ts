// Turns pictures and a question into what the model reads: pixels, chat template, token ids (Hugging Face's
// "processor"). The same pixels and text give the same prompt, bit for bit, in a Worker and in Node.

import { cropToSquare } from '../data/image/image_processor';
import type { PixelArray } from '../data/image/pillow_resize';
import type { PromptImage, PromptImageProcessor } from '../data/image/prompt_image';
import type { ImageSplit } from '../data/image/smol_image_processor';
import { tiledGrid } from '../data/image/tile_map';
import { applyChatTemplate } from '../data/text/chat_template';
import { type ChatMessage, createTokenizer, type Tokenizer } from '../data/text/tokenizer';
import { parseImageProcessor } from '../model/config';
import type { PromptInput } from '../model/prompt_packing';
import type { ModelSpec } from '../model/spec';
import { type ModelFiles, readModelJson } from '../model/vision_language_model';

/** How a picture became image tokens of a prompt. */
export interface PlacedPicture {
  /** Image tokens after the merge. */
  readonly imageTokens: number;
  /** Rows and columns of the grid that they form on the picture. */
  readonly grid: readonly [number, number];
  /** Tiles of that grid where the picture was cut: then masses by image token are not yet masses on it (tile_map.ts). */
  readonly split: ImageSplit;
  /** What the model received, in pixels. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
}

/** A prompt with what the page shows of how it came about. */
export interface PreparedPrompt {
  readonly prompt: PromptInput;
  /** Image tokens of all pictures. */
  readonly imageTokens: number;
  /** Its pictures, in order. */
  readonly pictures: readonly PlacedPicture[];
}

/** A question of a conversation and what the model answered. */
export interface AnsweredTurn {
  readonly text: string;
  readonly answer: string;
}

/** What to ask about pictures. */
export interface PromptRequest {
  /** As {@link Processor.see} made them; the same object is the same picture to a session that goes on. */
  readonly images: readonly PromptImage[];
  readonly text: string;
  /** Replaces the template's own system message. */
  readonly system?: string;
  /** Turns before this question, the first of them about the pictures; default none. */
  readonly earlier?: readonly AnsweredTurn[];
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
   * Reads tokenizer.json, tokenizer_config.json, preprocessor_config.json (or processor_config.json) and
   * chat_template.jinja (or .json).
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
    const images = await loadImages(files, config);
    return new Processor(tokenizer, images, config);
  }

  /**
   * Turns a picture into what the model receives. Throws DataError for pictures it cannot use.
   * @param square cut it to its middle square first
   * @param maxTokens most image tokens; by default what the checkpoint says
   */
  see(image: PixelArray, square: boolean, maxTokens?: number): PromptImage {
    return this.#images.process(square ? cropToSquare(image) : image, maxTokens);
  }

  /**
   * Makes the prompt of a conversation, up to where the model's next turn begins. Its image parts stand for the pictures, in
   * order. Throws DataError `data/image-tokens` when their numbers differ, ModelError `model/chat-template`.
   */
  prepareChat(messages: readonly ChatMessage[], images: readonly PromptImage[]): PromptInput {
    const promptIds = images.map((image) => this.#images.promptIds(image, this.tokenizer));
    const placed = { imageTokenId: this.#config.imageTokenId, images: promptIds };
    const { ids } = applyChatTemplate(this.tokenizer, messages, placed, { addGenerationPrompt: true });
    return { inputIds: ids, images };
  }

  /**
   * Makes the prompt of one question. Several pictures are named by their places, as questions may name them. Throws
   * DataError for texts it cannot use.
   */
  prepare(request: PromptRequest): PreparedPrompt {
    const { images, earlier = [] } = request;
    const messages: ChatMessage[] = [...earlier, { text: request.text, answer: undefined }].flatMap(
      ({ text, answer }, turn): ChatMessage[] => [
        {
          role: 'user',
          content: [...(turn === 0 ? imageParts(images.length) : []), ...textParts(text)],
        },
        ...(answer === undefined ? [] : [{ role: 'assistant' as const, content: textParts(answer) }]),
      ],
    );
    if (request.system !== undefined)
      messages.unshift({ role: 'system', content: textParts(request.system) });
    const pictures = images.map((image) => this.#placed(image));
    return {
      prompt: this.prepareChat(messages, images),
      imageTokens: pictures.reduce((sum, { imageTokens }) => sum + imageTokens, 0),
      pictures,
    };
  }

  #placed({ gridThw, split, width, height }: PromptImage): PlacedPicture {
    const tile = [gridThw[1] / this.#images.mergeSize, gridThw[2] / this.#images.mergeSize] as const;
    return {
      imageTokens: gridThw[0] * tile[0] * tile[1],
      grid: tiledGrid(split, tile),
      split,
      resizedWidth: width,
      resizedHeight: height,
    };
  }
}

type ContentPart = { readonly type: 'image' } | { readonly type: 'text'; readonly text: string };

/**
 * The pictures at the head of a question: one stands alone, each of several behind its name, in the words of the question
 * (`image 1`). Qwen's templates offer the same with `add_vision_id`, in words of their own.
 */
function imageParts(count: number): ContentPart[] {
  return Array.from({ length: count }, (_, at): ContentPart[] => {
    const label = at === 0 ? 'image 1: ' : `\nimage ${at + 1}: `;
    return [...(count > 1 ? textParts(label) : []), { type: 'image' }];
  })
    .flat()
    .concat(count > 1 ? textParts('\n') : []);
}

/** A text as parts: some templates (SmolVLM's) know no other content, and all of vision models know this one. */
function textParts(text: string): [{ readonly type: 'text'; readonly text: string }] {
  return [{ type: 'text', text }];
}

/** The image processor of preprocessor_config.json, or of processor_config.json, which newer writers save alone. */
async function loadImages(files: ModelFiles, config: ModelSpec): Promise<PromptImageProcessor> {
  const [usual, newer] = ['preprocessor_config.json', 'processor_config.json'];
  const alone = (await files.open(usual)) === null && (await files.open(newer)) !== null;
  const name = alone ? newer : usual;
  return parseImageProcessor(await readModelJson(files, name), config, name);
}

/** Older folders keep the template in chat_template.json: `{"chat_template": "…"}`. */
async function legacyTemplate(files: ModelFiles): Promise<string | undefined> {
  if ((await files.open('chat_template.json')) === null) return undefined;
  const json = await readModelJson(files, 'chat_template.json');
  const template = (json as { chat_template?: unknown } | null)?.chat_template;
  return typeof template === 'string' ? template : undefined;
}
