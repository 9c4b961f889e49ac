// Cuts a table (JSON lines, one JSON list, CSV or TSV) into rows of named values while its bytes arrive.
// Not an interpreter: which value is the question is dataset_columns.ts's business, and a value stays what it was.
// Invariant: one pass, linear, no more memory than the largest row; every row comes out once, as values or as a reason,
// under the line (of a list: the item) it has in the file, counted from 1.

import { DataError } from '../../lib/errors';
import { CsvParser, type CsvRecord, guessDelimiter } from './csv_parser';
import { extensionOf, type SourceFile } from './dataset_files';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';

/** A row before its columns are understood. A Map, so that `__proto__` is a name like any other. */
export type RawRow =
  | { readonly row: number; readonly values: ReadonlyMap<string, unknown> }
  | { readonly row: number; readonly reason: string };

type Emit = (row: RawRow) => void;

/** Takes bytes, cut anywhere, and emits rows. */
interface Scanner {
  push(chunk: Uint8Array): void;
  end(): void;
}

const [LF, CR] = [0x0a, 0x0d];
const MAX_CSV_COLUMNS = 1000;
const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of a row that may span chunks; beyond `maxBytes` they are forgotten and the row is null. */
class RowBuffer {
  private parts: Uint8Array[] = [];
  private length = 0;
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get empty(): boolean {
    return this.length === 0;
  }

  add(part: Uint8Array): void {
    this.length += part.length;
    if (this.length > this.maxBytes) this.parts = [];
    else if (part.length > 0) this.parts.push(part);
  }

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

/** A JSON text as a row. */
function parseJsonRow(bytes: Uint8Array | null, row: number): RawRow {
  if (bytes === null) return { row, reason: 'is too long' };
  let text: string;
  try {
    text = TEXT.decode(bytes);
  } catch {
    return { row, reason: 'is not valid UTF-8' };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { row, reason: 'is not valid JSON' };
  }
  if (Array.isArray(json)) {
    return { row, reason: 'must be a JSON object; a file that is one list must be named .json' };
  }
  if (typeof json !== 'object' || json === null) return { row, reason: 'must be a JSON object' };
  return { row, values: new Map(Object.entries(json)) };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09);
}

/** One JSON object per line. */
class JsonLines implements Scanner {
  private readonly lines: LineSplitter;
  private line = 0;

  constructor({ maxRowBytes }: ImportLimits, emit: Emit) {
    this.lines = new LineSplitter(maxRowBytes, (line) => {
      this.line += 1;
      if (line === null || !isBlank(line)) emit(parseJsonRow(line, this.line));
    });
  }

  push(chunk: Uint8Array): void {
    this.lines.push(chunk);
  }

  end(): void {
    this.lines.end();
  }
}

const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const [STRING_QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === LF || byte === CR;
}

/** One list of JSON objects. Its items are cut apart by brackets and quotes alone, so that a bad one spoils no other. */
class JsonList implements Scanner {
  private readonly buffer: RowBuffer;
  private readonly emit: Emit;
  private state: 'before' | 'between' | 'item' | 'after' | 'beyond' = 'before';
  private row = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor({ maxRowBytes }: ImportLimits, emit: Emit) {
    this.buffer = new RowBuffer(maxRowBytes);
    this.emit = emit;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.state === 'item') {
        if (!this.endsItem(byte)) continue;
        this.buffer.add(chunk.subarray(from, i));
        this.emit(parseJsonRow(this.buffer.take(), this.row));
        this.state = byte === CLOSE_LIST ? 'after' : 'between';
      } else if (!isSpace(byte)) {
        this.step(byte);
        from = i;
      }
    }
    if (this.state === 'item') this.buffer.add(chunk.subarray(from));
  }

  end(): void {
    if (this.state === 'item') {
      this.buffer.take();
      this.emit({ row: this.row, reason: 'is cut off: the list ends inside it' });
    } else if (this.state === 'before' || this.state === 'between') {
      this.emit({ row: this.row + 1, reason: 'is missing: the list is cut off' });
    }
  }

  /** Takes a byte outside items that is no space. */
  private step(byte: number): void {
    if (this.state === 'before') this.state = 'between';
    else if (this.state === 'after') {
      this.emit({ row: this.row + 1, reason: 'is not read: the list ends before it' });
      this.state = 'beyond';
    } else if (this.state === 'between' && byte === CLOSE_LIST) this.state = 'after';
    else if (this.state === 'between' && byte !== COMMA) {
      this.state = 'item';
      this.row += 1;
      [this.depth, this.inString, this.escaped] = [0, false, false];
      this.endsItem(byte);
    }
  }

  /** Takes a byte of an item; true when it is the comma or bracket after it. */
  private endsItem(byte: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === STRING_QUOTE) this.inString = false;
      return false;
    }
    if (byte === STRING_QUOTE) this.inString = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.depth += 1;
    else if (this.depth === 0) return byte === COMMA || byte === CLOSE_LIST;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.depth -= 1;
    return false;
  }
}

/** Names of a header: trimmed, numbered where empty or repeated. */
function columnNames(cells: readonly string[]): string[] {
  const taken = new Set<string>();
  return cells.map((cell, index) => {
    const name = cell.trim() === '' ? `column ${index + 1}` : cell.trim();
    let unique = name;
    for (let n = 2; taken.has(unique); n++) unique = `${name} (${n})`;
    taken.add(unique);
    return unique;
  });
}

/** Separated values under a header. */
class Separated implements Scanner {
  private readonly lines: LineSplitter;
  private parser: CsvParser | null = null;
  private header: readonly string[] | null = null;
  private readonly emit: Emit;
  private readonly file: string;

  constructor(file: string, { maxRowBytes }: ImportLimits, emit: Emit) {
    [this.file, this.emit] = [file, emit];
    this.lines = new LineSplitter(maxRowBytes, (line) => {
      this.parser ??= new CsvParser(line ? guessDelimiter(line) : COMMA, maxRowBytes, (record) =>
        this.take(record),
      );
      this.parser.push(line);
    });
  }

  push(chunk: Uint8Array): void {
    this.lines.push(chunk);
  }

  end(): void {
    this.lines.end();
    this.parser?.end();
  }

  private take(record: CsvRecord): void {
    if (this.header === null) this.header = this.readHeader(record);
    else if ('reason' in record) this.emit({ row: record.line, reason: record.reason });
    else this.emit(this.toRow(record.line, record.cells, this.header));
  }

  private readHeader(record: CsvRecord): string[] {
    const fail = (what: string): never => {
      const message = `${shorten(this.file)}: line ${record.line}, which names the columns, ${what}.`;
      throw new DataError('data/dataset-table', message, { file: shorten(this.file) });
    };
    if ('reason' in record) return fail(record.reason);
    if (record.cells.length > MAX_CSV_COLUMNS) return fail(`names more than ${MAX_CSV_COLUMNS}`);
    return columnNames(record.cells);
  }

  private toRow(row: number, cells: readonly string[], header: readonly string[]): RawRow {
    // Spreadsheets leave empty cells at the end, or leave them out.
    const extra = cells.findLastIndex((cell) => cell !== '') + 1;
    if (extra > header.length) return { row, reason: `has ${extra} cells under ${header.length} columns` };
    return { row, values: new Map(header.map((name, index) => [name, cells[index] ?? ''])) };
  }
}

function scannerFor(file: SourceFile, first: Uint8Array, limits: ImportLimits, emit: Emit): Scanner {
  const extension = extensionOf(file.path);
  if (extension === '.csv' || extension === '.tsv') return new Separated(file.path, limits, emit);
  const start = first.findIndex((byte) => !isSpace(byte));
  if (extension === '.json' && first[start] === OPEN_LIST) return new JsonList(limits, emit);
  return new JsonLines(limits, emit);
}

function checkEncoding(file: string, first: Uint8Array): Uint8Array {
  const [a, b, c] = first;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    const message = `${shorten(file)} is written in UTF-16: save it as UTF-8.`;
    throw new DataError('data/dataset-table', message, { file: shorten(file) });
  }
  return a === 0xef && b === 0xbb && c === 0xbf ? first.subarray(3) : first;
}

/** Enough to see a byte order mark and, past any usual blank start, the first bracket. */
const FIRST_BYTES = 64;

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
  if (short !== null) yield short;
}

/**
 * Reads a table from its first byte to its last. `onRow` may throw to end it; so does the signal, with its reason.
 * @throws DataError `data/dataset-table` for a header or an encoding that cannot be read, `data/dataset-size` when the
 * table is too large, and what {@link SourceFile.chunks} throws
 */
export async function readTable(
  file: SourceFile,
  limits: ImportLimits,
  onRow: (row: RawRow) => void,
  hooks: { readonly signal?: AbortSignal | undefined; readonly onBytes?: (done: number) => void } = {},
): Promise<void> {
  let scanner: Scanner | null = null;
  let done = 0;
  for await (const chunk of withFirst(file.chunks(limits.maxTableBytes))) {
    hooks.signal?.throwIfAborted();
    const text: Uint8Array = scanner === null ? checkEncoding(file.path, chunk) : chunk;
    scanner ??= scannerFor(file, text, limits, onRow);
    scanner.push(text);
    done += chunk.length;
    hooks.onBytes?.(done);
  }
  scanner?.end();
}
