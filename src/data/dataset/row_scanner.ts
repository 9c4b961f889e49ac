// Holds what the readers of text tables share: the row they emit, bytes kept across chunks, and cutting into lines.
// No more than one row is ever kept, and a row above the limit is forgotten while it arrives.

import { formatBytes } from '../../lib/format';

/** A row before its columns are understood. A Map, so that `__proto__` is a name like any other. */
export type RawRow =
  | { readonly row: number; readonly values: ReadonlyMap<string, unknown> }
  | { readonly row: number; readonly reason: string };

/** Takes a row. It may throw to end the reading. */
export type EmitRow = (row: RawRow) => void;

/** Takes the bytes of a table, cut anywhere, and emits rows. */
export interface RowScanner {
  push(chunk: Uint8Array): void;
  /** No more bytes. */
  end(): void;
}

const [LF, CR] = [0x0a, 0x0d];

/** Bytes of a row that may span chunks; beyond `maxBytes` they are forgotten and the row is null. */
export class RowBuffer {
  private parts: Uint8Array[] = [];
  private length = 0;
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get empty(): boolean {
    return this.length === 0;
  }

  /** Keeps a piece; it must not change until {@link RowBuffer.take}. */
  add(part: Uint8Array): void {
    this.length += part.length;
    if (this.length > this.maxBytes) this.parts = [];
    else if (part.length > 0) this.parts.push(part);
  }

  /** Everything since the last call, joined; null when it was too much. */
  take(): Uint8Array | null {
    const { parts, length } = this;
    [this.parts, this.length] = [[], 0];
    if (length > this.maxBytes) return null;
    if (parts.length === 1) return parts[0]!;
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/** Splits bytes at LF, CR or both together. A line of more than `maxBytes` comes out as null. */
export class LineSplitter {
  private readonly buffer: RowBuffer;
  private readonly emit: (line: Uint8Array | null) => void;
  private afterCr = false;

  constructor(maxBytes: number, emit: (line: Uint8Array | null) => void) {
    this.buffer = new RowBuffer(maxBytes);
    this.emit = emit;
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte !== LF && byte !== CR) continue;
      if (byte === LF && i === 0 && this.afterCr) {
        from = 1;
        continue;
      }
      this.buffer.add(chunk.subarray(from, i));
      this.emit(this.buffer.take());
      if (byte === CR && chunk[i + 1] === LF) i += 1;
      from = i + 1;
    }
    this.buffer.add(chunk.subarray(from));
    if (chunk.length > 0) this.afterCr = chunk.at(-1) === CR;
  }

  /** Emits what follows the last line end, if anything does. */
  end(): void {
    if (!this.buffer.empty) this.emit(this.buffer.take());
  }
}

/** Whether a byte is JSON's white space. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === LF || byte === CR;
}

/** Why a row is not kept that has more bytes than the limit. */
export function tooLong(maxBytes: number): string {
  return `is too long: up to ${formatBytes(maxBytes)} are read as one row`;
}
