// TextStream: which tokens wrote which characters, also when a character takes several tokens.
import { describe, expect, it } from 'vitest';
import type { StreamDecoder } from '../../src/data/text/stream_decoder';
import { TextStream } from '../../src/generation/text_stream';
import { wordDecoder } from './scripted_session';

/** Each id is one byte of UTF-8. */
function byteDecoder(): StreamDecoder {
  const utf8 = new TextDecoder();
  return { push: (id) => utf8.decode(Uint8Array.of(id), { stream: true }), end: () => utf8.decode() };
}

function streamOf(bytes: readonly number[]): TextStream {
  const stream = new TextStream(byteDecoder());
  for (const byte of bytes) stream.push(byte);
  return stream;
}

describe('TextStream', () => {
  it('gives the text of a character to every token that holds a byte of it', () => {
    const stream = streamOf([...new TextEncoder().encode('a€b')]);
    expect(stream.text).toBe('a€b');
    expect(stream.tokenSpan(0, 1)).toEqual({ tokenStart: 0, tokenEnd: 1 });
    expect(stream.tokenSpan(1, 2)).toEqual({ tokenStart: 1, tokenEnd: 4 });
    expect(stream.tokenSpan(2, 3)).toEqual({ tokenStart: 4, tokenEnd: 5 });
  });

  it('releases a character that never became whole, once', () => {
    const stream = streamOf([0x61, 0xe2, 0x82]);
    expect(stream.text).toBe('a');
    expect(stream.finish()).toBe('\ufffd');
    expect(stream.finish()).toBe('');
    expect(stream.text).toBe('a\ufffd');
    expect(stream.tokenSpan(1, 2)).toEqual({ tokenStart: 1, tokenEnd: 3 });
  });

  it('counts an end token without giving it text', () => {
    const stream = streamOf([0x61, 0xe2]);
    expect(stream.pushEnd()).toBe('\ufffd');
    expect(stream.tokenSpan(0, 2)).toEqual({ tokenStart: 0, tokenEnd: 2 });
  });

  it('leaves the spaces around a span to their own tokens', () => {
    const stream = new TextStream(wordDecoder(['<think>', ' so', ' 3.', ' </think>']));
    for (const id of [0, 1, 2, 3]) stream.push(id);
    const end = stream.text.indexOf('</think>');
    expect(stream.tokenSpan('<think>'.length, end)).toEqual({ tokenStart: 1, tokenEnd: 3 });
    expect(stream.tokenSpan(end - 1, end)).toEqual({ tokenStart: 3, tokenEnd: 3 });
  });
});
