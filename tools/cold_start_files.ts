// Keeps the folder of a cold start: what each stage made, as JSON lines, so that a later call goes on where an earlier one
// ended, and the finished data set as TRL, LLaMA-Factory and the page read it.

import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../src/lib/errors';
import { readRegularFile } from './regular_file';
import { writeWhole } from './train_files';

/** Answers of a few hundred thousand problems. */
const MAX_WRITTEN_BYTES = 2 ** 30;

/** One example of the finished data set. */
export interface ColdStartRow {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string;
  readonly kind: string | null;
  readonly reflects: boolean;
  /** Share of the base's answers that were right. */
  readonly baseAccuracy: number;
  /** It looks back, and the thought before that led to a wrong answer. */
  readonly wrongFirst: boolean;
  /** Who wrote the look; null where there is none. */
  readonly writer: string | null;
}

/** The folder. */
export class ColdStartFiles {
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

  /** Lines of a stage by id; a last line that was cut off by an interruption is dropped, and the file rewritten. */
  async readLines<T extends { readonly id: string }>(name: string): Promise<Map<string, T>> {
    const text = await readFile(this.path(name), 'utf8').catch(() => '');
    const known = new Map<string, T>();
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    for (const [at, line] of lines.entries()) {
      try {
        const row = JSON.parse(line) as T;
        known.set(row.id, row);
      } catch {
        if (at < lines.length - 1)
          throw new DataError(
            'data/row',
            `${this.path(name)}, line ${at + 1} is no JSON: remove the file to make it again.`,
          );
      }
    }
    if (text !== '') await writeWhole(this.path(name), linesOf([...known.values()]));
    return known;
  }

  /** Appends lines to a stage. */
  async append(name: string, rows: readonly { readonly id: string }[]): Promise<void> {
    await appendFile(this.path(name), linesOf(rows));
  }

  /** Writes a stage whole. */
  async replace(name: string, rows: readonly { readonly id: string }[]): Promise<void> {
    await writeWhole(this.path(name), linesOf(rows));
  }

  /** Writes a text whole. */
  async replaceText(name: string, text: string): Promise<void> {
    await writeWhole(this.path(name), text);
  }

  /** Writes a picture of the data set; returns its name below it. */
  async writeImage(id: string, bytes: Uint8Array, extension: string): Promise<string> {
    const name = `images/${id.replaceAll(/[^\w-]/g, '_')}.${extension}`;
    await writeFile(this.path(`dataset/${name}`), bytes);
    return name;
  }

  /**
   * Writes the data set: `metadata.jsonl`, an imagefolder whose rows also hold `messages` and `images`, as TRL's vision
   * trainers read them, and `dataset_info.json`, by which LLaMA-Factory reads the same file.
   */
  async writeDataset(rows: readonly (ColdStartRow & { readonly image: string })[]): Promise<void> {
    const metadata = rows.map(({ image, ...row }) => ({
      file_name: image,
      ...row,
      messages: [
        { role: 'user', content: `<image>${row.question}` },
        { role: 'assistant', content: row.response },
      ],
      images: [image],
    }));
    const info = {
      look_back_cold_start: {
        file_name: 'metadata.jsonl',
        formatting: 'sharegpt',
        columns: { messages: 'messages', images: 'images' },
        tags: {
          role_tag: 'role',
          content_tag: 'content',
          user_tag: 'user',
          assistant_tag: 'assistant',
        },
      },
    };
    await writeWhole(this.path('dataset/metadata.jsonl'), linesOf(metadata));
    await writeWhole(this.path('dataset/dataset_info.json'), `${JSON.stringify(info, null, 2)}\n`);
  }
}

/**
 * What somebody else wrote: lines `{"id", "text"}`.
 * @throws DataError `data/row` naming the line that is something else, `data/file` for what is no regular file
 */
export async function readWritten(path: string): Promise<Map<string, string>> {
  const text = new TextDecoder().decode(await readRegularFile(path, MAX_WRITTEN_BYTES));
  const written = new Map<string, string>();
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const row = readLine(line);
    if (row === null)
      throw new DataError(
        'data/row',
        `${path}, line ${at + 1} must be an object with texts "id" and "text".`,
      );
    written.set(row.id, row.text);
  });
  return written;
}

function readLine(line: string): { id: string; text: string } | null {
  try {
    const { id, text } = JSON.parse(line) as Record<string, unknown>;
    return typeof id === 'string' && typeof text === 'string' ? { id, text } : null;
  } catch {
    return null;
  }
}

function linesOf(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
