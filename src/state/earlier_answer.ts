// Tells whether the answer on show belongs to what is on show beside it: to the chosen pictures and the question as it
// stands. One that does not stays readable, but has to be marked.

import type { Answer } from './session';

/** What the answer belongs to is no longer there: its pictures, or else its question; null where both are. */
export function earlierSubject(
  answer: Pick<Answer, 'asked' | 'recorded'> | null,
  pictures: string,
  question: string,
): 'picture' | 'question' | null {
  // A recorded answer comes before anything is chosen.
  if (answer === null || (answer.recorded && pictures === '')) return null;
  const { asked } = answer;
  if (asked.picture !== pictures) return 'picture';
  return asked.question.trim() === question.trim() ? null : 'question';
}
