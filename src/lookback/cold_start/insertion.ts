// Puts a look back into a chain: says where it stands, what a model is asked to write there, and how the whole answer is
// put together. Who writes it (the world's oracle, a model, a file, a person) is the caller's choice.

import { TAGS } from '../../answer/answer_grammar';
import type { LookPosition } from '../../data/world/oracle';
import { DataError } from '../../lib/errors';
import type { ProblemSource } from './problem_source';
import type { SelectedChain } from './selection';
import { worldLook, worldOpening } from './world_example';

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

/** A chosen chain with its problem's picture and what stands before the look. */
export interface OpenedChain extends SelectedChain {
  readonly source: ProblemSource;
  /** What the whole answer has to begin with. */
  readonly opening: string;
}

/** Opens chosen chains for a look. @param sources every problem by its id */
export function openChains(
  looks: readonly SelectedChain[],
  sources: ReadonlyMap<string, ProblemSource>,
  position: LookPosition,
): OpenedChain[] {
  return looks.map((one) => {
    const source = sources.get(one.sampled.problem.id);
    if (source === undefined)
      throw new DataError('data/row', `The problem ${one.sampled.problem.id} is not among the sources.`);
    const { thought } = one.chain;
    const opening = source.sample ? worldOpening(thought, position) : openingOf(thought, position);
    return { ...one, source, opening };
  });
}

/** Answers with a look that were written for a problem, in the order in which they are to be tried. */
export interface KeptLook {
  readonly id: string;
  /** What they go on from: another choice or position opens otherwise, and they are then not for it. */
  readonly opening: string;
  readonly texts: readonly string[];
}

/** Whether a look that is kept was written for this opening. */
export function writtenFor(
  { source, opening }: Pick<OpenedChain, 'source' | 'opening'>,
  looks: ReadonlyMap<string, KeptLook>,
): boolean {
  return looks.get(source.id)?.opening === opening;
}

/** What the oracle of the built-in world writes, always right; nothing for rows of a data set. */
export function oracleLooks(opened: readonly OpenedChain[], position: LookPosition): Map<string, KeptLook> {
  const entries = opened.flatMap(({ source, opening, chain }): [string, KeptLook][] => {
    if (source.sample === null) return [];
    const text = worldLook({ position }, chain.thought, source.sample());
    return [[source.id, { id: source.id, opening, texts: [text] }]];
  });
  return new Map(entries);
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
export function annotationTask({
  sampled,
  opening,
}: Pick<OpenedChain, 'sampled' | 'opening'>): AnnotationTask {
  const { id, question, system } = sampled.problem;
  const { think, back } = TAGS;
  const prompt = [
    'A student looked at the attached image and began to answer a question. Finish the answer.',
    ...(system ? [`The student was told: ${system}`] : []),
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

/**
 * What somebody else wrote: lines `{"id", "text"}`; the last line of an id counts.
 * @param name of the file, for messages
 * @throws DataError `data/row` naming the line that is something else
 */
export function readWrittenLines(text: string, name: string): Map<string, string> {
  const written = new Map<string, string>();
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const row = readWrittenLine(line);
    if (row === null)
      throw new DataError(
        'data/row',
        `${name}, line ${at + 1} must be an object with texts "id" and "text".`,
      );
    written.set(row.id, row.text);
  });
  return written;
}

function readWrittenLine(line: string): { id: string; text: string } | null {
  try {
    const { id, text } = JSON.parse(line) as Record<string, unknown>;
    return typeof id === 'string' && typeof text === 'string' ? { id, text } : null;
  } catch {
    return null;
  }
}

/** Looks as written elsewhere, for the chains that were opened; `unknown` counts texts for no such chain. */
export function looksOfTexts(
  opened: readonly OpenedChain[],
  texts: ReadonlyMap<string, string>,
): { readonly looks: Map<string, KeptLook>; readonly unknown: number } {
  const looks = new Map<string, KeptLook>();
  for (const { source, opening } of opened) {
    const text = texts.get(source.id);
    if (text !== undefined) looks.set(source.id, { id: source.id, opening, texts: [text] });
  }
  return { looks, unknown: texts.size - looks.size };
}
