// Parses comma, semicolon or tab separated values line by line, on bytes: RFC 4180 with the liberties that
// spreadsheets take; every cell is text. Time and memory are linear in the lines pushed, whatever quotes they hold,
// and every record comes out once, with the line it began on. Cells are decoded one by one, so that a short one never
// keeps a long line alive.

import { tooLong } from './row_scanner';

const QUOTE = 0x22;
const LF = Uint8Array.of(0x0a);
const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const DELIMITERS = [',', '\t', ';', '|'] as const;

/** One record: its cells, or why it cannot be read. `line` is where it began, from 1. */
export type CsvRecord =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly reason: string };

/** Byte of the delimiter that occurs most outside quotes in a header; a comma when there is none. */
export function guessDelimiter(header: Uint8Array): number {
  const counts = new Map<number, number>(DELIMITERS.map((delimiter) => [delimiter.charCodeAt(0), 0]));
  let quoted = false;
  for (const byte of header) {
    if (byte === QUOTE) quoted = !quoted;
    const count = counts.get(byte);
    if (!quoted && count !== undefined) counts.set(byte, count + 1);
  }
  // Stable: the first of equals stays in front.
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Collects records from lines. A quoted cell may span lines, which are then joined by a line feed. */
export class CsvParser {
  private readonly delimiter: number;
  private readonly maxBytes: number;
  private readonly emit: (record: CsvRecord) => void;
  private line = 0;
  private start = 0;
  private bytes = 0;
  private cells: string[] = [];
  /** Of the cell that is being read. */
  private parts: Uint8Array[] = [];
  private quoted = false;
  private reason: string | null = null;

  /** @param maxBytes of one record */
  constructor(delimiter: number, maxBytes: number, emit: (record: CsvRecord) => void) {
    [this.delimiter, this.maxBytes, this.emit] = [delimiter, maxBytes, emit];
  }

  /** Takes the next line; null stands for one that was too long to keep. */
  push(line: Uint8Array | null): void {
    this.line += 1;
    if (line === null) {
      if (!this.quoted) this.begin();
      this.reason ??= tooLong(this.maxBytes);
      this.finish();
      return;
    }
    if (!this.quoted) {
      if (line.every((byte) => byte === 0x20 || byte === 0x09)) return;
      this.begin();
    } else this.keep(LF);
    this.bytes += line.length + 1;
    if (this.bytes > this.maxBytes) {
      this.reason ??= tooLong(this.maxBytes);
      this.parts = [];
    }
    this.scan(line);
    if (!this.quoted) this.finish();
  }

  /** No more lines: a quote that is still open is reported. */
  end(): void {
    if (!this.quoted) return;
    const lines = this.line - this.start + 1;
    this.reason = `opens a quote that never closes: ${lines} lines from here on are lost`;
    this.finish();
  }

  private begin(): void {
    this.start = this.line;
    this.bytes = 0;
  }

  private keep(part: Uint8Array): void {
    if (part.length > 0 && this.reason === null) this.parts.push(part);
  }

  private endCell(): void {
    const [parts, only] = [this.parts, this.parts[0]];
    this.parts = [];
    if (this.reason !== null) return;
    try {
      this.cells.push(only === undefined ? '' : TEXT.decode(parts.length === 1 ? only : join(parts)));
    } catch {
      this.reason = 'is not valid UTF-8: save the file as UTF-8';
    }
  }

  private finish(): void {
    this.quoted = false;
    if (this.reason === null) this.endCell();
    const [line, cells, reason] = [this.start, this.cells, this.reason];
    [this.cells, this.parts, this.reason] = [[], [], null];
    if (reason !== null) this.emit({ line, reason });
    else if (cells.some((cell) => cell !== '')) this.emit({ line, cells });
  }

  private scan(line: Uint8Array): void {
    let from = 0;
    // A quote opens only where a cell begins; elsewhere it is a character.
    let cellStart = !this.quoted;
    for (let i = 0; i < line.length; i++) {
      const byte = line[i]!;
      if (this.quoted) {
        if (byte !== QUOTE) continue;
        if (line[i + 1] === QUOTE) {
          this.keep(line.subarray(from, i + 1));
          i += 1;
        } else {
          this.keep(line.subarray(from, i));
          this.quoted = false;
        }
        from = i + 1;
      } else if (byte === this.delimiter) {
        this.keep(line.subarray(from, i));
        this.endCell();
        [from, cellStart] = [i + 1, true];
        continue;
      } else if (byte === QUOTE && cellStart) {
        this.quoted = true;
        from = i + 1;
      }
      cellStart = false;
    }
    this.keep(line.subarray(from));
  }
}
