// Means an answer's attention on the image over the phases of the method: early, late in the first thought, inside
// the first look back, and in the thought after it. Page, evaluation and training show these figures and no others.

import type { TextSpan } from './answer_grammar';
import type { AnswerReading } from './answer_reading';
import type { TokenSpan } from './token_spans';

/** Mean image share in four phases of one answer; null where the answer has no such phase. */
export interface AttentionPhases {
  /** The 8 generated tokens after the first, which is the opening tag. */
  readonly early: number | null;
  /** The last {@link LATE_TOKENS} tokens of the first thought, its closing tag left out. */
  readonly late: number | null;
  /** From the opening back tag to the last token before the closing one, first look back. */
  readonly inBack: number | null;
  /** Highest single token of the same range. */
  readonly backPeak: number | null;
  /** The second thought, tags left out. */
  readonly afterBack: number | null;
}

/** The phases of an answer whose attention was not recorded. */
export const NO_ATTENTION: AttentionPhases = {
  early: null,
  late: null,
  inBack: null,
  backPeak: null,
  afterBack: null,
};

/** An answer whose attention was recorded, as far as the phases need it. */
export interface AttendedAnswer {
  readonly reading: Pick<AnswerReading, 'firstThought' | 'firstBack' | 'secondThought'>;
  /** Image share of each generated token; null where none was recorded. */
  readonly imageShares: readonly (number | null)[];
  /** Tokens that wrote the characters [start, end), white space at both ends left out. */
  tokenSpan(start: number, end: number): TokenSpan;
}

/** Tokens after the first that count as early. */
const EARLY_TOKENS = 8;
/** Tokens at the end of the first thought that count as late. */
export const LATE_TOKENS = 12;

/** Mean of the values that are known; null when none is. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Image shares by phase. Phases are found in the text and mapped to tokens, whatever the tokenizer does to tags. */
export function attentionPhases({ reading, imageShares, tokenSpan }: AttendedAnswer): AttentionPhases {
  const sharesOf = (span: TextSpan | null): (number | null)[] => {
    if (span === null) return [];
    const { tokenStart, tokenEnd } = tokenSpan(span.start, span.end);
    return imageShares.slice(tokenStart, tokenEnd);
  };
  const { firstThought, firstBack, secondThought } = reading;
  const inBack = sharesOf(firstBack && { start: firstBack.outerStart, end: firstBack.end });
  const known = inBack.filter((share) => share !== null);
  return {
    early: meanOf(imageShares.slice(1, 1 + EARLY_TOKENS)),
    late: meanOf(sharesOf(firstThought).slice(-LATE_TOKENS)),
    inBack: meanOf(inBack),
    backPeak: known.length === 0 ? null : Math.max(...known),
    afterBack: meanOf(sharesOf(secondThought)),
  };
}
