// Cuts generated text into think, back, answer and plain segments while it streams.
// Works on text, never on token ids: `<back>` is ordinary vocabulary, and its neighbours merge into its tokens.
// Not a validator: malformed tags stay readable as text. Linear in the length of the text, whatever it holds.
// Invariant: segments depend on the text alone, not on how it was cut into pushes.

/** What a segment is: a reasoning block, a look back at the image, a boxed answer, or text outside all of them. */
export type SegmentKind = 'think' | 'back' | 'answer' | 'text';

/** A piece of the text, without its tags. */
export interface Segment {
  readonly kind: SegmentKind;
  readonly text: string;
  /** UTF-16 range in the whole text: text.slice(start, end) is this segment's text. */
  readonly start: number;
  readonly end: number;
  /** Its closing tag was seen; for plain text, something followed it. */
  readonly closed: boolean;
}

/** Incremental parser. */
export interface SegmentParser {
  /** Everything parsed so far; only the last entries change as text arrives. */
  readonly segments: readonly Segment[];
  /** Content of the last balanced `\boxed{…}` wherever it stands, trimmed, or null. */
  readonly answer: string | null;
  /** Takes more text; returns `segments`. A suffix that could begin a tag is held back until it is decided. */
  push(delta: string): readonly Segment[];
  /** No more text: held text is released, an unclosed box becomes text again; returns `segments`. */
  end(): readonly Segment[];
}

type Block = 'think' | 'back';

/** Names of the two block tags, for models that were trained with other words. */
export interface SegmentTags {
  readonly think: string;
  readonly back: string;
}

const BOX = '\\boxed{';

/**
 * Remembers the last balanced `\boxed{…}` of the whole text, inside blocks too: braces are counted as they stand,
 * as the reward functions of the method do. Of nested boxes the inner one starts later and wins.
 */
class BoxScanner {
  start = -1;
  end = -1;
  /** Content start for each open brace of a box, -1 for any other brace. */
  private readonly open: number[] = [];
  private matched = 0;
  private at = 0;

  char(char: string): void {
    this.at += 1;
    if (char === BOX[this.matched]) this.matched += 1;
    else this.matched = char === BOX[0] ? 1 : 0;
    if (char === '{') {
      const box = this.matched === BOX.length;
      this.open.push(box ? this.at : -1);
      if (box) this.matched = 0;
    } else if (char === '}') {
      const start = this.open.pop() ?? -1;
      if (start > this.start) [this.start, this.end] = [start, this.at - 1];
    }
  }
}

interface MutableSegment {
  kind: SegmentKind;
  text: string;
  start: number;
  end: number;
  closed: boolean;
}

class IncrementalParser implements SegmentParser {
  private readonly done: Segment[] = [];
  private visible: readonly Segment[] = [];
  private current: MutableSegment | null = null;
  /** The open block. Blocks do not nest: opening one ends, unclosed, the one before. */
  private block: Block | null = null;
  /** Open braces of the box being read, 0 outside. */
  private boxDepth = 0;
  private pending = '';
  private at = 0;
  private raw = '';
  private readonly boxes = new BoxScanner();
  private readonly patterns: ReadonlyMap<string, { readonly block: Block; readonly opens: boolean }>;
  private readonly prefixes: ReadonlySet<string>;

  constructor(tags: SegmentTags) {
    const patterns = new Map<string, { block: Block; opens: boolean }>();
    for (const block of ['think', 'back'] as const) {
      patterns.set(`<${tags[block]}>`, { block, opens: true });
      patterns.set(`</${tags[block]}>`, { block, opens: false });
    }
    this.patterns = patterns;
    const prefixes = new Set<string>();
    for (const pattern of [...patterns.keys(), BOX]) {
      for (let length = 1; length <= pattern.length; length++) prefixes.add(pattern.slice(0, length));
    }
    this.prefixes = prefixes;
  }

  get segments(): readonly Segment[] {
    return this.visible;
  }

  get answer(): string | null {
    return this.boxes.start < 0 ? null : this.raw.slice(this.boxes.start, this.boxes.end).trim();
  }

  push(delta: string): readonly Segment[] {
    this.raw += delta;
    for (let i = 0; i < delta.length; i++) {
      const char = delta[i] as string;
      this.boxes.char(char);
      this.feed(char);
    }
    return this.refresh();
  }

  end(): readonly Segment[] {
    for (const char of this.pending) this.literal(char);
    this.pending = '';
    if (this.boxDepth > 0) this.unbox();
    this.finish(false);
    return this.refresh();
  }

  /** Grows the held suffix by one character, releasing what can no longer begin a tag. */
  private feed(char: string): void {
    this.pending += char;
    while (this.pending !== '' && !this.prefixes.has(this.pending)) {
      this.literal(this.pending[0] as string);
      this.pending = this.pending.slice(1);
    }
    const tag = this.patterns.get(this.pending);
    if (tag !== undefined) this.tag(this.pending, tag.block, tag.opens);
    else if (this.pending === BOX) this.box();
    else return;
    this.pending = '';
  }

  /** The kind that text outside tags has now. */
  private kind(): SegmentKind {
    return this.boxDepth > 0 ? 'answer' : (this.block ?? 'text');
  }

  private literal(char: string): void {
    if (this.boxDepth > 0) {
      if (char === '{') this.boxDepth += 1;
      else if (char === '}' && --this.boxDepth === 0) {
        this.finish(true);
        this.at += 1;
        return;
      }
    }
    this.append(char);
  }

  private append(text: string): void {
    this.current ??= { kind: this.kind(), text: '', start: this.at, end: this.at, closed: false };
    this.current.text += text;
    this.at += text.length;
    this.current.end = this.at;
  }

  /** Ends the current segment. Text that is only white space between tags is dropped. */
  private finish(closed: boolean): void {
    const segment = this.current;
    this.current = null;
    if (segment === null || (segment.kind === 'text' && segment.text.trim() === '')) return;
    this.done.push({ ...segment, closed });
  }

  /** Opens a segment that exists even when it stays empty: a block or a box. */
  private open(kind: SegmentKind): void {
    this.current = { kind, text: '', start: this.at, end: this.at, closed: false };
  }

  private tag(source: string, block: Block, opens: boolean): void {
    // A tag inside braces means that the box was never closed: what it swallowed is text again.
    if (this.boxDepth > 0) this.unbox();
    if (!opens && this.block !== block) {
      this.append(source);
      return;
    }
    this.finish(!opens || this.block === null);
    this.at += source.length;
    this.block = opens ? block : null;
    if (opens) this.open(block);
  }

  private box(): void {
    // Inside a block a box is part of its text: blocks are shown whole, and `answer` sees it anyway.
    if (this.block !== null || this.boxDepth > 0) {
      this.append(BOX);
      if (this.boxDepth > 0) this.boxDepth += 1;
      return;
    }
    this.finish(true);
    this.at += BOX.length;
    this.boxDepth = 1;
    this.open('answer');
  }

  /** Turns the unclosed box back into text, joined with text right before it. */
  private unbox(): void {
    const box = this.current;
    this.boxDepth = 0;
    if (box === null) return;
    const start = box.start - BOX.length;
    const before = this.done.at(-1);
    const joins = before?.kind === 'text' && before.end === start;
    if (joins) this.done.pop();
    const text = `${joins ? before.text : ''}${BOX}${box.text}`;
    this.current = { kind: 'text', text, start: joins ? before.start : start, end: box.end, closed: false };
  }

  private refresh(): readonly Segment[] {
    const open = this.current;
    const blank = open === null || (open.kind === 'text' && open.text.trim() === '');
    this.visible = blank ? this.done.slice() : [...this.done, { ...open }];
    return this.visible;
  }
}

/** A parser for one answer. `tags` default to `think` and `back`. */
export function createSegmentParser(tags: SegmentTags = { think: 'think', back: 'back' }): SegmentParser {
  return new IncrementalParser(tags);
}

/** Segments and answer of a finished text. */
export function parseSegments(
  text: string,
  tags?: SegmentTags,
): { segments: readonly Segment[]; answer: string | null } {
  const parser = createSegmentParser(tags);
  parser.push(text);
  return { segments: parser.end(), answer: parser.answer };
}

/**
 * Characters to tokens while a stream is decoded. A token whose bytes complete no character yet shares the range of
 * the text that the tokens after it complete.
 */
export class TokenSpanMap {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private length = 0;
  private waiting = 0;

  /** Tokens pushed so far. */
  get tokens(): number {
    return this.starts.length;
  }

  /** Records the text that became final with the next token ('' for none yet). */
  push(delta: string): void {
    this.starts.push(this.length);
    this.ends.push(this.length);
    this.waiting += 1;
    this.flush(delta);
  }

  /** Text that a decoder released at its end, without a token of its own. */
  end(delta: string): void {
    this.flush(delta);
  }

  private flush(delta: string): void {
    if (delta === '') return;
    this.length += delta.length;
    const count = this.ends.length;
    for (let k = count - this.waiting; k < count; k++) this.ends[k] = this.length;
    this.waiting = 0;
  }

  /**
   * Tokens [tokenStart, tokenEnd) that hold any character of [start, end); for an empty range both are the first token
   * that ends after `start`. A token that straddles a tag and a segment belongs to the segment.
   */
  rangeOf(start: number, end: number): { tokenStart: number; tokenEnd: number } {
    const tokenStart = this.search((k) => (this.ends[k] as number) > start);
    const tokenEnd = this.search((k) => (this.starts[k] as number) >= end);
    return { tokenStart, tokenEnd: Math.max(tokenStart, end > start ? tokenEnd : tokenStart) };
  }

  /** First token for which a monotone condition holds. */
  private search(condition: (k: number) => boolean): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (condition(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
