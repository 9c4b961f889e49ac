// Packs what leaves a cold start: the tasks for somebody else who writes the looks, and the examples as TRL, LLaMA-Factory
// and the page read them, each as a zip with its pictures.

import { zipSync } from 'fflate';
import { DataError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { defined, itemAt } from '../../lib/invariant';
import { datasetFiles, jsonLines, pictureName } from '../../lookback/cold_start/example_files';
import { annotationTask } from '../../lookback/cold_start/insertion';
import type { ProblemSource } from '../../lookback/cold_start/problem_source';
import type { ColdStartStages } from './cold_start_stages';

type Files = Record<string, Uint8Array>;

/** A zip is made in memory. */
const MAX_BYTES = 2 ** 29;

/** Adds the pictures of problems; returns their names. @throws DataError `data/dataset-size` */
async function addPictures(files: Files, sources: readonly ProblemSource[]): Promise<string[]> {
  let bytes = 0;
  const names: string[] = [];
  for (const source of sources) {
    const picture = await source.file();
    const name = pictureName(source.id, picture.type);
    bytes += picture.size;
    if (bytes > MAX_BYTES)
      throw new DataError(
        'data/dataset-size',
        `The pictures take more than ${formatBytes(MAX_BYTES)}, which no zip of this page holds: save the set here, or choose fewer examples.`,
      );
    files[name] = new Uint8Array(await picture.arrayBuffer());
    names.push(name);
  }
  return names;
}

function zipped(files: Files): Blob {
  // Pictures are compressed already.
  return new Blob([zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>], { type: 'application/zip' });
}

/** A zip with `tasks.jsonl`, a line for each chosen chain, and the pictures that it names. */
export async function tasksArchive({ opened }: ColdStartStages): Promise<Blob> {
  const files: Files = {};
  const names = await addPictures(
    files,
    opened.map(({ source }) => source),
  );
  const tasks = opened.map((one, at) => ({ ...annotationTask(one), image: itemAt(names, at) }));
  return zipped({ 'tasks.jsonl': new TextEncoder().encode(jsonLines(tasks)), ...files });
}

/** A zip with `metadata.jsonl`, `dataset_info.json` and the pictures. */
export async function examplesArchive({ rows, sources }: ColdStartStages): Promise<Blob> {
  const byId = new Map(sources.map((source) => [source.id, source]));
  const files: Files = {};
  const own = rows.map(({ id }) => defined(byId.get(id), id));
  const names = await addPictures(files, own);
  const named = rows.map((row, at) => ({ ...row, image: itemAt(names, at) }));
  const texts = Object.entries(datasetFiles(named)).map(([name, text]) => [
    name,
    new TextEncoder().encode(text),
  ]);
  return zipped({ ...Object.fromEntries(texts), ...files });
}
