// Reads a data set that somebody supplied: a table with its pictures beside it, in a folder, in a zip or inline.
// Not storage and not a decoder: pictures stay where they are until a row is asked for its own.
// Invariant: a row of the table is either in `rows` or among `problems` (listed or counted); bad rows never throw, and
// time and memory are linear in the table.

import { DataError } from '../../lib/errors';
import { formatBytes, formatList } from '../../lib/format';
import { guessColumns, type ImportColumns, type RowTexts, readRow } from './dataset_columns';
import { type FileSet, type ImportFile, openFiles, type SourceFile } from './dataset_files';
import { checkPicture, checkPictureFile, decodeBase64, type PictureCheck } from './dataset_pictures';
import { readTable } from './dataset_table';
import { IMPORT_LIMITS, type ImportLimits } from './import_limits';
import { type ImportProblem, ProblemList, shorten } from './import_problems';
import type { RawRow } from './row_scanner';

/** A usable row. */
export interface ImportedRow {
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
  /** The table's path. */
  readonly table: string;
  /** In the order they first appear, at most a few hundred. */
  readonly columns: readonly string[];
  /** As given, or guessed from the names. */
  readonly mapping: ImportColumns;
  /** Rows of the table, of any kind. */
  readonly found: number;
  readonly rows: readonly ImportedRow[];
  readonly problems: readonly ImportProblem[];
  /** Problems beyond those listed. */
  readonly moreProblems: number;
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
  readonly limits?: Partial<ImportLimits>;
  /** Ends the import; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Finds a picture that was not handed over, by its path relative to the table: of a table that was named alone. */
  readonly beside?: ((path: string) => SourceFile | null) | undefined;
}

interface Job {
  readonly set: FileSet;
  readonly table: SourceFile;
  readonly limits: ImportLimits;
  readonly options: ImportOptions;
}

/** A row whose texts are whole and whose picture was found, but not looked at. */
interface FoundRow {
  readonly row: number;
  readonly texts: Omit<RowTexts, 'image'>;
  readonly imageName: string;
  readonly picture: SourceFile | Blob;
}

interface TablePass {
  readonly columns: readonly string[];
  readonly mapping: ImportColumns;
  readonly rows: FoundRow[];
  readonly problems: readonly { readonly row: number; readonly reason: string }[];
  /** Problems beyond those kept. */
  readonly moreProblems: number;
  /** Rows of any kind. */
  readonly count: number;
}

/** Names beyond these are not listed; a mapping may still name them. */
const MAX_COLUMNS = 200;
const PROGRESS_IMAGES = 256;

/** A row that was read as values. */
type ValueRow = Extract<RawRow, { values: unknown }>;

function inlinePicture(
  base64: string,
  name: string,
  limits: ImportLimits,
): { readonly blob: Blob } | { readonly reason: string } {
  const bytes = decodeBase64(base64, limits);
  if ('reason' in bytes) return { reason: `image "${name}" ${bytes.reason}` };
  const check = checkPicture(bytes, limits);
  if ('reason' in check) return { reason: `image "${name}" ${check.reason}` };
  return { blob: new Blob([bytes as Uint8Array<ArrayBuffer>], { type: check.type }) };
}

function findRow(
  { set, table, limits, options }: Job,
  raw: ValueRow,
  mapping: ImportColumns,
): FoundRow | { reason: string } {
  const texts = readRow(raw.values, mapping, limits);
  if ('reason' in texts) return texts;
  const { image, question, answer, response, kind } = texts;
  const found = { row: raw.row, texts: { question, answer, response, kind } };
  if (image.kind === 'inline') {
    const imageName = image.name ?? `row ${raw.row}`;
    const picture = inlinePicture(image.base64, imageName, limits);
    return 'reason' in picture ? picture : { ...found, imageName, picture: picture.blob };
  }
  const given = set.find(table, image);
  const beside = image.absolute ? null : (options.beside?.(image.path) ?? null);
  const picture = 'file' in given ? given.file : beside;
  if (picture !== null) return { ...found, imageName: picture.path, picture };
  return 'reason' in given ? given : { reason: 'has no picture' };
}

function sameMapping(a: ImportColumns, b: ImportColumns): boolean {
  return (
    a.image === b.image && a.question === b.question && a.answer === b.answer && a.response === b.response
  );
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

/** One pass over the table. A null mapping is guessed from the first row. */
async function passTable(job: Job, given: ImportColumns | null): Promise<TablePass> {
  const { table, limits, options } = job;
  const columns = new Set<string>();
  const rows: FoundRow[] = [];
  const problems: { row: number; reason: string }[] = [];
  let mapping = given;
  let usable = given === null || mappingProblem(given, []) === null;
  let [count, failures] = [0, 0];
  const fail = (row: number, reason: string): void => {
    failures += 1;
    if (failures <= limits.maxProblems) problems.push({ row, reason });
  };
  const onRow = (raw: RawRow): void => {
    count += 1;
    if (count > limits.maxRows) {
      const message = `${shorten(table.path)} has more than ${limits.maxRows} rows: split it.`;
      throw new DataError('data/dataset-size', message, { file: shorten(table.path) });
    }
    if ('reason' in raw) {
      fail(raw.row, raw.reason);
      return;
    }
    if (columns.size < MAX_COLUMNS) for (const name of raw.values.keys()) columns.add(name);
    if (mapping === null) {
      mapping = guessColumns([...columns]);
      usable = mappingProblem(mapping, []) === null;
    }
    // Without a column to read, one problem stands for all rows.
    if (!usable) return;
    const found = findRow(job, raw, mapping);
    if ('reason' in found) fail(raw.row, found.reason);
    else rows.push(found);
  };
  await readTable(table, limits, onRow, {
    signal: options.signal,
    onBytes: (done) => options.onProgress?.({ phase: 'table', done, total: table.size }),
  });
  return {
    mapping: mapping ?? guessColumns([]),
    columns: [...columns].slice(0, MAX_COLUMNS),
    rows,
    problems,
    moreProblems: failures - problems.length,
    count,
  };
}

/** Later rows may bring columns that change the guess; the second pass then has them all, and its guess is final. */
async function readRows(job: Job): Promise<TablePass> {
  const { mapping } = job.options;
  const pass = await passTable(job, mapping);
  if (mapping !== null) return pass;
  const better = guessColumns(pass.columns);
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
  { row, texts, imageName, picture }: FoundRow,
  type: string,
  limits: ImportLimits,
): ImportedRow {
  const image = async (): Promise<Blob> =>
    picture instanceof Blob ? picture : picture.blob(type, limits.maxImageBytes);
  return { row, ...texts, imageName, image };
}

/**
 * Reads a data set: a table (`.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`) whose rows name pictures among `files`, or
 * hold them as data URLs or base64; or one zip of the same. Pictures are looked at, not read: see {@link ImportedRow}.
 *
 * @throws DataError when nothing can be read at all: `data/dataset-empty`, `data/dataset-table` (none, several, or one
 * in an unreadable form), `data/dataset-size`, `data/dataset-read`, `data/zip`; the signal's reason when aborted
 */
export async function readDataset(
  files: readonly ImportFile[],
  options: ImportOptions,
): Promise<ImportedDataset> {
  const limits: ImportLimits = { ...IMPORT_LIMITS, ...options.limits };
  options.signal?.throwIfAborted();
  const problems = new ProblemList(limits.maxProblems);
  const set = await openFiles(files, limits, problems);
  const table = set.table(problems);
  const job: Job = { set, table, limits, options };
  const pass = await readRows(job);
  if (pass.count === 0) {
    const message = `${shorten(table.path)} has no rows: it needs one for each question.`;
    throw new DataError('data/dataset-empty', message, { file: shorten(table.path) });
  }
  const unmapped = mappingProblem(pass.mapping, pass.columns);
  if (unmapped !== null) problems.add(table.path, null, unmapped);
  for (const { row, reason } of pass.problems) problems.add(table.path, row, reason);
  problems.addUnlisted(pass.moreProblems);
  const checks = await checkImages(job, pass.rows);
  const rows: ImportedRow[] = [];
  for (const found of pass.rows) {
    const check = found.picture instanceof Blob ? { type: found.picture.type } : checks.get(found.picture);
    if (check === undefined) continue;
    if ('type' in check) rows.push(toRow(found, check.type, limits));
    else problems.add(table.path, found.row, `image "${shorten(found.imageName)}" ${check.reason}`);
  }
  return {
    table: table.path,
    columns: pass.columns,
    mapping: pass.mapping,
    found: pass.count,
    rows,
    problems: problems.sorted(),
    moreProblems: problems.more,
  };
}
