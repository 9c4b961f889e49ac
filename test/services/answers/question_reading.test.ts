// What pocket's tokenizer says of questions: known wordings are clean, typing errors name their word.

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../../src/data/text/tokenizer';
import { readQuestion } from '../../../src/services/answers/question_reading';

const read = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../../../public/models/pocket/${name}`, import.meta.url), 'utf8'));
const tokenizer = createTokenizer({
  tokenizerJson: await read('tokenizer.json'),
  tokenizerConfig: await read('tokenizer_config.json'),
});

describe('readQuestion', () => {
  it('finds nothing in a question that pocket knows', () => {
    expect(readQuestion(tokenizer, 'How many red circles?')).toEqual({ unknown: [], share: 0 });
  });

  it('names an unknown word with the known ones that may be meant', () => {
    const { unknown, share } = readQuestion(tokenizer, 'How many red circels?');
    expect(unknown).toEqual([{ word: 'circels', nearest: expect.arrayContaining(['circles']) }]);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.5);
  });

  it('says when no word can be read', () => {
    expect(readQuestion(tokenizer, 'Pourquoi').share).toBe(1);
  });

  it('tells of a bounded number of words', () => {
    const text = Array.from({ length: 500 }, (_, i) => `qx${String.fromCharCode(97 + (i % 26))}w${i}`).join(
      ' ',
    );
    expect(readQuestion(tokenizer, text).unknown.length).toBeLessThanOrEqual(20);
  });
});
