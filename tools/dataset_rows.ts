// Rows of a data set on disk for training: a table with its pictures in the folder around it, or one zip.
// The reading is src/data/dataset/dataset_import.ts; here are only the files. Invariant: a row that cannot be used stops the
// command, with its number and reason, before anything is trained.

import { openAsBlob } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { readDataset } from '../src/data/dataset/dataset_import';
import { DataError } from '../src/lib/errors';
import { formatList } from '../src/lib/format';
import type { RowSource } from '../src/lookback/row_examples';
import { decodeImage } from './node_image';

const TABLE = /\.(?:jsonl|json|csv|tsv)$/i;

/** Files that may belong to the set: other tables beside the named one do not. */
async function filesOf(path: string) {
  if (!TABLE.test(path)) return [{ path: basename(path), blob: await openAsBlob(path) }];
  const root = dirname(path);
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = names.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name));
  const own = paths.filter((file) => file === path || !TABLE.test(file));
  return Promise.all(own.map(async (file) => ({ path: relative(root, file), blob: await openAsBlob(file) })));
}

/** @throws DataError naming the rows that cannot be used, or what the set lacks */
export async function datasetRows(file: string, signal?: AbortSignal): Promise<RowSource> {
  const path = resolve(file);
  const { rows, problems, moreProblems } = await readDataset(await filesOf(path), {
    mapping: null,
    ...(signal ? { signal } : {}),
  });
  const bad = problems.filter(({ row }) => row !== null);
  if (bad.length > 0) {
    const list = formatList(bad.map(({ row, reason }) => `row ${row}: ${reason}`));
    throw new DataError('data/dataset', `${file}: ${bad.length + moreProblems} rows cannot be used: ${list}`);
  }
  return {
    count: rows.length,
    read: async (position) => {
      const row = rows[position];
      if (!row) throw new DataError('data/row', `${file} has no row ${position}.`);
      const bytes = new Uint8Array(await (await row.image()).arrayBuffer());
      const { question, answer, response } = row;
      return { image: decodeImage(bytes, row.imageName), question, answer, response };
    },
  };
}
