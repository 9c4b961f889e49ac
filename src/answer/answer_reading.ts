// Says what a finished or growing answer holds: its thoughts, its looks back at the image, and what it boxed.
// Everybody reads an answer through this file: page, rewards, evaluation, data sets and command lines.

import { type ParsedAnswer, parseAnswer, type Segment } from './answer_grammar';
import { BACK_TAGS } from './look_tags';

/** An answer as everybody reads it. */
export interface AnswerReading extends ParsedAnswer {
  /** The first `think` block whose closing tag came. */
  readonly firstThought: Segment | null;
  /** The first closed `back` block after the first thought, or the first of all where there is no thought. */
  readonly firstBack: Segment | null;
  /** The first closed `think` block after the first look back. */
  readonly secondThought: Segment | null;
  /** The closed `back` blocks in order. */
  readonly backs: readonly Segment[];
  /** A back tag opens somewhere: the model looked back, well-formed or not. */
  readonly triggered: boolean;
  /** At least one closed `back` block has nothing but white space inside. */
  readonly emptyBack: boolean;
}

/** The reading of what a parser found. Linear in the number of segments. */
export function readingOf(parsed: ParsedAnswer): AnswerReading {
  const { segments, tags, box, answer } = parsed;
  const closed = (kind: 'think' | 'back', from: number): Segment | null =>
    segments.find((segment) => segment.kind === kind && segment.closed && segment.start >= from) ?? null;
  const firstThought = closed('think', 0);
  const firstBack = closed('back', firstThought?.end ?? 0);
  const backs = segments.filter(({ kind, closed: whole }) => kind === 'back' && whole);
  return {
    ...{ segments, tags, box, answer, firstThought, firstBack, backs },
    secondThought: firstBack === null ? null : closed('think', firstBack.end),
    triggered: tags.some(({ name, opens }) => name === 'back' && opens),
    emptyBack: backs.some(({ text }) => text.trim() === ''),
  };
}

/** Reads a whole answer, without its end token, in which a look back has these tags. Linear in its length, whatever it holds. */
export function readAnswer(text: string, look = BACK_TAGS): AnswerReading {
  return readingOf(parseAnswer(text, look));
}
