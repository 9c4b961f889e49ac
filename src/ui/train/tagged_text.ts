// Cuts an answer at its tags for colouring, and says which parts it has.
// Not the grammar that rewards: the engine grades; this only shows. Text stays text, whatever it holds.
// Invariant: the spans joined are the text; linear in its length.

/** What a span is; `tag` is the markup itself. */
export type SpanKind = 'think' | 'back' | 'answer' | 'text' | 'tag';

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

const MARK = /<(\/?)(think|back)>|\\boxed\s*\{/g;

/** Index after the brace that closes the box whose content starts at `from`; the text's length when none does. */
function boxEnd(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '{') depth += 1;
    else if (char === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return text.length;
}

/** The spans of an answer, tags apart; content belongs to the tag that was opened last. */
export function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  const add = (kind: SpanKind, from: number, to: number) => {
    if (to > from) spans.push({ kind, text: text.slice(from, to) });
  };
  let inside: SpanKind = 'text';
  let at = 0;
  MARK.lastIndex = 0;
  for (let found = MARK.exec(text); found !== null; found = MARK.exec(text)) {
    const after = found.index + found[0].length;
    add(inside, at, found.index);
    add('tag', found.index, after);
    at = after;
    const name = found[2] as 'think' | 'back' | undefined;
    if (name === undefined) {
      const end = boxEnd(text, after);
      add('answer', after, end);
      add('tag', end, Math.min(end + 1, text.length));
      at = Math.min(end + 1, text.length);
      MARK.lastIndex = at;
    } else inside = found[1] === '/' ? 'text' : name;
  }
  add(inside, at, text.length);
  return spans;
}

/** The part that a tag opens or closes. */
function partOf(tag: string): { readonly part: keyof Ticks; readonly closes: boolean } {
  if (tag === '}') return { part: 'box', closes: true };
  const name = /think|back/.exec(tag)?.[0] as 'think' | 'back' | undefined;
  return { part: name ?? 'box', closes: tag.startsWith('</') };
}

/** Which parts an answer has: a closed think, a closed back, a closed box, each with content or without. */
export function ticksOf(text: string): Ticks {
  const ticks: Record<keyof Ticks, Tick> = { think: 'no', back: 'no', box: 'no' };
  let open: keyof Ticks | null = null;
  let full = false;
  for (const { kind, text: piece } of spansOf(text)) {
    if (kind !== 'tag') {
      full ||= piece.trim() !== '' && open === (kind === 'answer' ? 'box' : kind);
      continue;
    }
    const { part, closes } = partOf(piece);
    if (closes && part === open) ticks[part] = full ? 'yes' : ticks[part] === 'yes' ? 'yes' : 'empty';
    open = closes ? null : part;
    full = false;
  }
  return ticks;
}
