// Reads separated values (CSV, TSV) under a header into rows of named texts while their bytes arrive.
// A first line `sep=;`, which Excel writes and obeys, names the delimiter; without one the header's own characters tell.

import { DataError } from '../../lib/errors';
import { CsvParser, type CsvRecord, guessDelimiter } from './csv_parser';
import type { ImportLimits } from './import_limits';
import { shorten } from './import_problems';
import { type EmitRow, isSpace, LineSplitter, type RawRow, type RowScanner } from './row_scanner';

const COMMA = 0x2c;
const MAX_COLUMNS = 1000;
const SEPARATOR_LINE = /^\s*"?sep=([^"\r\n])"?[\s,;]*$/i;
const LATIN1 = new TextDecoder('latin1');
const NOTHING = new Uint8Array(0);

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

/** The delimiter that a line `sep=` names. */
function namedDelimiter(line: Uint8Array): number | null {
  const name = line.length > 16 ? undefined : SEPARATOR_LINE.exec(LATIN1.decode(line))?.[1];
  return name === undefined ? null : name.charCodeAt(0);
}

/** Separated values under a header. */
class SeparatedRows implements RowScanner {
  private readonly lines: LineSplitter;
  private readonly limits: Pick<ImportLimits, 'maxRowBytes'>;
  private readonly emit: EmitRow;
  private readonly file: string;
  private parser: CsvParser | null = null;
  private header: readonly string[] | null = null;
  private linesBefore = 0;

  constructor(file: string, limits: Pick<ImportLimits, 'maxRowBytes'>, emit: EmitRow) {
    [this.file, this.limits, this.emit] = [file, limits, emit];
    this.lines = new LineSplitter(limits.maxRowBytes, (line) => this.takeLine(line));
  }

  push(chunk: Uint8Array): void {
    this.lines.push(chunk);
  }

  end(): void {
    this.lines.end();
    this.parser?.end();
  }

  private takeLine(line: Uint8Array | null): void {
    if (this.parser !== null) {
      this.parser.push(line);
      return;
    }
    if (line?.every(isSpace)) {
      this.linesBefore += 1;
      return;
    }
    const named = line === null ? null : namedDelimiter(line);
    const delimiter = named ?? (line === null ? COMMA : guessDelimiter(line));
    this.parser = new CsvParser(delimiter, this.limits.maxRowBytes, (record) => this.takeRecord(record));
    for (let i = 0; i < this.linesBefore; i++) this.parser.push(NOTHING);
    this.parser.push(named === null ? line : NOTHING);
  }

  private takeRecord(record: CsvRecord): void {
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
    if (record.cells.length > MAX_COLUMNS) return fail(`names more than ${MAX_COLUMNS}`);
    return columnNames(record.cells);
  }

  private toRow(row: number, cells: readonly string[], header: readonly string[]): RawRow {
    // Spreadsheets leave empty cells at the end, or leave them out.
    const extra = cells.findLastIndex((cell) => cell !== '') + 1;
    if (extra > header.length) return { row, reason: `has ${extra} cells under ${header.length} columns` };
    return { row, values: new Map(header.map((name, index) => [name, cells[index] ?? ''])) };
  }
}

/** A scanner for separated values; `file` names the table in an error about its header. */
export function separatedScanner(
  file: string,
  limits: Pick<ImportLimits, 'maxRowBytes'>,
  emit: EmitRow,
): RowScanner {
  return new SeparatedRows(file, limits, emit);
}
