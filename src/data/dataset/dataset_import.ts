// Reads a data set that somebody supplied: a table with its pictures beside it, in a folder, in a zip or inline.
// Pictures stay where they are until a row is asked for its own. A row of the table is either in `rows` or among
// `problems` (listed or counted); bad rows never throw, and time and memory are linear in the table.

import { DataError } from '../../lib/errors';
import { formatBytes, formatList } from '../../lib/format';
import type { PlainColumns } from '../../lib/plain_json';
import type { ImportColumns } from './dataset_columns';
import { type ImportFile, openFiles, type SourceFile } from './dataset_files';
import { type FoundRow, type ImportJob, mappingProblem, readRows, type TablePass } from './dataset_pass';
import { checkPictureFile, type PictureCheck } from './dataset_pictures';
import { countRows, type DatasetTable, findTables, listUnread } from './dataset_tables';
import { IMPORT_LIMITS, type ImportLimits } from './import_limits';
import type { ImportOptions, TableChoice } from './import_options';
import { type ImportProblem, ProblemList, shorten } from './import_problems';
import { countsFrom, optionLetter } from './question_options';
import { type ImportWarning, RowWarnings } from './row_warnings';
import { preferredSplit, splitOfName, splitOfPath } from './split_names';

/** A usable row. */
export interface ImportedRow {
  /** The file that holds the row. */
  readonly file: string;
  /** Line of the table, or item of its list, from 1. */
  readonly row: number;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** What the system turn says before the question; null where it says nothing. */
  readonly system: string | null;
  /** Group for reports, where a column `kind` gives one. */
  readonly kind: string | null;
  /** What the row has besides, as far as it is plain data. */
  readonly columns: PlainColumns;
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

const PROGRESS_IMAGES = 256;

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

/** Checks each file once, in the order in which reading is quickest. */
async function checkImages(
  job: ImportJob,
  rows: readonly FoundRow[],
): Promise<Map<SourceFile, PictureCheck>> {
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
  const { question, answer, response, system, kind, columns } = texts;
  return { file, row, question, answer, response, system, kind, columns, imageName, image };
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
function choiceOf({ table, split }: ImportJob, { splits }: TablePass): string {
  if (splits.length === 0) return table.name;
  return split === null
    ? (preferredSplit(splits.map(({ name }) => name)) ?? table.name)
    : `${table.name}#${split}`;
}

async function choices(
  job: ImportJob,
  tables: readonly DatasetTable[],
  pass: TablePass,
): Promise<TableChoice[]> {
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
  const job: ImportJob = { set, table, split, limits, options };
  const pass = await readRows(job);
  if (pass.count === 0) {
    const message = `${shorten(table.name)} has no rows: it needs one for each question.`;
    throw new DataError('data/dataset-empty', message, { file: shorten(table.name) });
  }
  const unmapped = mappingProblem(pass.mapping, pass.columns);
  // Where no row could be read, no column is known either: the rows' problems say why.
  if (unmapped !== null && pass.columns.length > 0) problems.add(table.name, null, unmapped);
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
