// Finds the segments of an answer that grows token by token, as the engine finds them.

import { createAnswerParser } from '../answer/answer_grammar';
import { TokenSpanMap } from '../answer/token_spans';
import type { Segment } from '../worker/protocol/answers';

/** The beginning of an answer. */
export interface TextSoFar {
  /** Takes the next token's text; the segments of all that was taken. */
  push(text: string): readonly Segment[];
  /** The segments of the whole text. */
  end(): readonly Segment[];
}

/** Nothing of an answer yet. */
export function createTextSoFar(): TextSoFar {
  const parser = createAnswerParser();
  const spans = new TokenSpanMap();
  const now = (): readonly Segment[] =>
    parser.segments.map(({ text: _, ...segment }) => ({
      ...segment,
      ...spans.rangeOf(segment.outerStart, segment.outerEnd),
    }));
  return {
    push: (text) => {
      parser.push(text);
      spans.push(text);
      return now();
    },
    end: () => {
      parser.end();
      return now();
    },
  };
}
