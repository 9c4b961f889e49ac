// Reads the tags of an answer while it streams: think and back segments, boxes, and the text outside of them. It
// works on text, never on token ids: `<back>` is ordinary vocabulary, and its neighbours merge into its tokens. Every
// other reading of an answer starts from what this file finds. Malformed tags stay readable as text. What is found
// depends on the text alone, not on how it was cut into pushes, and costs linear time.

import { BACK_TAGS, type LookTags } from './look_tags';

/** The two blocks of the method: reasoning, and a look back at the image. */
export type BlockName = 'think' | 'back';

/** What a segment is: a reasoning block, a look back at the image, a boxed answer, or text outside all of them. */
export type SegmentKind = BlockName | 'answer' | 'text';

/** The tags of both blocks as they are written. */
export type BlockTags = Readonly<Record<BlockName, { readonly open: string; readonly close: string }>>;

/** The tags of both blocks where a look back has the method's own. */
export const TAGS = {
  think: { open: '<think>', close: '</think>' },
  back: BACK_TAGS,
} as const satisfies BlockTags;

/** The tags of both blocks where a look back has these. */
export function blockTags(look: LookTags): BlockTags {
  return { think: TAGS.think, back: look };
}

/** What opens the box of an answer. */
export const BOX_OPENING = '\\boxed{';

/** A stretch of text: the UTF-16 characters [start, end). */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** A piece of the text. Its span is the content, without tags: text.slice(start, end) is `text`. */
export interface Segment extends TextSpan {
  readonly kind: SegmentKind;
  readonly text: string;
  /** The same piece with its tags, as far as they were written. */
  readonly outerStart: number;
  readonly outerEnd: number;
  /** Its closing tag was seen; for plain text, something followed it. */
  readonly closed: boolean;
}

/** One tag as it stands in the text, in place or not. */
export interface TagMark extends TextSpan {
  readonly name: BlockName;
  readonly opens: boolean;
}

/** A whole `\boxed{…}`; its span is the content. */
export interface Box extends TextSpan {
  readonly outerStart: number;
  readonly outerEnd: number;
}

/** What the parser has found so far. */
export interface ParsedAnswer {
  readonly segments: readonly Segment[];
  /** Every tag, also those that are read as text. */
  readonly tags: readonly TagMark[];
  /** The last `\boxed{…}` whose braces balance, wherever it stands; null before there is one. */
  readonly box: Box | null;
  /** Content of {@link box}, trimmed; null when there is no box or nothing is in it. */
  readonly answer: string | null;
}

/** Incremental parser. */
export interface AnswerParser extends ParsedAnswer {
  /** Takes more text. A suffix that could begin a tag is held back until it is decided. */
  push(delta: string): void;
  /** No more text: held text is released, an unclosed box becomes text again. */
  end(): void;
}

/** What a parser looks for. */
interface Patterns {
  readonly tags: ReadonlyMap<string, { readonly name: BlockName; readonly opens: boolean }>;
  /** Every beginning of a tag or a box. */
  readonly prefixes: ReadonlySet<string>;
  /** Length of the longest tag. */
  readonly longest: number;
}

function makePatterns(look: LookTags): Patterns {
  const both = Object.entries(blockTags(look)) as [BlockName, BlockTags[BlockName]][];
  const tags = new Map(
    both.flatMap(([name, { open, close }]): [string, { name: BlockName; opens: boolean }][] => [
      [open, { name, opens: true }],
      [close, { name, opens: false }],
    ]),
  );
  const prefixes = new Set(
    [...tags.keys(), BOX_OPENING].flatMap((pattern) =>
      Array.from({ length: pattern.length }, (_, i) => pattern.slice(0, i + 1)),
    ),
  );
  return { tags, prefixes, longest: Math.max(...Array.from(prefixes, ({ length }) => length)) };
}

const PATTERNS = new WeakMap<LookTags, Patterns>();

function patternsOf(look: LookTags): Patterns {
  const known = PATTERNS.get(look) ?? makePatterns(look);
  PATTERNS.set(look, known);
  return known;
}

/** Characters that neither begin a tag or a box nor are a brace. */
const PLAIN = /[^<\\{}]+/y;

/**
 * Remembers the last balanced box of the whole text, inside blocks too: braces are counted as they stand, whatever is
 * between them. Of nested boxes the inner one starts later and wins.
 * @source mathruler 0.1.0, grader.py `extract_boxed_content`, which starts from the last `\boxed{`; an unclosed last
 * box hides the one before it there, here it does not
 */
class BoxScanner {
  start = -1;
  end = -1;
  /** Content start for each open brace of a box, -1 for any other brace. */
  private readonly open: number[] = [];
  private matched = 0;
  private at = 0;

  /** Takes characters among which there is no brace and no beginning of a box. */
  skip(count: number): void {
    this.at += count;
    this.matched = 0;
  }

  char(char: string): void {
    this.at += 1;
    if (char === BOX_OPENING[this.matched]) this.matched += 1;
    else this.matched = char === BOX_OPENING[0] ? 1 : 0;
    if (char === '{') {
      const box = this.matched === BOX_OPENING.length;
      this.open.push(box ? this.at : -1);
      if (box) this.matched = 0;
    } else if (char === '}') {
      const start = this.open.pop() ?? -1;
      if (start > this.start) [this.start, this.end] = [start, this.at - 1];
    }
  }
}

interface OpenSegment {
  kind: SegmentKind;
  text: string;
  start: number;
  end: number;
  outerStart: number;
}

class IncrementalParser implements AnswerParser {
  readonly tags: TagMark[] = [];
  private readonly done: Segment[] = [];
  private current: OpenSegment | null = null;
  /** The open block. Blocks do not nest: opening one ends, unclosed, the one before. */
  private block: BlockName | null = null;
  /** Open braces of the box being read, 0 outside. */
  private boxDepth = 0;
  private pending = '';
  private at = 0;
  private raw = '';
  private readonly boxes = new BoxScanner();
  private readonly patterns: Patterns;

  constructor(look: LookTags) {
    this.patterns = patternsOf(look);
  }

  get segments(): readonly Segment[] {
    const open = this.current;
    if (open === null || (open.kind === 'text' && open.text.trim() === '')) return this.done.slice();
    return [...this.done, { ...open, outerEnd: open.end, closed: false }];
  }

  get box(): Box | null {
    const { start, end } = this.boxes;
    return start < 0 ? null : { start, end, outerStart: start - BOX_OPENING.length, outerEnd: end + 1 };
  }

  get answer(): string | null {
    return this.raw.slice(this.boxes.start, this.boxes.end).trim() || null;
  }

  push(delta: string): void {
    this.raw += delta;
    let at = 0;
    while (at < delta.length) at += this.pending === '' ? this.plain(delta, at) : this.feed(delta, at);
  }

  end(): void {
    for (const char of this.pending) this.literal(char);
    this.pending = '';
    if (this.boxDepth > 0) this.unbox();
    this.finish(false, this.at);
  }

  /** Takes what is surely text, or one whole tag, in one piece; returns how many characters it took. */
  private plain(delta: string, at: number): number {
    PLAIN.lastIndex = at;
    const run = PLAIN.exec(delta)?.[0];
    if (run !== undefined) {
      this.boxes.skip(run.length);
      this.append(run);
      return run.length;
    }
    const char = delta[at] as string;
    // Near the end a tag may be cut off: the slow way holds it back.
    if ((char !== '<' && char !== '\\') || delta.length - at < this.patterns.longest)
      return this.feed(delta, at);
    for (const [source, { name, opens }] of this.patterns.tags) {
      if (!delta.startsWith(source, at)) continue;
      this.boxes.skip(source.length);
      this.tag(source, name, opens);
      return source.length;
    }
    if (delta.startsWith(BOX_OPENING, at)) {
      for (const each of BOX_OPENING) this.boxes.char(each);
      this.openBox();
      return BOX_OPENING.length;
    }
    this.boxes.char(char);
    this.literal(char);
    return 1;
  }

  /** Grows the held suffix by one character, releasing what can no longer begin a tag; returns 1. */
  private feed(delta: string, at: number): number {
    const char = delta[at] as string;
    this.boxes.char(char);
    this.pending += char;
    while (this.pending !== '' && !this.patterns.prefixes.has(this.pending)) {
      this.literal(this.pending[0] as string);
      this.pending = this.pending.slice(1);
    }
    const tag = this.patterns.tags.get(this.pending);
    if (tag !== undefined) this.tag(this.pending, tag.name, tag.opens);
    else if (this.pending === BOX_OPENING) this.openBox();
    else return 1;
    this.pending = '';
    return 1;
  }

  private literal(char: string): void {
    if (this.boxDepth > 0) {
      if (char === '{') this.boxDepth += 1;
      else if (char === '}' && --this.boxDepth === 0) {
        this.finish(true, this.at + 1);
        this.at += 1;
        return;
      }
    }
    this.append(char);
  }

  private append(text: string): void {
    if (this.current === null) this.open(this.block ?? 'text', this.at);
    const current = this.current as unknown as OpenSegment;
    current.text += text;
    this.at += text.length;
    current.end = this.at;
  }

  /** Ends the current segment. Text that is only white space between tags is dropped. */
  private finish(closed: boolean, outerEnd: number): void {
    const segment = this.current;
    this.current = null;
    if (segment === null || (segment.kind === 'text' && segment.text.trim() === '')) return;
    const tagged = closed && segment.kind !== 'text';
    this.done.push({ ...segment, outerEnd: tagged ? outerEnd : segment.end, closed });
  }

  /** Opens a segment here; a block or a box exists even when it stays empty. */
  private open(kind: SegmentKind, outerStart: number): void {
    this.current = { kind, text: '', start: this.at, end: this.at, outerStart };
  }

  private tag(source: string, name: BlockName, opens: boolean): void {
    this.tags.push({ name, opens, start: this.at, end: this.at + source.length });
    // A tag inside braces means that the box was never closed: what it swallowed is text again.
    if (this.boxDepth > 0) this.unbox();
    if (!opens && this.block !== name) {
      this.append(source);
      return;
    }
    const from = this.at;
    this.finish(!opens || this.block === null, from + source.length);
    this.at = from + source.length;
    this.block = opens ? name : null;
    if (opens) this.open(name, from);
  }

  private openBox(): void {
    // Inside a block a box is part of its text: blocks are shown whole, and `answer` sees it anyway.
    if (this.block !== null || this.boxDepth > 0) {
      this.append(BOX_OPENING);
      if (this.boxDepth > 0) this.boxDepth += 1;
      return;
    }
    const from = this.at;
    this.finish(true, from);
    this.at = from + BOX_OPENING.length;
    this.boxDepth = 1;
    this.open('answer', from);
  }

  /** Turns the unclosed box back into text, joined with text right before it. */
  private unbox(): void {
    const box = this.current;
    this.boxDepth = 0;
    if (box === null) return;
    const before = this.done.at(-1);
    const joins = before?.kind === 'text' && before.end === box.outerStart;
    if (joins) this.done.pop();
    const start = joins ? before.start : box.outerStart;
    const text = `${joins ? before.text : ''}${BOX_OPENING}${box.text}`;
    this.current = { kind: 'text', text, start, end: box.end, outerStart: start };
  }
}

/** A parser for one answer, in which a look back has these tags. */
export function createAnswerParser(look = BACK_TAGS): AnswerParser {
  return new IncrementalParser(look);
}

/** What the parser finds in a finished text. */
export function parseAnswer(text: string, look = BACK_TAGS): ParsedAnswer {
  const parser = createAnswerParser(look);
  parser.push(text);
  parser.end();
  return parser;
}
