// Finds the words of a text that a model's tokenizer does not know, so that a question or an answer that the model would
// read as `<unk>` can be named before it is asked or trained on.

import type { Tokenizer } from './tokenizer';

/** What a tokenizer does not know of a text. */
export interface UnknownWords {
  /** Words of the text that are unknown, divided by all its words; 0 for a text without words. */
  readonly share: number;
  /** Each unknown word once, in the order of the text, as the tokenizer normalises it, without punctuation around it. */
  readonly words: readonly string[];
}

const AROUND = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;

/** Whether a tokenizer spells any text in letters or bytes, so that no word is unknown to it. */
export function knowsEveryWord(tokenizer: Pick<Tokenizer, 'lookUpWords'>): boolean {
  return tokenizer.lookUpWords('word').length === 0;
}

/** Looks up every word of a text. Tokenizers that spell any text in bytes know all words. */
export function unknownWords(tokenizer: Pick<Tokenizer, 'lookUpWords'>, text: string): UnknownWords {
  const words = tokenizer.lookUpWords(text);
  const unknown = words.filter(({ known }) => !known).map(({ word }) => word.replace(AROUND, '') || word);
  return { share: words.length === 0 ? 0 : unknown.length / words.length, words: [...new Set(unknown)] };
}
