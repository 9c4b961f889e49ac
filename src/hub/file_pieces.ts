// A file of the hub as pieces in order: several ranges are on their way at once, and the caller takes them one by one, so
// that it can hash, convert and store them as they come while only a few are in memory.

import type { HubClient } from './hub_client';
import { WholeFileAnswer } from './hub_client';
import type { HubFile, HubListing } from './hub_listing';

/** Bytes of a piece; a multiple of the block of SHA-256. The last piece of a file is shorter. */
export const PIECE_BYTES = 8 << 20;
/** Ranges on their way at once; with PIECE_BYTES this bounds what a download holds in memory. */
const IN_FLIGHT = 5;

/** What {@link filePieces} may be told. */
export interface PieceOptions {
  readonly signal: AbortSignal;
  /** A multiple of 64; PIECE_BYTES by default. */
  readonly pieceBytes?: number;
}

/**
 * The bytes of a file from `from` on, in order, in pieces of `pieceBytes`. Leaving the loop early ends all requests.
 *
 * @param from a multiple of `pieceBytes`
 * @throws as {@link HubClient.range}
 */
export async function* filePieces(
  client: HubClient,
  listing: HubListing,
  file: HubFile,
  from: number,
  options: PieceOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const pieceBytes = options.pieceBytes ?? PIECE_BYTES;
  const leave = new AbortController();
  const signal = AbortSignal.any([options.signal, leave.signal]);
  const waiting: Promise<Uint8Array<ArrayBuffer> | WholeFileAnswer>[] = [];
  let asked = from;
  const ask = (): void => {
    const end = Math.min(asked + pieceBytes, file.bytes);
    const piece = client.range(listing, file, asked, end, signal);
    // A piece that fails while an earlier one is awaited must not count as unhandled.
    piece.catch(() => undefined);
    waiting.push(piece);
    asked = end;
  };
  try {
    for (let at = from; at < file.bytes; ) {
      // The first answer tells whether the server knows ranges; until then nothing else is asked for.
      const ahead = at === from ? 1 : IN_FLIGHT;
      while (waiting.length < ahead && asked < file.bytes) ask();
      const piece = await waiting.shift();
      if (piece === undefined) return;
      if (piece instanceof WholeFileAnswer) {
        piece.end();
        yield* regrouped(client.wholeFile(listing, file, at, options.signal), pieceBytes);
        return;
      }
      at += piece.length;
      yield piece;
    }
  } finally {
    leave.abort();
  }
}

/** Chunks of any size as pieces of one size, the last one shorter. */
async function* regrouped(
  chunks: AsyncIterable<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let piece = new Uint8Array(pieceBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const take = Math.min(pieceBytes - filled, chunk.length - at);
      piece.set(chunk.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled < pieceBytes) continue;
      yield piece;
      piece = new Uint8Array(pieceBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
}
