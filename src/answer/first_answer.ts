// Reads which answer the first thought of a Look-Back answer arrives at, and whether looking back changed it for the
// better or for the worse. Metrics of training, evaluations and experiments count their flips here.

import { type GraderName, gradeAnswer } from './answer_grading';
import { readQuantity } from './answer_quantity';
import { type AnswerReading, readAnswer } from './answer_reading';
import { foldAnswer } from './answer_text';
import { expectedAnswers } from './expected_answers';

const NUMBER = '-?\\d+(?:,\\d{3})*(?:\\.\\d+)?';
const RESULT = new RegExp(`=\\s*(${NUMBER})`, 'g');
/** A number on its own: not the end of a cell's name, and no minus between two numbers. */
const LONE_NUMBER = new RegExp(`(?<![\\w.,])(${NUMBER})`, 'g');

function lastMatch(text: string, pattern: RegExp): string | null {
  let last: string | null = null;
  for (const match of text.matchAll(pattern)) last = match[1] ?? null;
  return last;
}

/**
 * The answer that a thought arrives at: its box; else, where a number is expected, the last result of a sum (`= 12`) or
 * its last number. Null when it names none: words and choices are read from a box alone, as a thought that ends in
 * `3 > 0` has not said yes.
 */
function candidateOf(thought: string, expected: string): string | null {
  const boxed = readAnswer(thought).answer;
  const isNumber = (gold: string): boolean => readQuantity(foldAnswer(gold)) !== null;
  if (boxed !== null || !expectedAnswers(expected).some(isNumber)) return boxed;
  return lastMatch(thought, RESULT) ?? lastMatch(thought, LONE_NUMBER);
}

/** Whether an answer was right before and after it looked back. */
export interface Turn {
  readonly before: boolean;
  readonly after: boolean;
}

/**
 * Whether the first thought's candidate and the final box are right.
 * @param grader by default the one that the expected answer asks for
 * @returns null where nothing was looked back on, or where the thought names no answer
 */
export function turnOf(
  reading: Pick<AnswerReading, 'segments' | 'firstThought' | 'answer'>,
  expected: string,
  grader?: GraderName,
): Turn | null {
  const back = reading.segments.find(({ kind }) => kind === 'back');
  const thought = reading.firstThought;
  if (back === undefined || thought === null || thought.start > back.start) return null;
  const candidate = candidateOf(thought.text, expected);
  if (candidate === null) return null;
  return {
    before: gradeAnswer(candidate, expected, grader).equal,
    after: gradeAnswer(reading.answer, expected, grader).equal,
  };
}
