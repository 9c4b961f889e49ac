// Maps characters of an answer to the generated tokens that wrote them, while the text is decoded.
// Real tokenizers split and merge tags (`.</`, `back`, `>The`), so a segment's tokens are found by its characters.

/** Half-open range of generated-token indices. */
export interface TokenSpan {
  readonly tokenStart: number;
  readonly tokenEnd: number;
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

  /**
   * The same for [start, end) of `text` with white space at both ends left out: word tokenizers put the space before a tag
   * into the tag's own token, which is no part of what the tag encloses.
   */
  innerRangeOf(text: string, start: number, end: number): TokenSpan {
    const inner = text.slice(start, end);
    const from = start + inner.length - inner.trimStart().length;
    return this.rangeOf(from, Math.max(from, start + inner.trimEnd().length));
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
