// Says in a sentence whether an answer is right, and where the picture does not decide it, within which bounds. The page
// and its comparison say it in the same words.

import type { GenerateResult } from '../../worker/protocol/answers';
import { COPY } from '../copy';

type Truth = NonNullable<GenerateResult['truth']>;

const WORDS = COPY.verdict;

/** `4 to 5` for counts, which follow each other; `a or same` for rows. */
function range(answers: readonly string[]): string {
  if (answers.length < 2) return answers[0] ?? '';
  const numbers = answers.map(Number);
  if (numbers.some(Number.isNaN)) return answers.join(' or ');
  return WORDS.range(Math.min(...numbers), Math.max(...numbers));
}

function bySight(holds: boolean, { answers, unclear, word }: Truth): string {
  const truth = range(answers);
  if (answers.length < 2) return holds ? WORDS.right(truth) : WORDS.wrong(truth);
  const why = WORDS.halfCells(unclear, word ?? '');
  return holds ? WORDS.within(truth, why) : WORDS.outside(truth, why);
}

/**
 * The verdict on a finished answer; null where nobody knows the truth.
 * @param expected the answer that was known when it was asked
 */
export function verdictSentence(
  { verdict, truth }: Pick<GenerateResult, 'verdict' | 'truth'>,
  expected: string | null,
): string | null {
  if (verdict === null) return null;
  if (truth !== null) {
    const sentence = bySight(verdict.equal, truth);
    return truth.word === null ? sentence : `${sentence} ${WORDS.computed}`;
  }
  if (expected === null) return null;
  return verdict.equal ? WORDS.right(expected) : WORDS.wrong(expected);
}
