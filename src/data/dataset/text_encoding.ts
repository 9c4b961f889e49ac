// Turns the bytes of a text table into UTF-8 without a byte order mark, while they arrive.
// UTF-16 is told by its byte order mark or by its zero bytes, another encoding by a first line that names it. Bytes that
// say nothing about themselves pass unchanged: whoever reads them reports what is not UTF-8.

import { DataError } from '../../lib/errors';
import { shorten } from './import_problems';
import { RowBuffer } from './row_scanner';

/** Enough to see a byte order mark, a line that names an encoding and, past any usual blank start, the first bracket. */
const FIRST_BYTES = 256;
const LF = 0x0a;
const ENCODER = new TextEncoder();
const LATIN1 = new TextDecoder('latin1');

/** How a text begins: its encoding, and how many bytes of it are no text. */
interface TextStart {
  readonly encoding: string;
  readonly skip: number;
}

/** The same bytes; the first piece has at least FIRST_BYTES, where there are as many. */
async function* withFirst(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first = new RowBuffer(Number.MAX_SAFE_INTEGER);
  let held = 0;
  for await (const chunk of chunks) {
    if (held >= FIRST_BYTES) yield chunk;
    else {
      first.add(chunk);
      held += chunk.length;
      const whole = held >= FIRST_BYTES ? first.take() : null;
      if (whole !== null) yield whole;
    }
  }
  const short = held < FIRST_BYTES ? first.take() : null;
  if (short !== null && short.length > 0) yield short;
}

function markedEncoding(first: Uint8Array): TextStart | null {
  const [a, b, c, d] = first;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { encoding: 'utf-8', skip: 3 };
  const isUtf32 = (a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe);
  if (isUtf32) return { encoding: 'utf-32', skip: 4 };
  if (a === 0xff && b === 0xfe) return { encoding: 'utf-16le', skip: 2 };
  if (a === 0xfe && b === 0xff) return { encoding: 'utf-16be', skip: 2 };
  // A table begins with a character of ASCII: half of it is then zero.
  if (first.length < 4) return null;
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return { encoding: 'utf-16le', skip: 0 };
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return { encoding: 'utf-16be', skip: 0 };
  return null;
}

const ENCODING_LINE =
  /^[\s#"']*(?:-\*-\s*)?(?:(?:file)?encoding|charset|coding)?\s*[:=]?\s*["']?([a-z][a-z0-9_-]*)["']?[\s,;]*(?:-\*-)?\s*$/i;
/** Names of encodings that contain no digit; other words without one may be the name of a column. */
const WORDS = /^(?:gbk|ascii|us-ascii|shift[_-]jis|sjis|euc-(?:jp|kr)|unicode)$/i;

/** A first line that holds nothing but the name of an encoding. */
function namedEncoding(first: Uint8Array): TextStart | null {
  const end = first.findIndex((byte) => byte === LF || byte === 0x0d);
  const label = end < 0 ? undefined : ENCODING_LINE.exec(LATIN1.decode(first.subarray(0, end)))?.[1];
  if (label === undefined || !(/\d/.test(label) || WORDS.test(label))) return null;
  try {
    return { encoding: new TextDecoder(label.replace(/^utf_/i, 'utf-')).encoding, skip: end };
  } catch {
    return null;
  }
}

function decoder(encoding: string, file: string): TextDecoder {
  if (encoding !== 'utf-32') return new TextDecoder(encoding, { ignoreBOM: true });
  const message = `${shorten(file)} is written in UTF-32: save it as UTF-8.`;
  throw new DataError('data/dataset-table', message, { file: shorten(file) });
}

/**
 * The chunks of a text file as UTF-8, the first of at least 256 bytes where there are as many. A first line that names
 * the encoding is left blank, so that lines keep their numbers; `mayName` says whether one is looked for.
 * @throws DataError `data/dataset-table` for UTF-32
 */
export async function* utf8Chunks(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  mayName: boolean,
): AsyncGenerator<{ readonly text: Uint8Array; readonly bytes: number }> {
  let decode: TextDecoder | null = null;
  let started = false;
  for await (const chunk of withFirst(chunks)) {
    let text = chunk;
    if (!started) {
      started = true;
      let start = markedEncoding(chunk);
      if (mayName && (start === null || start.encoding === 'utf-8')) {
        const named = namedEncoding(chunk.subarray(start?.skip ?? 0));
        if (named !== null) start = { ...named, skip: named.skip + (start?.skip ?? 0) };
      }
      if (start !== null && start.encoding !== 'utf-8') decode = decoder(start.encoding, file);
      text = chunk.subarray(start?.skip ?? 0);
    }
    if (decode !== null) text = ENCODER.encode(decode.decode(text, { stream: true }));
    yield { text, bytes: chunk.length };
  }
  const rest = decode === null ? '' : decode.decode();
  if (rest !== '') yield { text: ENCODER.encode(rest), bytes: 0 };
}
