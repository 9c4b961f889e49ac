// unknownWords over pocket's word list, which knows few words, and a byte-level tokenizer, which knows all.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createTokenizer, type Tokenizer } from '../../../src/data/text/tokenizer';
import { unknownWords } from '../../../src/data/text/unknown_words';
import { loadFixtureJson } from '../../harness/fixture';

async function pocket(): Promise<Tokenizer> {
  const read = async (name: string) =>
    JSON.parse(await readFile(new URL(`../../../public/models/pocket/${name}`, import.meta.url), 'utf8'));
  return createTokenizer({
    tokenizerJson: await read('tokenizer.json'),
    tokenizerConfig: await read('tokenizer_config.json'),
  });
}

describe('unknownWords', () => {
  it('names the words that pocket does not know, each once, with their share', async () => {
    const tokenizer = await pocket();
    const known = 'How many red circles ?';
    expect(unknownWords(tokenizer, known)).toEqual({ share: 0, words: [] });
    expect(unknownWords(tokenizer, 'How many Zebras, zebras?')).toMatchObject({
      words: ['zebras'],
      share: 0.5,
    });
    expect(unknownWords(tokenizer, 'xylophone how').share).toBe(0.5);
    expect(unknownWords(tokenizer, '  ')).toEqual({ share: 0, words: [] });
  });

  it('agrees with the ids that the model would read', async () => {
    const tokenizer = await pocket();
    const unknown = tokenizer.tokenId('<unk>');
    for (const text of [
      'how many',
      'how <|im_end|> many',
      'Wie viele Kreise?',
      '<think> 3 </think> \\boxed{3}',
    ]) {
      const ids = tokenizer.encodePlain(text);
      expect(ids.some((id) => tokenizer.specialIds.has(id))).toBe(false);
      expect(unknownWords(tokenizer, text).words.length > 0, text).toBe(ids.includes(unknown as number));
    }
  });

  it('finds nothing unknown in bytes', async () => {
    const tokenizer = createTokenizer({
      tokenizerJson: await loadFixtureJson('tokenizer-qwen2/tokenizer.json'),
      tokenizerConfig: await loadFixtureJson('tokenizer-qwen2/tokenizer_config.json'),
    });
    expect(unknownWords(tokenizer, 'xylophone 木琴 <|im_end|>')).toEqual({ share: 0, words: [] });
  });
});
