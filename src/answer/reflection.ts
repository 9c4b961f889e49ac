// Reads a finished answer as the Look-Back method does: its format, whether and how it looked back, and what it boxed.
// Not the streaming parser (generation/segment_parser.ts), which must make sense of any text: this one is strict.
// Invariant: linear in the text, no backtracking: a hostile answer costs no more than a good one of its length.
// Grammar: (<think>T</think> <back>T</back>)+ <think>T</think> \boxed{…}, arXiv 2507.03019, tightened against the
// empty `<back>` that the paper reports as reward hacking: T is non-empty and free of tags.

/** `back`: the full Look-Back form; `cot`: plain chain of thought, no trace of a back tag; `none`: neither. */
export type ReasoningFormat = 'back' | 'cot' | 'none';

/** What an answer's text says about its reasoning. */
export interface Reflection {
  readonly format: ReasoningFormat;
  /** The text holds `<back>`: the model looked back, well-formed or not. */
  readonly triggered: boolean;
  /** At least one closed `<back>` has nothing but white space inside. */
  readonly emptyBack: boolean;
  /** Contents of the closed `<back>` spans, in order. */
  readonly backs: readonly string[];
  /** Content of the last balanced `\boxed{}` outside `<back>`, trimmed; null when there is none or it is empty. */
  readonly answer: string | null;
}

const TAG = /<\/?(?:think|back)>/g;
const BOX = '\\boxed{';
const BACK_OPENING = '<back>';
const BACK_CLOSING = '</back>';

interface Piece {
  /** A tag, or `text`. */
  readonly tag: string;
  readonly text: string;
  /** Where the piece starts in the whole text. */
  readonly start: number;
}

/** One closed block of a well-formed answer: its content is the characters [start, end). */
export interface ReasoningBlock {
  readonly name: 'think' | 'back';
  readonly start: number;
  readonly end: number;
}

/** A strictly read answer: its form and its blocks in order. */
export interface Reasoning {
  readonly format: ReasoningFormat;
  /** Empty when the form is `none`. */
  readonly blocks: readonly ReasoningBlock[];
}

/** Cuts a text at its tags. White space alone between tags is dropped; everything else is kept in order. */
function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  const push = (end: number): void => {
    const between = text.slice(at, end);
    if (between.trim() !== '') found.push({ tag: 'text', text: between, start: at });
  };
  for (const match of text.matchAll(TAG)) {
    push(match.index);
    found.push({ tag: match[0], text: '', start: match.index });
    at = match.index + match[0].length;
  }
  push(text.length);
  return found;
}

/** Content of the last `\boxed{` whose braces balance, untrimmed, with where the box starts and ends; or null. */
function lastBox(text: string): { content: string; start: number; end: number } | null {
  let start = text.lastIndexOf(BOX);
  // An unclosed last box hides none before it; each box is scanned once to the next box at most twice.
  let limit = text.length;
  while (start >= 0) {
    let depth = 1;
    for (let i = start + BOX.length; i < limit; i++) {
      if (text[i] === '{') depth++;
      else if (text[i] === '}' && --depth === 0) {
        return { content: text.slice(start + BOX.length, i), start, end: i + 1 };
      }
    }
    limit = start;
    start = start === 0 ? -1 : text.lastIndexOf(BOX, start - 1);
  }
  return null;
}

/** Content of the last balanced `\boxed{}` of a text, trimmed; null when there is none or it is empty. */
export function extractBoxed(text: string): string | null {
  const content = lastBox(text)?.content.trim();
  return content ? content : null;
}

/** Tag, text and closing tag at `at`; null when they are not there. */
function block(found: readonly Piece[], at: number, name: ReasoningBlock['name']): ReasoningBlock | null {
  const [open, content, close] = [found[at], found[at + 1], found[at + 2]];
  if (open?.tag !== `<${name}>` || content?.tag !== 'text' || close?.tag !== `</${name}>`) return null;
  if (name === 'back' && content.text.includes(BOX)) return null;
  return { name, start: content.start, end: close.start };
}

/** True when the pieces from `at` are the answer's tail: text that ends in a non-empty balanced box. */
function endsInBox(found: readonly Piece[], at: number): boolean {
  const tail = found[at];
  if (tail?.tag !== 'text' || found.length !== at + 1) return false;
  const box = lastBox(tail.text);
  return box !== null && box.content.trim() !== '' && tail.text.slice(box.end).trim() === '';
}

const MALFORMED: Reasoning = { format: 'none', blocks: [] };
const PIECES_PER_BLOCK = 3;

/** Reads an answer (without its end token) by the strict grammar. */
export function parseReasoning(text: string): Reasoning {
  const found = pieces(text);
  const blocks: ReasoningBlock[] = [];
  for (;;) {
    const thought = block(found, blocks.length * PIECES_PER_BLOCK, 'think');
    if (thought === null) return MALFORMED;
    blocks.push(thought);
    const next = blocks.length * PIECES_PER_BLOCK;
    if (endsInBox(found, next)) return { format: blocks.length > 1 ? 'back' : 'cot', blocks };
    const back = block(found, next, 'back');
    if (back === null) return MALFORMED;
    blocks.push(back);
  }
}

/** The strict format of an answer (without its end token). */
export function reasoningFormat(text: string): ReasoningFormat {
  return parseReasoning(text).format;
}

/** A stretch of text: the characters [start, end). */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** Contents of the closed `<back>` spans of a text, well-formed or not, in order. */
export function closedBacks(text: string): TextSpan[] {
  const found: TextSpan[] = [];
  for (let at = 0; ; ) {
    const open = text.indexOf(BACK_OPENING, at);
    const start = open + BACK_OPENING.length;
    const end = open < 0 ? -1 : text.indexOf(BACK_CLOSING, start);
    if (end < 0) return found;
    found.push({ start, end });
    at = end + BACK_CLOSING.length;
  }
}

/** Reads a whole answer. */
export function reflect(text: string): Reflection {
  const spans = closedBacks(text);
  const backs = spans.map(({ start, end }) => text.slice(start, end));
  let outside = '';
  let at = 0;
  for (const { start, end } of spans) {
    outside += text.slice(at, start - BACK_OPENING.length);
    at = end + BACK_CLOSING.length;
  }
  const unclosed = text.indexOf(BACK_OPENING, at);
  outside += text.slice(at, unclosed < 0 ? text.length : unclosed);
  return {
    format: reasoningFormat(text),
    triggered: text.includes(BACK_OPENING),
    emptyBack: backs.some((back) => back.trim() === ''),
    backs,
    answer: extractBoxed(outside),
  };
}
