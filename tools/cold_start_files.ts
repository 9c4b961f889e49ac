// Keeps the folder of a cold start: what each stage made, as JSON lines, so that a later call goes on where an earlier one
// ended, and the finished data set as TRL, LLaMA-Factory and the page read it.

import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../src/lib/errors';
import { datasetFiles, jsonLines, pictureName } from '../src/lookback/cold_start/example_files';
import { readWrittenLines } from '../src/lookback/cold_start/insertion';
import type { ColdStartRow } from '../src/lookback/cold_start/judged_examples';
import type { KeptRows, StageStore } from '../src/lookback/cold_start/model_stages';
import { readRegularFile } from './regular_file';
import { writeWhole } from './train_files';

/** Answers of a few hundred thousand problems. */
const MAX_WRITTEN_BYTES = 2 ** 30;

/** The file of each stage that is kept as it goes. */
const STAGE_FILES = { rollouts: 'rollouts.jsonl', self: 'written.jsonl' } as const;

/** The folder. */
export class ColdStartFiles implements StageStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A path in the folder. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /**
   * Makes the folder, or goes on in one that was made with the same settings.
   * @throws DataError `data/checkpoint` naming the setting that differs, or where a start would overwrite another
   */
  async begin(settings: Readonly<Record<string, unknown>>, resume: boolean): Promise<void> {
    await mkdir(this.path('dataset/images'), { recursive: true });
    const file = this.path('settings.json');
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) {
      if (!resume)
        throw new DataError(
          'data/checkpoint',
          `${file} belongs to a cold start: go on with --resume, or use another folder.`,
        );
      const before = JSON.parse(text) as Record<string, unknown>;
      const key = Object.keys({ ...before, ...settings }).find(
        (name) => JSON.stringify(before[name]) !== JSON.stringify(settings[name]),
      );
      if (key !== undefined)
        throw new DataError(
          'data/checkpoint',
          `${file} was made with another ${key}: use another folder, or restore it.`,
          { key },
        );
    }
    await writeWhole(file, `${JSON.stringify(settings, null, 2)}\n`);
  }

  /** Rows of a stage by id; a last line that was cut off by an interruption is dropped, and the file rewritten. */
  async read<S extends keyof KeptRows>(stage: S): Promise<Map<string, KeptRows[S]>> {
    const path = this.path(STAGE_FILES[stage]);
    const text = await readFile(path, 'utf8').catch(() => '');
    const known = new Map<string, KeptRows[S]>();
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    for (const [at, line] of lines.entries()) {
      try {
        const row = JSON.parse(line) as KeptRows[S];
        known.set(row.id, row);
      } catch {
        if (at < lines.length - 1)
          throw new DataError(
            'data/row',
            `${path}, line ${at + 1} is no JSON: remove the file to make it again.`,
          );
      }
    }
    if (text !== '') await writeWhole(path, jsonLines([...known.values()]));
    return known;
  }

  /** Appends rows to a stage. */
  async append<S extends keyof KeptRows>(stage: S, rows: readonly KeptRows[S][]): Promise<void> {
    await appendFile(this.path(STAGE_FILES[stage]), jsonLines(rows));
  }

  /** Writes a text whole. */
  async replaceText(name: string, text: string): Promise<void> {
    await writeWhole(this.path(name), text);
  }

  /** Writes a picture of the data set; returns its name below it. */
  async writeImage(id: string, picture: Blob): Promise<string> {
    const name = pictureName(id, picture.type);
    await writeFile(this.path(`dataset/${name}`), new Uint8Array(await picture.arrayBuffer()));
    return name;
  }

  /** Writes the data set; see {@link datasetFiles}. */
  async writeDataset(rows: readonly (ColdStartRow & { readonly image: string })[]): Promise<void> {
    for (const [name, text] of Object.entries(datasetFiles(rows)))
      await writeWhole(this.path(`dataset/${name}`), text);
  }
}

/**
 * What somebody else wrote: lines `{"id", "text"}`.
 * @throws DataError `data/row` naming the line that is something else, `data/file` for what is no regular file
 */
export async function readWritten(path: string): Promise<Map<string, string>> {
  return readWrittenLines(new TextDecoder().decode(await readRegularFile(path, MAX_WRITTEN_BYTES)), path);
}
