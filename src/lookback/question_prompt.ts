// Makes the prompt of a question in a mode of reasoning, and shows a prompt as text, without a device: what the
// reasoner asks and what previews of data sets show come from here.

import type { LookTags } from '../answer/look_tags';
import type { PixelArray } from '../data/image/pillow_resize';
import type { PromptImage } from '../data/image/prompt_image';
import type { Tokenizer } from '../data/text/tokenizer';
import { type PreparedPrompt, Processor } from '../generation/processor';
import { DataError } from '../lib/errors';
import { parseModelConfig } from '../model/config';
import { type ModelFiles, readModelJson } from '../model/vision_language_model';
import { MAX_PICTURES } from '../settings/generation_settings';
import type { ReasoningMode } from '../settings/reasoning_modes';
import { askInMode, type LookBackPrompts, PAPER_PROMPTS, parseLookBackPrompts } from './prompts';

/** A question in words. */
export interface AskedTurn {
  readonly text: string;
  readonly mode: ReasoningMode;
  /** A system text of the question's own, as a row may have one; see {@link askInMode}. */
  readonly system?: string | null | undefined;
  /** Tags of the look that the mode asks for; by default the method's own. */
  readonly look?: LookTags | undefined;
}

/** A question about a picture. */
export interface Question extends AskedTurn {
  readonly image: PixelArray;
}

/** A question about pictures as the model sees them, with the turns before it. */
export interface SeenQuestion extends AskedTurn {
  /** At least one, and at most {@link mostPictures}. */
  readonly images: readonly PromptImage[];
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

/** Pictures that one question may be about: one for models of a fixed world, which know nothing else. */
export function mostPictures(prompts: LookBackPrompts): number {
  return prompts.grid === undefined ? MAX_PICTURES : 1;
}

function checkPictures(prompts: LookBackPrompts, count: number): void {
  const most = mostPictures(prompts);
  if (count >= 1 && count <= most) return;
  const message =
    most === 1
      ? 'This model looks at one picture: its checkpoint was made for questions about one. Remove the others, or load another model.'
      : `A question is about 1 to ${most} pictures, not ${count}.`;
  throw new DataError('data/picture-count', message, { count, most });
}

/**
 * A question in its mode's words to a prompt. Throws ModelError `model/mode`, DataError `data/picture-count` for more
 * pictures than the model looks at.
 */
export function preparePrompt(
  processor: Processor,
  prompts: LookBackPrompts,
  { images, text, system, mode, look, earlier = [] }: SeenQuestion,
): PreparedPrompt {
  checkPictures(prompts, images.length);
  const asked = askInMode(prompts, mode, text, look, system);
  const turns = earlier.map((turn) => ({
    text: askInMode(prompts, turn.mode, turn.text, turn.look).text,
    answer: turn.answer,
  }));
  return processor.prepare({ ...asked, images, earlier: turns });
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
      return preparePrompt(processor, prompts, { ...question, images: [image] });
    },
    text: (inputIds) => promptText(tokenizer, config.imageTokenId, inputIds),
  };
}
