// Packs a trace so small that a link carries it in its fragment, which browsers send to no server, and unpacks such
// links into trace files. A link keeps shares to 1/1000 and maps to 255 steps of their own largest value. What is
// unpacked is untrusted: it is bounded while it is inflated, and then read like any trace file.

import { base64Of, bytesOfBase64 } from '../lib/base64';
import { DataError } from '../lib/errors';
import { type JsonFailure, JsonReader } from '../lib/json_reader';
import type { Step } from './session';
import { type Trace, traceFile } from './trace';

/** Most characters of a link's fragment: what messengers and mail programs are known to keep whole. */
export const LINK_CHARACTERS = 8192;
/** Most bytes that a link inflates to; pocket's answers take a twentieth of it. */
const MOST_INFLATED = 2 ** 18;
/** First characters of the packed trace: the version of this format. */
const VERSION = '1.';
/** Shares are counted in thousandths, the largest value of a map in ten-thousandths. */
const SHARE_UNIT = 1000;
const TOP_UNIT = 10_000;
const LEVELS = 255;
/** What a token without recorded attention, or without a map, has in place of its numbers. */
const NONE = -1;

const failure: JsonFailure = (message, key) => new DataError('data/trace', `${message}.`, { key });

function refuse(reason: string, cause?: unknown): never {
  throw new DataError('data/trace', `The link holds no answer that can be played: ${reason}.`, {}, cause);
}

async function bytesThrough(
  bytes: Uint8Array<ArrayBuffer>,
  through: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > most) {
      await reader.cancel();
      refuse(`it unpacks to more than ${most / 1024} KiB`);
    }
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
}

/** All maps one after another, a byte per cell, and the largest value of each. */
function packMaps(steps: readonly Step[]): { tops: number[]; maps: string } {
  const tops: number[] = [];
  const bytes: number[] = [];
  for (const { map } of steps) {
    // Rounded up, so that no value lies above it.
    const most = map?.reduce((top, value) => Math.max(top, value), 0) ?? NONE;
    const top = map === null ? NONE : Math.min(Math.ceil(most * TOP_UNIT), TOP_UNIT);
    tops.push(top);
    for (const value of map ?? []) {
      bytes.push(top === 0 ? 0 : Math.min(Math.round((value * TOP_UNIT * LEVELS) / top), LEVELS));
    }
  }
  return { tops, maps: base64Of(Uint8Array.from(bytes)) };
}

const thousandths = (value: number): number => Math.round(value * SHARE_UNIT);

function packSteps(steps: readonly Step[]): object {
  return {
    ids: steps.map(({ id }) => id),
    texts: steps.map(({ text }) => text),
    // Hundredths of a second since the token before.
    waits: steps.map(({ atMs }, i) => Math.round(atMs / 10) - Math.round((steps[i - 1]?.atMs ?? 0) / 10)),
    shares: steps.flatMap(({ shares }) =>
      shares === null ? [NONE, NONE, NONE] : [shares.image, shares.query, shares.generated].map(thousandths),
    ),
    ...packMaps(steps),
  };
}

/**
 * The fragment's text for a trace, without what stands before it in the address. It may be longer than
 * {@link LINK_CHARACTERS}: then it is no link, and the trace can be kept as a file.
 * @throws {DataError} `data/trace` if the answer is not finished or lacks its prompt
 */
export async function writeTraceLink(trace: Trace): Promise<string> {
  const { tokens: _, ...file } = await traceFile(trace);
  const text = JSON.stringify({ ...file, steps: packSteps(trace.answer.steps) });
  const packed = await bytesThrough(
    new TextEncoder().encode(text),
    new CompressionStream('deflate-raw'),
    Number.POSITIVE_INFINITY,
  );
  return VERSION + base64Of(packed).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function integers(reader: JsonReader, key: string, count: number): number[] {
  const value = reader.raw(key);
  if (!Array.isArray(value) || value.length !== count) reader.fail(key, `must be a list of ${count} numbers`);
  return (value as unknown[]).map((one) =>
    Number.isSafeInteger(one) ? (one as number) : reader.fail(key, 'must hold whole numbers only'),
  );
}

function mapBytes(reader: JsonReader): Uint8Array {
  return bytesOfBase64(reader.string('maps')) ?? reader.fail('maps', 'must be base64');
}

/** Each byte twice: the same fraction of 65,535, in which a file counts, as the one is of 255. */
function doubled(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 2 * bytes.length }, (_, i) => bytes[i >> 1] ?? 0);
}

/** Tokens as a trace file has them. Their meaning is checked where that is read. */
function unpackSteps(reader: JsonReader, cells: number): object[] {
  const texts = reader.raw('texts');
  if (!Array.isArray(texts)) return reader.fail('texts', 'must be a list');
  const count = texts.length;
  const ids = integers(reader, 'ids', count);
  const waits = integers(reader, 'waits', count);
  const shares = integers(reader, 'shares', 3 * count);
  const tops = integers(reader, 'tops', count);
  const bytes = mapBytes(reader);
  if (bytes.length !== cells * tops.filter((top) => top !== NONE).length) {
    reader.fail('maps', `must hold ${cells} bytes for each token with a map`);
  }
  let at = 0;
  let hundredths = 0;
  return texts.map((text, i) => {
    hundredths += waits[i] ?? 0;
    const own = shares.slice(3 * i, 3 * i + 3);
    const top = tops[i] ?? NONE;
    const map = top === NONE ? null : bytes.subarray(at, at + cells);
    at += map?.length ?? 0;
    return {
      ...{ id: ids[i], text, at: hundredths * 10 },
      shares: own[0] === NONE ? null : own.map((share) => share / SHARE_UNIT),
      map: map && { top: top / TOP_UNIT, values: base64Of(doubled(map)) },
    };
  });
}

function cellsOf(file: JsonReader): number {
  const pictures = file.object('prompt').raw('pictures');
  const sizes = (Array.isArray(pictures) ? pictures : []).map((picture) => {
    const [rows, columns] = Array.isArray(picture?.grid) ? picture.grid : [];
    return Number(rows) * Number(columns);
  });
  const cells = sizes.reduce((sum, size) => sum + size, 0);
  return Number.isSafeInteger(cells)
    ? cells
    : file.fail('prompt', 'must say rows and columns of each picture');
}

async function inflated(packed: string): Promise<unknown> {
  if (packed.length > LINK_CHARACTERS) refuse(`it has more than ${LINK_CHARACTERS} characters`);
  if (!packed.startsWith(VERSION)) refuse('it was made by another version of this page');
  const text = packed.slice(VERSION.length);
  if (!/^[\w-]*$/.test(text)) refuse('a character in it cannot be there');
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes =
      bytesOfBase64(text.replaceAll('-', '+').replaceAll('_', '/')) ??
      refuse('it is damaged, perhaps cut off');
    bytes = await bytesThrough(bytes, new DecompressionStream('deflate-raw'), MOST_INFLATED);
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    if (thrown instanceof DataError) throw thrown;
    return refuse('it is damaged, perhaps cut off', thrown);
  }
}

/**
 * The trace file that a link carries, to be read by `readTrace`.
 * @throws {DataError} `data/trace` saying why, where the link is too long, damaged, or unpacks to too much
 */
export async function traceFileOfLink(packed: string): Promise<Blob> {
  const parsed = await inflated(packed);
  const file = new JsonReader(parsed, 'The link', failure);
  const tokens = unpackSteps(file.object('steps'), cellsOf(file));
  const { steps: _, ...rest } = parsed as Record<string, unknown>;
  return new Blob([JSON.stringify({ ...rest, tokens })], { type: 'application/json' });
}
