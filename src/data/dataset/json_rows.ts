// Cuts JSON text into rows while its bytes arrive: one object per line, one list, objects written over several lines,
// or one object that holds all rows. The text says which it is; the file's name does not.
// Every row comes out once, as values or as a reason, under the line it begins on (of a list or an object: the item).

import type { ImportLimits } from './import_limits';
import { type DocumentSplit, readDocument } from './json_document';
import { parseJson } from './json_text';
import {
  type EmitRow,
  isSpace,
  LineSplitter,
  type RawRow,
  RowBuffer,
  type RowScanner,
  tooLong,
} from './row_scanner';

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const [STRING_QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

/** What a reader of JSON needs beside the text. */
export interface JsonReading {
  readonly limits: Pick<ImportLimits, 'maxRowBytes'>;
  readonly emit: EmitRow;
  /** Of a file with several splits; null for the training one. */
  readonly split: string | null;
  /** Hears of the splits of a file that has several. */
  readonly onSplits?: ((splits: readonly DocumentSplit[]) => void) | undefined;
}

/** Why a text is no JSON, in words for the mistakes that are often made. */
function badJson(text: string): string {
  if (/^\s*\{\s*'/.test(text)) return 'is a Python dict, not JSON: write it with json.dumps';
  if (/,\s*[\]}]\s*$/.test(text)) return 'is not valid JSON: it has a comma before its last bracket';
  return 'is not valid JSON';
}

/** Reads a JSON text as a row; null stands for one that was too long to keep. */
function parseRow(bytes: Uint8Array | null, row: number, { maxRowBytes }: JsonReading['limits']): RawRow {
  if (bytes === null) return { row, reason: tooLong(maxRowBytes) };
  let text: string;
  try {
    text = TEXT.decode(bytes);
  } catch {
    return { row, reason: 'is not valid UTF-8: save the file as UTF-8' };
  }
  let json: unknown;
  try {
    json = parseJson(text);
  } catch {
    return { row, reason: badJson(text) };
  }
  if (Array.isArray(json)) {
    return { row, reason: 'is a list without column names: write each row as an object {"column": value}' };
  }
  if (typeof json !== 'object' || json === null) return { row, reason: 'must be a JSON object' };
  return { row, values: new Map(Object.entries(json)) };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every(isSpace);
}

/** Follows brackets and quotes. */
class Nesting {
  depth = 0;
  private inString = false;
  private escaped = false;

  /** Takes a byte; true when it stands outside strings. */
  take(byte: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === STRING_QUOTE) this.inString = false;
      return false;
    }
    if (byte === STRING_QUOTE) this.inString = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.depth = Math.max(0, this.depth - 1);
    return true;
  }
}

/** Whether a line opens an object that goes on in the next: it ends behind a bracket or a comma inside it. */
function goesOn(line: Uint8Array): boolean {
  const nesting = new Nesting();
  for (const byte of line) nesting.take(byte);
  const last = line.findLast((byte) => !isSpace(byte));
  return nesting.depth > 0 && (last === OPEN_OBJECT || last === OPEN_LIST || last === COMMA);
}

/** Objects that span lines, one after the other. */
class SpreadObjects {
  private readonly limits: JsonReading['limits'];
  private readonly buffer: RowBuffer;
  private readonly emit: EmitRow;
  private nesting = new Nesting();
  /** Line on which the object at hand begins; 0 between objects. */
  private start = 0;

  constructor(limits: JsonReading['limits'], emit: EmitRow) {
    [this.limits, this.emit] = [limits, emit];
    this.buffer = new RowBuffer(limits.maxRowBytes);
  }

  /** Takes a line; null stands for one that was too long to keep. */
  push(line: Uint8Array | null, number: number): void {
    if (line === null) {
      this.emit({ row: number, reason: tooLong(this.limits.maxRowBytes) });
      return;
    }
    let from = 0;
    for (let i = 0; i < line.length; i++) {
      if (this.start === 0) {
        if (isSpace(line[i]!) || line[i] === COMMA) continue;
        if (line[i] !== OPEN_OBJECT && line[i] !== OPEN_LIST) {
          this.emit(parseRow(line.subarray(i), number, this.limits));
          return;
        }
        [this.start, from, this.nesting] = [number, i, new Nesting()];
      }
      const outside = this.nesting.take(line[i]!);
      if (!outside || this.nesting.depth > 0) continue;
      this.buffer.add(line.subarray(from, i + 1));
      this.emit(parseRow(this.buffer.take(), this.start, this.limits));
      this.start = 0;
    }
    if (this.start > 0) {
      this.buffer.add(line.subarray(from));
      this.buffer.add(Uint8Array.of(0x0a));
    }
  }

  end(): void {
    if (this.start > 0) this.emit({ row: this.start, reason: 'is cut off: the file ends inside it' });
  }
}

/** Objects, one per line or spread over lines; a single one may be a document of rows. */
class JsonObjects implements RowScanner {
  private readonly lines: LineSplitter;
  private readonly reading: JsonReading;
  private readonly spread: SpreadObjects;
  private state: 'first' | 'lines' | 'spread' = 'first';
  private line = 0;
  /** The first row, held until it is known whether another follows. */
  private held: RawRow | null = null;
  private count = 0;

  constructor(reading: JsonReading) {
    this.reading = reading;
    this.spread = new SpreadObjects(reading.limits, (row) => this.take(row));
    this.lines = new LineSplitter(reading.limits.maxRowBytes, (line) => this.takeLine(line));
  }

  push(chunk: Uint8Array): void {
    this.lines.push(chunk);
  }

  end(): void {
    this.lines.end();
    if (this.state === 'spread') this.spread.end();
    if (this.held !== null) this.endAlone(this.held);
  }

  private takeLine(line: Uint8Array | null): void {
    this.line += 1;
    if (line !== null && isBlank(line)) return;
    if (this.state === 'first') this.state = line !== null && goesOn(line) ? 'spread' : 'lines';
    if (this.state === 'spread') this.spread.push(line, this.line);
    else this.take(parseRow(line, this.line, this.reading.limits));
  }

  private take(row: RawRow): void {
    this.count += 1;
    if (this.count === 1) {
      this.held = row;
      return;
    }
    if (this.held !== null) this.reading.emit(this.held);
    this.held = null;
    this.reading.emit(row);
  }

  private endAlone(row: RawRow): void {
    const { emit, split, onSplits } = this.reading;
    const found = 'values' in row ? readDocument(row.values, split) : null;
    if (found === null) emit(row);
    else if ('reason' in found) emit({ row: row.row, reason: found.reason });
    else {
      if (found.splits.length > 0) onSplits?.(found.splits);
      for (const one of found.rows) emit(one);
    }
  }
}

/** One list of JSON objects. Its items are cut apart by brackets and quotes alone, so that a bad one spoils no other. */
class JsonList implements RowScanner {
  private readonly limits: JsonReading['limits'];
  private readonly buffer: RowBuffer;
  private readonly emit: EmitRow;
  private state: 'before' | 'between' | 'item' | 'after' | 'beyond' = 'before';
  private row = 0;
  private nesting = new Nesting();

  constructor({ limits, emit }: JsonReading) {
    [this.limits, this.emit] = [limits, emit];
    this.buffer = new RowBuffer(limits.maxRowBytes);
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.state === 'item') {
        if (!this.endsItem(byte)) continue;
        this.buffer.add(chunk.subarray(from, i));
        this.emit(parseRow(this.buffer.take(), this.row, this.limits));
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
      this.nesting = new Nesting();
      this.endsItem(byte);
    }
  }

  /** Takes a byte of an item; true when it is the comma or bracket after it. */
  private endsItem(byte: number): boolean {
    const { depth } = this.nesting;
    const outside = this.nesting.take(byte);
    return outside && depth === 0 && (byte === COMMA || byte === CLOSE_LIST);
  }
}

/** A scanner for JSON that begins with these bytes. */
export function jsonScanner(first: Uint8Array, reading: JsonReading): RowScanner {
  const start = first.find((byte) => !isSpace(byte));
  return start === OPEN_LIST ? new JsonList(reading) : new JsonObjects(reading);
}
