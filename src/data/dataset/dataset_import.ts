// Reads a data set that somebody supplied: a table with its pictures beside it, in a folder, in a zip or inline.
// Pictures stay where they are until a row is asked for its own. A row of the table is either in `rows` or among
// `problems` (listed or counted); bad rows never throw, and time and memory are linear in the table.

import { DataError } from '../../lib/errors';
import { formatBytes, formatList } from '../../lib/format';
import { splitRounds } from './chat_rounds';
import { guessColumns, type ImportColumns, type RowTexts, readRow } from './dataset_columns';
import { type FileSet, type ImportFile, openFiles, type SourceFile } from './dataset_files';
import { checkPicture, checkPictureFile, decodeBase64, type PictureCheck } from './dataset_pictures';
import { countRows, type DatasetTable, findTables, listUnread, type TablePart } from './dataset_tables';
import type { ImagePath } from './image_path';
import { IMPORT_LIMITS, type ImportLimits } from './import_limits';
import { type ImportProblem, ProblemList, shorten } from './import_problems';
import { countsFrom, optionLetter } from './question_options';
import type { RawRow } from './row_scanner';
import { type ImportWarning, RowWarnings } from './row_warnings';
import { preferredSplit, splitOfName, splitOfPath } from './split_names';
import type { FindUnknownWords } from './unknown_rows';

/** A usable row. */
export interface ImportedRow {
  /** The file that holds the row. */
  readonly file: string;
  /** Line of the table, or item of its list, from 1. */
  readonly row: number;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** Group for reports, where a column `kind` gives one. */
  readonly kind: string | null;
  /** Path of the picture among the files, or a name made for an inline one. */
  readonly imageName: string;
  /**
   * The encoded picture with its media type. Its header was checked before; its bytes are read only now.
   * @throws DataError `data/zip` or `data/dataset-read` when the file turns out to be damaged or gone
   */
  image(): Promise<Blob>;
}

/** What was read. */
export interface ImportedDataset {
  /** Name of the table that was read: a file's path, that of shards without their numbers, or a split's. */
  readonly table: string;
  /** All tables there are, the one that is read by default first. */
  readonly tables: readonly TableChoice[];
  /** Name of the one of {@link tables} that was read. */
  readonly choice: string;
  /** In the order they first appear, at most a few hundred. */
  readonly columns: readonly string[];
  /** As given, or guessed from the names. */
  readonly mapping: ImportColumns;
  /** Rows of the table, of any kind; each round of a chat is one. */
  readonly found: number;
  readonly rows: readonly ImportedRow[];
  readonly problems: readonly ImportProblem[];
  /** Problems beyond those listed. */
  readonly moreProblems: number;
  /** Of usable rows, what may not be meant. */
  readonly warnings: readonly ImportWarning[];
  /** Warnings beyond those listed. */
  readonly moreWarnings: number;
}

/** A table that {@link ImportOptions} may choose. */
export interface TableChoice {
  readonly name: string;
  /** Rows of any kind; null where counting them would take long. */
  readonly rows: number | null;
}

/** How far an import is: bytes of the table, then pictures. */
export interface ImportProgress {
  readonly phase: 'table' | 'images';
  readonly done: number;
  readonly total: number;
}

/** Options of {@link readDataset}. */
export interface ImportOptions {
  /** Null guesses the columns by their names. */
  readonly mapping: ImportColumns | null;
  /** Name of the table to read; null or nothing for the training split, or what comes first. */
  readonly table?: string | null | undefined;
  readonly limits?: Partial<ImportLimits>;
  /** Ends the import; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Finds the words that the model to be trained or asked does not know; without it, none are looked for. */
  readonly unknownWords?: FindUnknownWords | undefined;
  /** Finds a picture that was not handed over, by its path relative to the table: of a table that was named alone. */
  readonly beside?: ((path: string) => SourceFile | null) | undefined;
}

interface Job {
  readonly set: FileSet;
  readonly table: DatasetTable;
  /** Of a JSON file with several splits. */
  readonly split: string | null;
  readonly limits: ImportLimits;
  readonly options: ImportOptions;
}

/** A row whose texts are whole and whose picture was found, but not looked at. */
interface FoundRow {
  /** The file that holds the row. */
  readonly file: string;
  readonly row: number;
  readonly texts: Omit<RowTexts, 'image'>;
  readonly imageName: string;
  readonly picture: SourceFile | Blob;
  /** Equal for equal pictures: the path, or length and hash of an inline one. */
  readonly pictureKey: string;
}

interface TablePass {
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
const PROGRESS_IMAGES = 256;
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
  { set, limits, options }: Job,
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

/** Rows whose answer was a number of an option get its letter, when all rows together tell where numbers begin. */
function numberedRows(rows: readonly FoundRow[]): {
  rows: FoundRow[];
  refused: { file: string; row: number; reason: string }[];
} {
  const numbered = rows.flatMap(({ texts: { counted, options } }) =>
    counted === null ? [] : [{ counted, options: options?.length ?? 0 }],
  );
  const first = countsFrom(numbered);
  const refused: { file: string; row: number; reason: string }[] = [];
  const lettered = rows.filter(({ file, row, texts: { counted, answer } }) => {
    if (counted === null || first !== null) return true;
    const reason = `answer "${answer}" may count the options from 0 or from 1: write the letter or the text`;
    refused.push({ file, row, reason });
    return false;
  });
  const letter = ({ counted, answer }: FoundRow['texts']): string =>
    counted === null ? answer : optionLetter(counted - (first ?? 0));
  return {
    rows: lettered.map((row) => ({ ...row, texts: { ...row.texts, answer: letter(row.texts) } })),
    refused,
  };
}

/** Why no row can be read with this mapping, or null. */
function mappingProblem(mapping: ImportColumns, columns: readonly string[]): string | null {
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
  private readonly job: Job;

  constructor(job: Job, given: ImportColumns | null) {
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
async function passTable(job: Job, given: ImportColumns | null): Promise<TablePass> {
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
async function readRows(job: Job): Promise<TablePass> {
  const { mapping } = job.options;
  const pass = await passTable(job, mapping);
  if (mapping !== null) return pass;
  const better = guessFor(job.table, pass.columns);
  return sameMapping(better, pass.mapping) ? pass : passTable(job, better);
}

/** Checks each file once, in the order in which reading is quickest. */
async function checkImages(job: Job, rows: readonly FoundRow[]): Promise<Map<SourceFile, PictureCheck>> {
  const { set, limits, options } = job;
  const files = [...new Set(rows.flatMap(({ picture }) => (picture instanceof Blob ? [] : [picture])))];
  files.sort((a, b) => a.position - b.position);
  const total = files.reduce((sum, { size }) => sum + Math.min(size, limits.maxImageBytes), 0);
  if (total > limits.maxTotalBytes) {
    const message = `The pictures have ${formatBytes(total)} together; up to ${formatBytes(limits.maxTotalBytes)} are kept: choose fewer or smaller ones.`;
    throw new DataError('data/dataset-size', message, { bytes: total });
  }
  const checks = new Map<SourceFile, PictureCheck>();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      options.signal?.throwIfAborted();
      checks.set(file, await checkPictureFile(file, limits));
      if (checks.size % PROGRESS_IMAGES === 0 || checks.size === files.length) {
        options.onProgress?.({ phase: 'images', done: checks.size, total: files.length });
      }
    }
  };
  await Promise.all(Array.from({ length: set.concurrency }, work));
  return checks;
}

function toRow(
  { file, row, texts, imageName, picture }: FoundRow,
  type: string,
  limits: ImportLimits,
): ImportedRow {
  const image = async (): Promise<Blob> =>
    picture instanceof Blob ? picture : picture.blob(type, limits.maxImageBytes);
  const { question, answer, response, kind } = texts;
  return { file, row, question, answer, response, kind, imageName, image };
}

/** The table that is asked for, and the split of its file. @throws DataError `data/dataset-table` for an unknown one */
function chooseTable(
  tables: readonly DatasetTable[],
  wanted: string | null,
): { readonly table: DatasetTable; readonly split: string | null } {
  const whole = wanted === null ? tables[0] : tables.find(({ name }) => name === wanted);
  if (whole !== undefined) return { table: whole, split: null };
  const holder = tables.find(({ name }) => wanted?.startsWith(`${name}#`));
  if (holder !== undefined) return { table: holder, split: wanted!.slice(holder.name.length + 1) };
  // A split by its usual name, whatever its file is called.
  const kind = wanted === null ? null : splitOfName(wanted);
  const alike = tables.filter(({ name }) => kind !== null && splitOfPath(name) === kind);
  if (alike.length === 1 && alike[0] !== undefined) return { table: alike[0], split: null };
  if (tables.length === 1 && tables[0]?.name.endsWith('.json')) return { table: tables[0], split: wanted };
  const names = formatList(tables.map(({ name }) => shorten(name)));
  throw new DataError(
    'data/dataset-table',
    `There is no table "${shorten(wanted ?? '')}": there are ${names}.`,
  );
}

/** What of the choices was read. */
function choiceOf({ table, split }: Job, { splits }: TablePass): string {
  if (splits.length === 0) return table.name;
  return split === null
    ? (preferredSplit(splits.map(({ name }) => name)) ?? table.name)
    : `${table.name}#${split}`;
}

async function choices(job: Job, tables: readonly DatasetTable[], pass: TablePass): Promise<TableChoice[]> {
  const { limits, options, table } = job;
  const all: TableChoice[] = [];
  for (const one of tables) {
    options.signal?.throwIfAborted();
    if (one !== table) all.push({ name: one.name, rows: await countRows(one, limits) });
    else if (pass.splits.length > 0) all.push(...pass.splits);
    else all.push({ name: one.name, rows: pass.count });
  }
  return all;
}

/**
 * Reads a data set: a table (JSON lines, JSON, CSV, TSV, each also gzipped, or Parquet; of several files or splits the
 * one that is chosen) whose rows name pictures among `files` or hold them; folders of pictures named by class; or one
 * zip of the same. Pictures are looked at, not read: see {@link ImportedRow}.
 *
 * @throws DataError when nothing can be read at all: `data/dataset-empty`, `data/dataset-table` (none, or one in an
 * unreadable form), `data/dataset-size`, `data/dataset-read`, `data/zip`; the signal's reason when aborted
 */
export async function readDataset(
  files: readonly ImportFile[],
  options: ImportOptions,
): Promise<ImportedDataset> {
  const limits: ImportLimits = { ...IMPORT_LIMITS, ...options.limits };
  options.signal?.throwIfAborted();
  const problems = new ProblemList(limits.maxProblems);
  const set = await openFiles(files, limits, problems);
  const tables = await findTables(set);
  const { table, split } = chooseTable(tables, options.table ?? null);
  listUnread(tables, table, problems);
  const job: Job = { set, table, split, limits, options };
  const pass = await readRows(job);
  if (pass.count === 0) {
    const message = `${shorten(table.name)} has no rows: it needs one for each question.`;
    throw new DataError('data/dataset-empty', message, { file: shorten(table.name) });
  }
  const unmapped = mappingProblem(pass.mapping, pass.columns);
  if (unmapped !== null) problems.add(table.name, null, unmapped);
  const { rows: lettered, refused } = numberedRows(pass.rows);
  for (const { file, row, reason } of [...pass.problems, ...refused]) problems.add(file, row, reason);
  problems.addUnlisted(pass.moreProblems);
  const checks = await checkImages(job, lettered);
  const rows: ImportedRow[] = [];
  const warnings = new RowWarnings(table.name, limits.maxProblems, options.unknownWords);
  for (const found of lettered) {
    const check = found.picture instanceof Blob ? { type: found.picture.type } : checks.get(found.picture);
    if (check === undefined) continue;
    if ('type' in check) {
      rows.push(toRow(found, check.type, limits));
      warnings.take({ file: found.file, row: found.row, pictureKey: found.pictureKey, ...found.texts });
    } else problems.add(found.file, found.row, `image "${shorten(found.imageName)}" ${check.reason}`);
  }
  const warned = warnings.result();
  return {
    table: table.name,
    tables: await choices(job, tables, pass),
    choice: choiceOf(job, pass),
    columns: pass.columns,
    mapping: pass.mapping,
    found: pass.count,
    rows,
    problems: problems.sorted(),
    moreProblems: problems.more,
    warnings: warned.warnings,
    moreWarnings: warned.more,
  };
}
