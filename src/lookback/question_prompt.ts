// Makes the prompt of a question in a mode of reasoning, and shows a prompt as text, without a device: what the
// reasoner asks and what previews of data sets show come from here.

import type { PixelArray } from '../data/image/pillow_resize';
import type { PromptImage } from '../data/image/prompt_image';
import type { Tokenizer } from '../data/text/tokenizer';
import { type PreparedPrompt, Processor } from '../generation/processor';
import { parseModelConfig } from '../model/config';
import { type ModelFiles, readModelJson } from '../model/vision_language_model';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { askInMode, type LookBackPrompts, PAPER_PROMPTS, parseLookBackPrompts } from './prompts';

/** A question in words. */
export interface AskedTurn {
  readonly text: string;
  readonly mode: ReasoningMode;
}

/** A question about a picture. */
export interface Question extends AskedTurn {
  readonly image: PixelArray;
}

/** A question about a picture as the model sees it, with the turns before it. */
export interface SeenQuestion extends AskedTurn {
  readonly image: PromptImage;
  readonly earlier?: readonly (AskedTurn & { readonly answer: string })[];
}

/** A folder's `lookback.json`; the paper's prompts where it has none. @throws ModelError `model/config` */
export async function loadPrompts(files: ModelFiles): Promise<LookBackPrompts> {
  if ((await files.open('lookback.json')) === null) return PAPER_PROMPTS;
  return parseLookBackPrompts(await readModelJson(files, 'lookback.json'), `${files.name}/lookback.json`);
}

/** True when pictures are cut to their middle square: models that see one grid of cells. */
export function cutsToSquare(prompts: LookBackPrompts): boolean {
  return prompts.grid !== undefined;
}

/** A question in its mode's words to a prompt. Throws ModelError `model/mode`. */
export function preparePrompt(
  processor: Processor,
  prompts: LookBackPrompts,
  { image, text, mode, earlier = [] }: SeenQuestion,
): PreparedPrompt {
  const asked = askInMode(prompts, mode, text);
  const turns = earlier.map((turn) => ({
    text: askInMode(prompts, turn.mode, turn.text).text,
    answer: turn.answer,
  }));
  return processor.prepare({ ...asked, image, earlier: turns });
}

/** A prompt as text, each run of image tokens shortened to one. */
export function promptText(
  tokenizer: Pick<Tokenizer, 'decode'>,
  imageTokenId: number,
  inputIds: readonly number[],
): string {
  return tokenizer.decode(
    inputIds.filter((token, at) => token !== imageTokenId || inputIds[at - 1] !== imageTokenId),
  );
}

/** Makes and shows prompts of a model without its weights. */
export interface PromptMaker {
  readonly modes: readonly ReasoningMode[];
  readonly tokenizer: Tokenizer;
  prepare(question: Question): PreparedPrompt;
  text(inputIds: readonly number[]): string;
}

/** Loads what prompts need of a model folder. @throws ModelError naming the file that is missing or malformed */
export async function loadPromptMaker(files: ModelFiles): Promise<PromptMaker> {
  const config = parseModelConfig(await readModelJson(files, 'config.json'));
  const [prompts, processor] = [await loadPrompts(files), await Processor.load(files, config)];
  const { tokenizer } = processor;
  return {
    modes: Object.keys(prompts.modes) as ReasoningMode[],
    tokenizer,
    prepare: (question) => {
      const image = processor.see(question.image, cutsToSquare(prompts));
      return preparePrompt(processor, prompts, { ...question, image });
    },
    text: (inputIds) => promptText(tokenizer, config.imageTokenId, inputIds),
  };
}
