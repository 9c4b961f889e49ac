// Rows of a data set on disk for `train` and `evaluate`: those that can be used, each decoded when it is read.
// What cannot be used is said on stderr and counted; a set without a usable row ends the command.

import type { ImportedRow } from '../src/data/dataset/dataset_import';
import { type FindUnknownWords, warnOfUnknownWords } from '../src/data/dataset/unknown_rows';
import type { PixelArray } from '../src/data/image/pillow_resize';
import { DataError } from '../src/lib/errors';
import { formatList } from '../src/lib/format';
import type { RowSource } from '../src/lookback/row_examples';
import { log } from './command_line';
import { readDatasetPath } from './dataset_source';
import { decodeImage } from './node_image';

/** The usable rows of a data set. */
export interface UsableRows {
  readonly rows: readonly ImportedRow[];
  /** Rows of the table that cannot be used. */
  readonly leftOut: number;
}

/** @throws DataError for a path that cannot be read, a set that cannot be understood, or one without a usable row */
export async function usableRows(path: string, signal?: AbortSignal): Promise<UsableRows> {
  const { set } = await readDatasetPath(path, { mapping: null, signal });
  const { rows, problems, found } = set;
  const list = formatList(
    problems.map(({ file, row, reason }) => `${row === null ? file : `row ${row}`}: ${reason}`),
  );
  if (rows.length === 0) {
    throw new DataError('data/dataset', `${path}: none of ${found} rows can be used: ${list}`, {
      file: path,
    });
  }
  if (problems.length > 0) {
    log(
      `${path}: ${rows.length} of ${found} rows can be used (npm run check-data lists all problems): ${list}`,
    );
  }
  return { rows, leftOut: found - rows.length };
}

/** The picture of a row. @throws DataError when it cannot be decoded */
export async function decodeRow(row: ImportedRow): Promise<PixelArray> {
  return decodeImage(await row.image(), row.imageName);
}

/** Lines of rows that are printed; `check-data` lists all. */
const SHOWN_WARNINGS = 8;

/** Says on stderr which words of questions, answers and responses the model does not know; nothing where it knows all. */
async function tellUnknownWords(
  path: string,
  rows: readonly ImportedRow[],
  unknown: FindUnknownWords,
): Promise<void> {
  const { warnings, more } = await warnOfUnknownWords(path, rows, unknown, SHOWN_WARNINGS);
  for (const { file, row, reason } of warnings)
    log(`${file}${row === null ? '' : `, row ${row}`}: ${reason}`);
  if (more > 0) log(`${path}: ${more} more such texts (npm run check-data lists them)`);
}

/**
 * Rows for training. Words of theirs that the model does not know are told before anything else happens.
 * @param unknown finds such words
 * @throws what {@link usableRows} throws
 */
export async function datasetRows(
  path: string,
  unknown: FindUnknownWords,
  signal?: AbortSignal,
): Promise<RowSource> {
  const { rows } = await usableRows(path, signal);
  await tellUnknownWords(path, rows, unknown);
  return {
    count: rows.length,
    read: async (position) => {
      const row = rows[position];
      if (!row) throw new DataError('data/row', `${path} has no row ${position}.`);
      const { question, answer, response, system, columns } = row;
      return { image: await decodeRow(row), question, answer, response, system, columns };
    },
  };
}
