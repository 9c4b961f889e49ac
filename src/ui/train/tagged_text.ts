// Cuts an answer at its tags for colouring, and says which parts of the form it has; the one reader of answers finds
// the segments. The spans joined are the text.

import type { SegmentKind } from '../../answer/answer_grammar';
import { readAnswer } from '../../answer/answer_reading';

/** What a span is; `tag` is the markup itself. */
export type SpanKind = SegmentKind | 'tag';

/** A piece of the text. */
export interface Span {
  readonly kind: SpanKind;
  readonly text: string;
}

/** Whether a part of the form is there, there but empty, or not there. */
export type Tick = 'yes' | 'empty' | 'no';

/** The three parts that people look for. */
export interface Ticks {
  readonly think: Tick;
  readonly back: Tick;
  readonly box: Tick;
}

/** The spans of an answer, tags apart. */
export function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  const add = (kind: SpanKind, to: number) => {
    if (to > at) spans.push({ kind, text: text.slice(at, to) });
    at = Math.max(at, to);
  };
  for (const { kind, start, end, outerStart, outerEnd } of readAnswer(text).segments) {
    add('text', outerStart);
    add('tag', start);
    add(kind, end);
    add('tag', outerEnd);
  }
  add('text', text.length);
  return spans;
}

/** Which parts an answer has: a closed think, a closed back, a whole box, each with content or without. */
export function ticksOf(text: string): Ticks {
  const { segments, box, answer } = readAnswer(text);
  const tick = (name: 'think' | 'back'): Tick => {
    const closed = segments.filter(({ kind, closed: whole }) => kind === name && whole);
    if (closed.some(({ text: content }) => content.trim() !== '')) return 'yes';
    return closed.length > 0 ? 'empty' : 'no';
  };
  const boxed = answer === null ? 'empty' : 'yes';
  return { think: tick('think'), back: tick('back'), box: box === null ? 'no' : boxed };
}
