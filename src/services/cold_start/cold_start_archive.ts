// Packs what leaves a cold start: the tasks for somebody else who writes the looks, and the examples as TRL, LLaMA-Factory
// and the page read them, each as a zip with its pictures.

import { zipSync } from 'fflate';
import { defined } from '../../lib/invariant';
import { datasetFiles, jsonLines, pictureName } from '../../lookback/cold_start/example_files';
import { annotationTask } from '../../lookback/cold_start/insertion';
import type { ProblemSource } from '../../lookback/cold_start/problem_source';
import type { ColdStartStages } from './cold_start_stages';

type Files = Record<string, Uint8Array>;

async function addPicture(files: Files, source: ProblemSource): Promise<string> {
  const picture = await source.file();
  const name = pictureName(source.id, picture.type);
  files[name] ??= new Uint8Array(await picture.arrayBuffer());
  return name;
}

function zipped(files: Files): Blob {
  // Pictures are compressed already.
  return new Blob([zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>], { type: 'application/zip' });
}

/** A zip with `tasks.jsonl`, a line for each chosen chain, and the pictures that it names. */
export async function tasksArchive({ opened }: ColdStartStages): Promise<Blob> {
  const files: Files = {};
  const tasks: object[] = [];
  for (const one of opened)
    tasks.push({ ...annotationTask(one), image: await addPicture(files, one.source) });
  return zipped({ 'tasks.jsonl': new TextEncoder().encode(jsonLines(tasks)), ...files });
}

/** A zip with `metadata.jsonl`, `dataset_info.json` and the pictures. */
export async function examplesArchive({ rows, sources }: ColdStartStages): Promise<Blob> {
  const byId = new Map(sources.map((source) => [source.id, source]));
  const files: Files = {};
  const named: Parameters<typeof datasetFiles>[0][number][] = [];
  for (const row of rows)
    named.push({ ...row, image: await addPicture(files, defined(byId.get(row.id), row.id)) });
  const texts = Object.entries(datasetFiles(named)).map(([name, text]) => [
    name,
    new TextEncoder().encode(text),
  ]);
  return zipped({ ...Object.fromEntries(texts), ...files });
}
