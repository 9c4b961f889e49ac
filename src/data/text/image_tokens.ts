// Makes the token ids that stand for one image in a prompt: copies of one token for the Qwen family, labelled tiles for
// SmolVLM.
import { DataError, ModelError } from '../../lib/errors';
import type { GridThw } from '../image/image_processor';
import type { ImageSplit } from '../image/smol_image_processor';
import type { Tokenizer } from './tokenizer';

/**
 * One copy of the image token for each merged token of a grid, t·h·w / merge² of them.
 * Throws DataError `data/image-tokens` when that is no whole number.
 */
export function gridImageTokens(grid: GridThw, spatialMergeSize: number, imageTokenId: number): number[] {
  const copies = (grid[0] * grid[1] * grid[2]) / spatialMergeSize ** 2;
  if (!Number.isSafeInteger(copies) || copies < 1) {
    throw new DataError(
      'data/image-tokens',
      `image grid [${grid.join(', ')}] is not a whole number of tokens`,
    );
  }
  return Array<number>(copies).fill(imageTokenId);
}

function idOf(tokenizer: Tokenizer, token: string): number {
  const id = tokenizer.tokenId(token);
  if (id === null) {
    throw new ModelError(
      'model/tokenizer',
      `tokenizer.json has no token ${token}, which this picture needs: use a picture of a less extreme shape`,
      { token },
    );
  }
  return id;
}

/**
 * Ids of an image that was split into tiles: each tile behind its place, a line per row, the whole image last; an image
 * that was not split is the whole image alone.
 * @param tokensPerTile image tokens of a tile, and of the whole image
 * @throws ModelError `model/tokenizer` naming a token that the vocabulary lacks
 * @source transformers, SmolVLMProcessor: get_image_prompt_string
 */
export function tiledImageTokens(tokenizer: Tokenizer, split: ImageSplit, tokensPerTile: number): number[] {
  const around = idOf(tokenizer, '<fake_token_around_image>');
  const image = Array<number>(tokensPerTile).fill(idOf(tokenizer, '<image>'));
  const whole = [around, idOf(tokenizer, '<global-img>'), ...image, around];
  if (split.rows === 0) return whole;
  const ids: number[] = [];
  for (let row = 1; row <= split.rows; row++) {
    for (let col = 1; col <= split.cols; col++)
      ids.push(around, idOf(tokenizer, `<row_${row}_col_${col}>`), ...image);
    // Behind the last row the line ends twice, and both ends are one text to the tokenizer.
    ids.push(...tokenizer.encode(row === split.rows ? '\n\n' : '\n'));
  }
  return [...ids, ...whole];
}
