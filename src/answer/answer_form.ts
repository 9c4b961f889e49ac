// Reads a finished answer strictly: is it the method's whole form, a plain chain of thought, or neither, and why.
// Grammar: (<think>T</think> <back>T</back>)+ <think>T</think> \boxed{…}, arXiv 2507.03019, tightened against the
// empty look back that the paper reports as reward hacking: T is non-empty and free of tags. Time is linear in the
// text, without backtracking: a hostile answer costs no more than a good one of its length.

import {
  type BlockName,
  type BlockTags,
  BOX_OPENING,
  blockTags,
  type ParsedAnswer,
  parseAnswer,
  type TextSpan,
} from './answer_grammar';
import { BACK_TAGS } from './look_tags';

/** `back`: the full Look-Back form; `cot`: plain chain of thought, no trace of a back tag; `none`: neither. */
export type AnswerForm = 'back' | 'cot' | 'none';

/** One closed block of a well-formed answer; its span is the content. */
export interface FormBlock extends TextSpan {
  readonly name: BlockName;
}

/** Why something is as it is, in words, and the stretch of the answer that shows it (null: the whole or nothing). */
export interface Reason {
  readonly why: string;
  readonly span: TextSpan | null;
}

/** A strictly read answer: its form and its blocks in order, or what breaks the form first. */
export type FormReading =
  | { readonly form: 'back' | 'cot'; readonly blocks: readonly FormBlock[]; readonly fault: null }
  | { readonly form: 'none'; readonly blocks: readonly []; readonly fault: Reason };

/** A tag, or text between two tags. */
interface Piece extends TextSpan {
  readonly tag: string | null;
  readonly text: string;
}

/** What may close a formula or a sentence after the box. */
const CLOSERS = ['\\]', '\\)', '$', '*', '_', '.', '。'] as const;
/** More closers than these are no end of a formula and a sentence: `$$**.` has five. */
const MAX_CLOSERS = 6;
const PIECES_PER_BLOCK = 3;

/** Cuts a text at its tags. White space alone between tags is dropped; everything else is kept in order. */
function piecesOf(text: string, { tags }: ParsedAnswer): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const push = (end: number): void => {
    const between = text.slice(at, end);
    if (between.trim() !== '') pieces.push({ tag: null, text: between, start: at, end });
  };
  for (const { start, end } of tags) {
    push(start);
    pieces.push({ tag: text.slice(start, end), text: '', start, end });
    at = end;
  }
  push(text.length);
  return pieces;
}

function fault(why: string, span: TextSpan | null | undefined): Reason {
  return { why, span: span ? { start: span.start, end: span.end } : null };
}

/** Tag, text and closing tag at `at`, or what is there instead. */
function readBlock(
  pieces: readonly Piece[],
  at: number,
  name: BlockName,
  tags: BlockTags,
): FormBlock | Reason {
  const { open, close } = tags[name];
  const [first, content, last] = [pieces[at], pieces[at + 1], pieces[at + 2]];
  if (first === undefined) return fault(`The answer ends where ${open} has to stand.`, null);
  if (first.tag !== open) {
    const there = first.tag === null ? 'There are words' : `There is ${first.tag}`;
    return fault(`${there} where ${open} has to stand.`, first);
  }
  if (content === undefined) return fault(`${open} is never closed.`, first);
  if (content.tag === close)
    return fault(`${open} has nothing inside.`, { start: first.start, end: content.end });
  if (content.tag !== null) return fault(`${content.tag} stands where ${open} has not been closed.`, content);
  if (last === undefined) return fault(`${open} is never closed.`, first);
  if (last.tag !== close) return fault(`${last.tag} stands where ${open} has not been closed.`, last);
  if (name === 'back' && content.text.includes(BOX_OPENING)) {
    return fault(`A box stands inside ${open}.`, content);
  }
  return { name, start: content.start, end: last.start };
}

/** True when nothing but white space and a few closers of a formula or a sentence is left. */
function isClosing(text: string): boolean {
  let rest = text.trim();
  for (let count = 0; rest !== ''; count++) {
    const closer = CLOSERS.find((mark) => rest.startsWith(mark));
    if (closer === undefined || count === MAX_CLOSERS) return false;
    rest = rest.slice(closer.length).trimStart();
  }
  return true;
}

/** What is wrong with the answer's tail, which has to end in a non-empty whole box; null when nothing is. */
function tailFault(pieces: readonly Piece[], at: number, text: string, { box }: ParsedAnswer): Reason | null {
  const tail = pieces[at];
  const next = pieces[at + 1];
  if (tail === undefined) return fault('No box follows the last thought.', null);
  if (next !== undefined) {
    const why = tail.text.includes(BOX_OPENING)
      ? 'stands after the box'
      : 'stands after words outside of all tags';
    return fault(`${next.tag} ${why}.`, next);
  }
  if (box === null || box.start < tail.start) {
    const cut = tail.text.includes(BOX_OPENING);
    return fault(cut ? 'The box is never closed.' : 'No box follows the last thought.', tail);
  }
  const outer = { start: box.outerStart, end: box.outerEnd };
  if (text.slice(box.start, box.end).trim() === '') return fault('The box has nothing inside.', outer);
  if (!isClosing(text.slice(box.outerEnd))) {
    return fault('There are words after the box.', { start: box.outerEnd, end: text.length });
  }
  return null;
}

/** Reads an answer (without its end token) by the strict grammar, in which a look back has these tags. */
export function readForm(text: string, look = BACK_TAGS): FormReading {
  const parsed = parseAnswer(text, look);
  const tags = blockTags(look);
  const pieces = piecesOf(text, parsed);
  const blocks: FormBlock[] = [];
  for (;;) {
    const at = blocks.length * PIECES_PER_BLOCK;
    // Blocks alternate; after a thought the answer may end.
    const name = blocks.length % 2 === 0 ? 'think' : 'back';
    if (name === 'back' && pieces[at]?.tag !== look.open) {
      const broken = pieces[at]?.tag
        ? fault(`${pieces[at].tag} stands where ${look.open} or the box has to stand.`, pieces[at])
        : tailFault(pieces, at, text, parsed);
      if (broken !== null) return { form: 'none', blocks: [], fault: broken };
      return { form: blocks.length > 1 ? 'back' : 'cot', blocks, fault: null };
    }
    const block = readBlock(pieces, at, name, tags);
    if ('why' in block) return { form: 'none', blocks: [], fault: block };
    blocks.push(block);
  }
}
