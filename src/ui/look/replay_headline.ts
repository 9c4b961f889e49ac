// Says in one line what an answer did: what it thought first, whether it looked back, and what it answered.

import { readAnswer } from '../../answer/answer_reading';
import type { Answer } from '../../state/session';
import { REPLAY_COPY } from './replay_copy';

const { headline: WORDS } = REPLAY_COPY;

/** The last number of a thought: what a whole candidate solution ends on. */
function lastNumber(text: string): string | null {
  return text.match(/-?\d+(?:[.,]\d+)*(?!.*\d)/s)?.[0] ?? null;
}

/**
 * The headline of an answer as far as it is shown. What a first thought ends on is compared only where the mode asks for a
 * whole solution before the look; in the middle of reasoning it is no answer yet.
 */
export function headlineOf({ text, asked }: Pick<Answer, 'text' | 'asked'>): string {
  const { answer, backs, firstThought, segments } = readAnswer(text);
  if (answer === null) return segments.some(({ kind }) => kind === 'back') ? WORDS.looking : WORDS.title;
  if (backs.length === 0) return WORDS.plain(answer);
  const first = asked.mode === 'solution' ? lastNumber(firstThought?.text ?? '') : null;
  if (first === null || lastNumber(answer) !== answer) return WORDS.looked(answer);
  return first === answer ? WORDS.kept(answer) : WORDS.changed(first, answer);
}
