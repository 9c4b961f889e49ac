// Computes the tokenizer stage of a fixture folder: ids, offsets, decodes and chats of its goldens.json.

import type { GridThw } from '../../src/data/image/image_processor';
import { applyChatTemplate, type PromptImages, promptLength } from '../../src/data/text/chat_template';
import { gridImageTokens, tiledImageTokens } from '../../src/data/text/image_tokens';
import { type ChatMessage, createTokenizer, type Tokenizer } from '../../src/data/text/tokenizer';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir } from './fixture_dir';

interface StringGolden {
  readonly text: string;
  readonly ids: readonly number[];
  readonly offsets?: readonly (readonly [number, number])[];
  readonly decoded?: string;
  readonly decoded_skip_special?: string;
  readonly prefix_decodes?: readonly string[];
}

interface ChatGolden {
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly add_vision_id?: boolean;
  readonly grids: readonly GridThw[];
  /** Rows and columns of each image's tiles, for families that split images. */
  readonly tiles: readonly (readonly [number, number])[];
  readonly rendered: string;
  readonly ids: readonly number[];
  readonly prompt_length?: number;
}

/** UTF-16 offsets as code points, which is how the goldens count. */
function codePointOffsets(text: string, offsets: readonly (readonly [number, number])[]): number[][] {
  const points = new Int32Array(text.length + 1);
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const units = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    points.fill(count, at, at + units);
    at += units;
    count += 1;
  }
  points[text.length] = count;
  return offsets.map(([start, end]) => [points[start] ?? -1, points[end] ?? -1]);
}

/** Decodes of every prefix, from one pass of the stream decoder: what is final, and what would be held back. */
function streamedPrefixes(tokenizer: Tokenizer, ids: readonly number[]): string[] {
  const decoder = tokenizer.createStreamDecoder();
  let final = '';
  return ids.map((id, i) => {
    final += decoder.push(id);
    const whole = tokenizer.decode(ids.slice(0, i + 1));
    return whole.startsWith(final) ? whole : `streamed ${JSON.stringify(final)}`;
  });
}

function* stringRows(
  tokenizer: Tokenizer,
  golden: StringGolden,
  index: number,
): Generator<[string, string, string]> {
  const { ids, offsets } = tokenizer.encodeWithOffsets(golden.text);
  const name = `strings.${index}`;
  const json = JSON.stringify;
  yield [`${name}.ids`, json(tokenizer.encode(golden.text)), json(golden.ids)];
  if (golden.offsets) {
    yield [
      `${name}.offsets`,
      json({ ids, at: codePointOffsets(golden.text, offsets) }),
      json({ ids: golden.ids, at: golden.offsets }),
    ];
  }
  if (golden.decoded !== undefined) yield [`${name}.decoded`, tokenizer.decode(golden.ids), golden.decoded];
  if (golden.decoded_skip_special !== undefined) {
    const text = tokenizer.decode(golden.ids, { skipSpecialTokens: true });
    yield [`${name}.decoded_skip_special`, text, golden.decoded_skip_special];
    const decoder = tokenizer.createStreamDecoder({ skipSpecialTokens: true });
    const streamed = golden.ids.map((id) => decoder.push(id)).join('') + decoder.end();
    yield [`${name}.streamed_skip_special`, streamed, golden.decoded_skip_special];
  }
  if (golden.prefix_decodes) {
    yield [
      `${name}.prefix_decodes`,
      json(streamedPrefixes(tokenizer, golden.ids)),
      json(golden.prefix_decodes),
    ];
  }
}

/** What stands for the images of a conversation: tiles where the vocabulary has the token of those families. */
function promptImages(tokenizer: Tokenizer, golden: ChatGolden, tokensPerTile: number): PromptImages {
  const imageTokenId = tokenizer.tokenId('<|image_pad|>');
  if (imageTokenId !== null) {
    // The goldens were rendered for a 2 × 2 merge; a folder of tokenizer files carries no model config.
    return { imageTokenId, images: golden.grids.map((grid) => gridImageTokens(grid, 2, imageTokenId)) };
  }
  const splits = golden.tiles.map(([rows, cols]) => ({ rows, cols }));
  const images = splits.map((split) => tiledImageTokens(tokenizer, split, tokensPerTile));
  return { imageTokenId: tokenizer.tokenId('<image>') ?? -1, images };
}

function* chatRows(
  tokenizer: Tokenizer,
  golden: ChatGolden,
  index: number,
  tokensPerTile: number,
): Generator<[string, string, string]> {
  const images = promptImages(tokenizer, golden, tokensPerTile);
  const options = {
    addGenerationPrompt: golden.add_generation_prompt,
    ...(golden.add_vision_id === undefined ? {} : { addVisionId: golden.add_vision_id }),
  };
  const name = `chats.${index}`;
  const { text, ids } = applyChatTemplate(tokenizer, golden.messages, images, options);
  yield [`${name}.rendered`, text, golden.rendered];
  yield [`${name}.ids`, JSON.stringify(ids), JSON.stringify(golden.ids)];
  if (golden.prompt_length !== undefined) {
    const length = promptLength(tokenizer, golden.messages, images);
    yield [`${name}.prompt_length`, String(length), String(golden.prompt_length)];
  }
}

/** Each string and chat of a folder's goldens.json. */
export function* tokenizerRows(dir: FixtureDir, wanted: Wanted): Generator<ComputedRow> {
  if (!dir.has('goldens.json') || !dir.has('tokenizer.json')) return;
  const tokenizer = createTokenizer({
    tokenizerJson: dir.json('tokenizer.json'),
    tokenizerConfig: dir.json('tokenizer_config.json'),
    ...(dir.has('chat_template.jinja')
      ? { chatTemplate: new TextDecoder().decode(dir.bytes('chat_template.jinja')) }
      : {}),
  });
  const goldens = dir.json('goldens.json') as {
    readonly strings?: readonly StringGolden[];
    readonly chats?: readonly ChatGolden[];
    readonly tokens_per_tile: number;
  };
  const row = (tensor: string, actual: string, golden: string): ComputedRow => {
    return { stage: 'tokenizer', file: 'goldens.json', tensor, actual, shape: [], golden };
  };
  for (const [index, golden] of (goldens.strings ?? []).entries()) {
    for (const [name, actual, expected] of stringRows(tokenizer, golden, index)) {
      if (wanted('tokenizer', name)) yield row(name, actual, expected);
    }
  }
  for (const [index, golden] of (goldens.chats ?? []).entries()) {
    for (const [name, actual, expected] of chatRows(tokenizer, golden, index, goldens.tokens_per_tile)) {
      if (wanted('tokenizer', name)) yield row(name, actual, expected);
    }
  }
}
