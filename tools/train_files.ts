// Keeps the folder of a training run on disk: metrics, checkpoint, adapter. Every file but the growing metrics is
// written aside and renamed, so that a kill leaves the old one whole; metrics after the checkpoint are dropped when a
// run resumes.

import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../src/lib/errors';
import { parseSafetensors, toFloat32, writeSafetensors } from '../src/model/safetensors';
import type { TrainerCheckpoint } from '../src/train/trainer';

const PARTS = ['adapter', 'm', 'v'] as const;

/** Writes a file whole or not at all. */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, data, { flush: true });
  await rename(`${path}.part`, path);
}

/** One run's folder. */
export class TrainFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async create(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  /** A path in the folder. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Throws DataError `data/checkpoint` when a run lies here already: starting anew would overwrite it. */
  async refuseRun(): Promise<void> {
    const path = this.path('checkpoint.safetensors');
    if ((await stat(path).catch(() => null)) === null) return;
    throw new DataError(
      'data/checkpoint',
      `${path} belongs to a run: go on with --resume, or use another folder.`,
    );
  }

  /** Saves the trainer's state and what it was made from. */
  async saveCheckpoint(
    checkpoint: TrainerCheckpoint,
    about: Readonly<Record<string, string>>,
  ): Promise<void> {
    const tensors = PARTS.map((name) => ({
      name,
      dtype: 'F32' as const,
      shape: [checkpoint[name].length],
      bytes: new Uint8Array(
        checkpoint[name].buffer,
        checkpoint[name].byteOffset,
        checkpoint[name].byteLength,
      ),
    }));
    const bytes = writeSafetensors(tensors, { ...about, step: String(checkpoint.step) });
    await writeWhole(this.path('checkpoint.safetensors'), bytes);
  }

  /**
   * The saved state, or null when there is none.
   * @throws DataError `data/checkpoint` when it belongs to other settings; ModelError when the file is broken
   */
  async readCheckpoint(about: Readonly<Record<string, string>>): Promise<TrainerCheckpoint | null> {
    const name = 'checkpoint.safetensors';
    const bytes = await readFile(this.path(name)).catch(() => null);
    if (bytes === null) return null;
    const file = await parseSafetensors(name, new Uint8Array(bytes));
    for (const key of new Set([...Object.keys(about), ...file.metadata.keys()])) {
      if (key === 'step' || file.metadata.get(key) === about[key]) continue;
      const message = `${this.path(name)} was made with other ${key}: start in a new folder, or restore the settings.`;
      throw new DataError('data/checkpoint', message, { key });
    }
    const step = Number(file.metadata.get('step'));
    const [adapter, m, v] = await Promise.all(
      PARTS.map(async (part) => toFloat32('F32', (await file.read(part)) as Uint8Array<ArrayBuffer>)),
    );
    if (!Number.isInteger(step) || !adapter || !m || !v)
      throw new DataError('data/checkpoint', `${this.path(name)} is not a checkpoint.`);
    return { step, adapter, m, v };
  }

  /** Keeps the metrics of the first `step` steps. A cut-off last line is dropped. */
  async truncateMetrics(name: string, step: number): Promise<void> {
    const text = await readFile(this.path(name), 'utf8').catch(() => '');
    const kept = text.split('\n').flatMap((line) => {
      try {
        const row = JSON.parse(line) as { step?: number };
        return typeof row.step === 'number' && row.step <= step ? [`${line}\n`] : [];
      } catch {
        return [];
      }
    });
    await writeWhole(this.path(name), kept.join(''));
  }

  /** Appends one line. */
  async appendLine(name: string, line: string): Promise<void> {
    await writeFile(this.path(name), `${line}\n`, { flag: 'a' });
  }
}
