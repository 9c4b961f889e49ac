// Puts a look back into a chain: says where it stands, what a model is asked to write there, and how the whole answer is
// put together. Who writes it (the world's oracle, a model, a file) is the caller's choice.

import { TAGS } from '../../answer/answer_grammar';
import type { LookPosition } from '../../data/world/oracle';
import type { SelectedChain } from './selection';

/** A sentence ends at one of these, before white space or the end. */
const SENTENCE_END = /[.!?。]+(?=\s|$)/g;

/**
 * The part of a thought before the look. Solution-back looks after the whole thought; Semantic-back inside it, after the
 * sentence that ends nearest to its middle, and the thought is closed there.
 * @param thought `<think> … </think>`
 */
export function openingOf(thought: string, position: LookPosition): string {
  if (position === 'solution') return thought;
  const { open, close } = TAGS.think;
  const content = thought.slice(open.length, thought.length - close.length);
  const ends = [...content.matchAll(SENTENCE_END)].map((match) => match.index + match[0].length);
  const middle = content.length / 2;
  const [nearest] = ends.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  return nearest === undefined ? thought : `${open}${content.slice(0, nearest)} ${close}`;
}

/** What a model that writes the look itself goes on from: the opening, and an open `<back>`. */
export function forcedStart(opening: string): string {
  return `${opening} ${TAGS.back.open}`;
}

/** The whole answer from the forced start and what came after it. */
export function continued(start: string, continuation: string): string {
  const gap = /^\s/.test(continuation) ? '' : ' ';
  return `${start}${gap}${continuation}`.trim();
}

/** A task for somebody else who writes the look: a stronger model, or a person. */
export interface AnnotationTask {
  readonly id: string;
  readonly question: string;
  /** What the written answer has to begin with, character for character. */
  readonly opening: string;
  /** The whole request in words, with question and opening; the right answer is not in it. */
  readonly prompt: string;
}

/** The request for one chain. */
export function annotationTask({ sampled, chain }: SelectedChain, position: LookPosition): AnnotationTask {
  const { id, question } = sampled.problem;
  const opening = openingOf(chain.thought, position);
  const { think, back } = TAGS;
  const prompt = [
    'A student looked at the attached image and began to answer a question. Finish the answer.',
    `Question: ${question}`,
    `The student wrote: ${opening}`,
    'Repeat what the student wrote, character for character. ' +
      `Then write ${back.open} … ${back.close}: look at the image again and check what the student said against it, ` +
      'naming what is seen and where. ' +
      `Then write ${think.open} … ${think.close}: go on from what the look showed, whether or not the student was right. ` +
      'End with the final answer in \\boxed{}.',
    `Use the form: ${opening} ${back.open} check against the image ${back.close} ${think.open} reasoning from it ${think.close} \\boxed{answer}`,
  ].join('\n\n');
  return { id, question, opening, prompt };
}
