// Builds the text of one answer while its tokens arrive, and knows which characters belong to which token. The parts
// that `push`, `pushEnd` and `finish` return, joined, are the whole text.

import { type TokenSpan, TokenSpanMap } from '../answer/token_spans';
import type { StreamDecoder } from '../data/text/stream_decoder';

/** Collects an answer's text. A token that ends inside a character adds no text; the token that completes it does. */
export class TextStream {
  readonly #decoder: StreamDecoder;
  readonly #spans = new TokenSpanMap();
  #text = '';
  #finished = false;

  constructor(decoder: StreamDecoder) {
    this.#decoder = decoder;
  }

  /** Text given out so far. */
  get text(): string {
    return this.#text;
  }

  /** Adds a token and returns the text it added, possibly empty. */
  push(id: number): string {
    const added = this.#decoder.push(id);
    this.#text += added;
    this.#spans.push(added);
    return added;
  }

  /** Adds a token that writes nothing: an end token. Returns text held back before it, which stays with its own token. */
  pushEnd(): string {
    const rest = this.finish();
    this.#spans.push('');
    return rest;
  }

  /** Gives out text that was held back because its character never became whole; '' when called again. */
  finish(): string {
    if (this.#finished) return '';
    this.#finished = true;
    const rest = this.#decoder.end();
    this.#text += rest;
    this.#spans.end(rest);
    return rest;
  }

  /** The tokens that wrote the characters [start, end), white space at both ends left out. O(log tokens). */
  tokenSpan(start: number, end: number): TokenSpan {
    return this.#spans.innerRangeOf(this.#text, start, end);
  }
}
