// Says which words of a question the loaded model cannot read, and which known words may be meant by them.

import { nearestWords } from '../../data/text/nearest_words';
import type { Tokenizer } from '../../data/text/tokenizer';
import { unknownWords } from '../../data/text/unknown_words';
import type { QuestionReading } from '../../worker/protocol/answers';

/** Words that are told of one question, and suggestions for each. */
const MAX_WORDS = 20;
const MAX_NEAREST = 3;
/** Words that people type; the vocabulary also holds numbers, marks and tags. */
const WORD = /^\p{L}{2,}$/u;

/** Looks a question up in the tokenizer's vocabulary. */
export function readQuestion(
  tokenizer: Pick<Tokenizer, 'lookUpWords' | 'vocabulary'>,
  text: string,
): QuestionReading {
  const { share, words } = unknownWords(tokenizer, text);
  if (words.length === 0) return { unknown: [], share };
  const known = tokenizer.vocabulary().filter((token) => WORD.test(token));
  const unknown = words
    .slice(0, MAX_WORDS)
    .map((word) => ({ word, nearest: nearestWords(word, known, MAX_NEAREST) }));
  return { unknown, share };
}
