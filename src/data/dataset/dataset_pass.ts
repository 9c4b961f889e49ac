// Reads the rows of one table into texts with the picture that each names: which column holds what, guessed where it is not
// given, rows of chats round by round, pictures found or read inline. A row that cannot be used becomes a problem.

import { DataError } from '../../lib/errors';
import { formatList } from '../../lib/format';
import { splitRounds } from './chat_rounds';
import { guessColumns, type ImportColumns, type RowTexts, readRow } from './dataset_columns';
import type { FileSet, SourceFile } from './dataset_files';
import { checkPicture, decodeBase64 } from './dataset_pictures';
import type { DatasetTable, TablePart } from './dataset_tables';
import type { ImagePath } from './image_path';
import type { ImportLimits } from './import_limits';
import type { ImportOptions, TableChoice } from './import_options';
import { shorten } from './import_problems';
import type { RawRow } from './row_scanner';

/** What is being imported, and how. */
export interface ImportJob {
  readonly set: FileSet;
  readonly table: DatasetTable;
  /** Of a JSON file with several splits. */
  readonly split: string | null;
  readonly limits: ImportLimits;
  readonly options: ImportOptions;
}

/** A row whose texts are whole and whose picture was found, but not looked at. */
export interface FoundRow {
  /** The file that holds the row. */
  readonly file: string;
  readonly row: number;
  readonly texts: Omit<RowTexts, 'image'>;
  readonly imageName: string;
  readonly picture: SourceFile | Blob;
  /** Equal for equal pictures: the path, or length and hash of an inline one. */
  readonly pictureKey: string;
}

/** What a pass over a table found. */
export interface TablePass {
  readonly columns: readonly string[];
  readonly mapping: ImportColumns;
  readonly rows: FoundRow[];
  readonly problems: readonly { readonly file: string; readonly row: number; readonly reason: string }[];
  /** Splits of a JSON file that has several. */
  readonly splits: readonly TableChoice[];
  /** Problems beyond those kept. */
  readonly moreProblems: number;
  /** Rows of any kind. */
  readonly count: number;
}

/** Names beyond these are not listed; a mapping may still name them. */
const MAX_COLUMNS = 200;
/** Folders of an absolute path that are tried beside a table. */
const MAX_ENDS = 8;

/** A row that was read as values. */
type ValueRow = Extract<RawRow, { values: unknown }>;

function inlinePicture(
  data: string | Uint8Array,
  name: string,
  limits: ImportLimits,
): { readonly blob: Blob } | { readonly reason: string } {
  const bytes = typeof data === 'string' ? decodeBase64(data, limits) : data;
  if ('reason' in bytes) return { reason: `image "${name}" ${bytes.reason}` };
  const check = checkPicture(bytes, limits);
  if ('reason' in check) return { reason: `image "${name}" ${check.reason}` };
  return { blob: new Blob([bytes as Uint8Array<ArrayBuffer>], { type: check.type }) };
}

/** A picture beside a table that was named alone; of an absolute path the longest end that is there. */
function findBeside({ path, absolute }: ImagePath, beside: ImportOptions['beside']): SourceFile | null {
  const segments = path.split('/');
  const first = absolute ? Math.max(0, segments.length - MAX_ENDS) : 0;
  for (let at = first; at < (absolute ? segments.length : 1); at++) {
    const file = beside?.(segments.slice(at).join('/')) ?? null;
    if (file !== null) return file;
  }
  return null;
}

function findRow(
  { set, limits, options }: ImportJob,
  part: TablePart,
  raw: ValueRow,
  mapping: ImportColumns,
): FoundRow | { reason: string } {
  const texts = readRow(raw.values, mapping, limits);
  if ('reason' in texts) return texts;
  const { image, ...own } = texts;
  const found = { file: part.path, row: raw.row, texts: own };
  if (image.kind === 'inline') {
    const imageName = image.name ?? `row ${raw.row}`;
    const picture = inlinePicture(image.data, imageName, limits);
    const pictureKey = `${image.data.length}:${hashPicture(image.data)}`;
    return 'reason' in picture ? picture : { ...found, imageName, picture: picture.blob, pictureKey };
  }
  const given = set.find(part.path, image);
  const picture = 'file' in given ? given.file : findBeside(image, options.beside);
  if (picture !== null) return { ...found, imageName: picture.path, picture, pictureKey: picture.path };
  return 'reason' in given ? given : { reason: 'has no picture' };
}

function sameMapping(a: ImportColumns, b: ImportColumns): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

/** 53 bits of an encoded picture (cyrb53), to tell whether two inline ones are one without keeping them. */
function hashPicture(data: string | Uint8Array): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < data.length; i++) {
    const unit = typeof data === 'string' ? data.charCodeAt(i) : (data[i] ?? 0);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

/** Why no row can be read with this mapping, or null. */
export function mappingProblem(mapping: ImportColumns, columns: readonly string[]): string | null {
  const lacking = [
    ...(mapping.image === null ? ['the picture'] : []),
    ...(mapping.question === null ? ['the question'] : []),
    ...(mapping.answer === null && mapping.response === null ? ['the answer or the response'] : []),
  ];
  if (lacking.length === 0) return null;
  const known =
    columns.length === 0 ? '' : ` (there are: ${formatList(columns.map((name) => shorten(name, 30)))})`;
  return `no column holds ${formatList(lacking)}, so that no row can be used: say which does${known}`;
}

/** What files say about columns beside their names goes before a guess, as far as the columns are there. */
function guessFor({ columns: told }: DatasetTable, columns: readonly string[]): ImportColumns {
  const guess = guessColumns(columns);
  const known = Object.entries(told).filter(([, name]) => typeof name === 'string' && columns.includes(name));
  return { ...guess, ...Object.fromEntries(known) };
}

/** Collects what one pass over a table finds. A null mapping is guessed from the first row. */
class PassCollector {
  readonly columns = new Set<string>();
  readonly rows: FoundRow[] = [];
  readonly problems: { file: string; row: number; reason: string }[] = [];
  splits: readonly TableChoice[] = [];
  mapping: ImportColumns | null;
  count = 0;
  failures = 0;
  private usable: boolean;
  private readonly job: ImportJob;

  constructor(job: ImportJob, given: ImportColumns | null) {
    [this.job, this.mapping] = [job, given];
    this.usable = given === null || mappingProblem(given, []) === null;
  }

  /** Takes a row of a part. @throws DataError `data/dataset-size` for too many rows */
  take(part: TablePart, raw: RawRow): void {
    const { limits, table } = this.job;
    this.count += 1;
    if (this.count > limits.maxRows) {
      const message = `${shorten(table.name)} has more than ${limits.maxRows} rows: split it.`;
      throw new DataError('data/dataset-size', message, { file: shorten(table.name) });
    }
    if ('reason' in raw) {
      this.fail(part, raw.row, raw.reason);
      return;
    }
    if (this.columns.size < MAX_COLUMNS) for (const name of raw.values.keys()) this.columns.add(name);
    if (this.mapping === null) {
      this.mapping = guessFor(table, [...this.columns]);
      this.usable = mappingProblem(this.mapping, []) === null;
    }
    // Without a column to read, one problem stands for all rows.
    if (!this.usable) return;
    const rounds = splitRounds(raw.values, this.mapping);
    this.count += rounds.length - 1;
    for (const values of rounds) {
      const found = findRow(this.job, part, { row: raw.row, values }, this.mapping);
      if ('reason' in found) this.fail(part, raw.row, found.reason);
      else this.rows.push(found);
    }
  }

  private fail({ path: file }: TablePart, row: number, reason: string): void {
    this.failures += 1;
    if (this.failures <= this.job.limits.maxProblems) this.problems.push({ file, row, reason });
  }
}

/** One pass over the table. */
async function passTable(job: ImportJob, given: ImportColumns | null): Promise<TablePass> {
  const { table, limits, options, split } = job;
  const pass = new PassCollector(job, given);
  const total = table.parts.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const part of table.parts) {
    await part.read(limits, (raw) => pass.take(part, raw), {
      signal: options.signal,
      split,
      onSplits: (splits) => {
        pass.splits = splits.map(({ name, rows }) => ({ name: `${table.name}#${name}`, rows }));
      },
      onBytes: (done) => options.onProgress?.({ phase: 'table', done: before + done, total }),
    });
    before += part.size;
  }
  const { columns, mapping, rows, problems, splits, failures, count } = pass;
  return {
    mapping: mapping ?? guessFor(table, []),
    columns: [...columns].slice(0, MAX_COLUMNS),
    rows,
    problems,
    splits,
    moreProblems: failures - problems.length,
    count,
  };
}

/** Later rows may bring columns that change the guess; the second pass then has them all, and its guess is final. */
export async function readRows(job: ImportJob): Promise<TablePass> {
  const { mapping } = job.options;
  const pass = await passTable(job, mapping);
  if (mapping !== null) return pass;
  const better = guessFor(job.table, pass.columns);
  return sameMapping(better, pass.mapping) ? pass : passTable(job, better);
}
