// Tokens of one image; whole conversations are compared with their goldens by the parity fixtures.
import { describe, expect, it } from 'vitest';
import { gridImageTokens, tiledImageTokens } from '../../../src/data/text/image_tokens';
import { createTokenizer } from '../../../src/data/text/tokenizer';
import { loadFixtureJson } from '../../harness/fixture';

describe('gridImageTokens', () => {
  it('counts merged tokens, over all frames', () => {
    expect(gridImageTokens([1, 2, 4], 2, 612)).toEqual([612, 612]);
    expect(gridImageTokens([3, 4, 4], 4, 9)).toEqual([9, 9, 9]);
  });

  it('refuses a grid that does not merge', () => {
    expect(() => gridImageTokens([1, 3, 2], 2, 612)).toThrow('not a whole number of tokens');
  });
});

describe('tiledImageTokens', () => {
  const smollm2 = async () =>
    createTokenizer({
      tokenizerJson: await loadFixtureJson('tokenizer-smollm2/tokenizer.json'),
      tokenizerConfig: await loadFixtureJson('tokenizer-smollm2/tokenizer_config.json'),
    });

  it('names the place of each tile and ends with the whole image', async () => {
    const tokenizer = await smollm2();
    const [fake, image] = ['<fake_token_around_image>', '<image>'];
    const tile = (row: number, col: number): string => `${fake}<row_${row}_col_${col}>${image}${image}`;
    const whole = `${fake}<global-img>${image}${image}${fake}`;
    expect(tokenizer.decode(tiledImageTokens(tokenizer, { rows: 2, cols: 1 }, 2))).toBe(
      `${tile(1, 1)}\n${tile(2, 1)}\n\n${whole}`,
    );
    expect(tokenizer.decode(tiledImageTokens(tokenizer, { rows: 0, cols: 0 }, 2))).toBe(whole);
  });

  it('names a place that the vocabulary does not know', async () => {
    const tokenizer = await smollm2();
    expect(() => tiledImageTokens(tokenizer, { rows: 1, cols: 7 }, 2)).toThrow('<row_1_col_7>');
  });
});
