// Reads a file that was compressed with gzip as the file it was, its bytes in order.
// What it inflates to is bounded by the reader's limit, whatever the file says. Members one after the other, as
// `cat a.gz b.gz` or bgzip make them, are one file. Format: RFC 1952.

import { Gunzip } from 'fflate';
import { DataError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import type { SourceFile } from './dataset_files';
import { shorten } from './import_problems';

/** Small pieces keep what one push can inflate to below 17 MB. */
const PUSH_BYTES = 2 ** 14;

class GzipFile implements SourceFile {
  readonly path: string;
  readonly position: number;
  private readonly packed: SourceFile;

  constructor(packed: SourceFile) {
    this.packed = packed;
    this.path = packed.path.replace(/\.gz$/i, '');
    this.position = packed.position;
  }

  /** Of the compressed file: what it inflates to is known at its end only. */
  get size(): number {
    return this.packed.size;
  }

  async head(length: number): Promise<Uint8Array> {
    const head = new Uint8Array(length);
    let at = 0;
    for await (const piece of this.inflate()) {
      head.set(piece.subarray(0, length - at), at);
      at = Math.min(length, at + piece.length);
      if (at === length) break;
    }
    return head.subarray(0, at);
  }

  async tail(): Promise<null> {
    return null;
  }

  async *chunks(maxBytes: number): AsyncGenerator<Uint8Array> {
    let total = 0;
    for await (const piece of this.inflate()) {
      total += piece.length;
      if (total > maxBytes) {
        const message = `${shorten(this.packed.path)} inflates to more than ${formatBytes(maxBytes)}: split it.`;
        throw new DataError('data/dataset-size', message, { file: shorten(this.packed.path) });
      }
      yield piece;
    }
  }

  async blob(type: string, maxBytes: number): Promise<Blob> {
    const parts: BlobPart[] = [];
    for await (const chunk of this.chunks(maxBytes)) parts.push(chunk as Uint8Array<ArrayBuffer>);
    return new Blob(parts, { type });
  }

  private async *inflate(): AsyncGenerator<Uint8Array> {
    let out: Uint8Array[] = [];
    const gunzip = new Gunzip((bytes) => void out.push(bytes));
    const push = (piece: Uint8Array, last: boolean): readonly Uint8Array[] => {
      out = [];
      try {
        gunzip.push(piece, last);
      } catch (error) {
        const message = `${shorten(this.packed.path)} is damaged or cut off: compress it again with gzip.`;
        throw new DataError('data/dataset-read', message, { file: shorten(this.packed.path) }, error);
      }
      return out.filter(({ length }) => length > 0);
    };
    let held: Uint8Array | null = null;
    for await (const chunk of this.packed.chunks(Number.MAX_SAFE_INTEGER)) {
      for (let at = 0; at < chunk.length; at += PUSH_BYTES) {
        if (held !== null) yield* push(held, false);
        held = chunk.slice(at, at + PUSH_BYTES);
      }
    }
    if (held === null) push(new Uint8Array(0), true);
    else yield* push(held, true);
  }
}

/** The file inside a file whose name ends in `.gz`; any other file is itself. */
export function unpackGzip(file: SourceFile): SourceFile {
  return /\.gz$/i.test(file.path) ? new GzipFile(file) : file;
}
