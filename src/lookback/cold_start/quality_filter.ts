// Judges an answer into which a look back was put: whether it may become an example, and every rule that it breaks, with
// words. The paper filters for quality without publishing its criteria; these are the rules used here.
// Source: Look-Back, arXiv 2507.03019, cold-start data.

import { readForm } from '../../answer/answer_form';
import { gradeAnswer } from '../../answer/answer_grading';
import { TAGS } from '../../answer/answer_grammar';
import { readAnswer } from '../../answer/answer_reading';

/** The rules, in the order in which they are tried, with what each demands. */
export const QUALITY_RULES = {
  form: 'The answer has the strict form: thought, look back, thought, box.',
  answer: 'The boxed answer is right.',
  opening: 'What stands before the look is the base’s own, unchanged.',
  empty: 'The look says something: at least three words.',
  copy: 'The look does not repeat the thought before it.',
  leak: 'The look does not speak of a known answer.',
} as const;

/** Name of a rule. */
export type QualityRule = keyof typeof QUALITY_RULES;

/** A broken rule with the reason. */
export interface Rejection {
  readonly rule: QualityRule;
  readonly why: string;
}

/** An answer to judge. */
export interface InsertedAnswer {
  readonly text: string;
  /** What it has to begin with; see `openingOf`. */
  readonly opening: string;
  readonly expected: string;
}

const LEAST_WORDS = 3;
/** Share of the look's word triples that also stand in the thought, from which it counts as a copy. */
export const COPY_OVERLAP = 0.7;
const LEAK = /\b(?:correct|true|right|gold|expected|given|reference|provided)\s+(?:answer|solution)\b/i;

const wordsOf = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);
const plain = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** Share of `text`'s word triples that `other` holds; 0 where it has none. */
export function tripleOverlap(text: string, other: string): number {
  const triples = (words: readonly string[]): string[] =>
    words.slice(2).map((word, at) => `${words[at]} ${words[at + 1]} ${word}`);
  const known = new Set(triples(wordsOf(other)));
  const own = triples(wordsOf(text));
  return own.length === 0 ? 0 : own.filter((triple) => known.has(triple)).length / own.length;
}

/** Every rule that an answer breaks; none for one that may become an example. Linear in its length. */
export function rejectionsOf({ text, opening, expected }: InsertedAnswer): Rejection[] {
  const rejections: Rejection[] = [];
  const reject = (rule: QualityRule, why: string): void => {
    rejections.push({ rule, why });
  };
  const { form, blocks, fault } = readForm(text);
  if (form === 'none') reject('form', fault.why);
  if (form === 'cot') reject('form', `There is no ${TAGS.back.open}.`);
  const { answer } = readAnswer(text);
  const grade = gradeAnswer(answer, expected);
  if (!grade.equal)
    reject('answer', answer === null ? 'There is no box.' : `The box holds ${answer}; ${expected} is right.`);
  if (!plain(text).startsWith(plain(opening)))
    reject('opening', 'The answer does not begin with what the base wrote.');
  if (form !== 'back') return rejections;

  const [thought] = blocks;
  const looks = blocks.filter(({ name }) => name === 'back').map(({ start, end }) => text.slice(start, end));
  const before = thought ? text.slice(thought.start, thought.end) : '';
  for (const look of looks) {
    if (wordsOf(look).length < LEAST_WORDS) reject('empty', `The look is “${plain(look)}”.`);
    const overlap = tripleOverlap(look, before);
    if (overlap >= COPY_OVERLAP)
      reject('copy', `${Math.round(100 * overlap)} % of its word triples stand in the thought.`);
    const leak = LEAK.exec(look);
    if (leak) reject('leak', `The look says “${leak[0]}”.`);
  }
  return rejections;
}
