// Keeps the folder of a training run on disk: metrics, checkpoint, adapter. Every file but the growing metrics is
// written aside and renamed, so that a kill leaves the old one whole; metrics after the checkpoint are dropped when a
// run resumes.

import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../src/lib/errors';
import { parseSafetensors, toFloat32, writeSafetensors } from '../src/model/safetensors';
import type { BestEvaluation } from '../src/settings/best_evaluation';
import type { RunCheckpoint } from '../src/train/trainer';
import type { LoggedStep } from '../src/train/training_log';

const PARTS = ['adapter', 'm', 'v'] as const;

/** Writes a file whole or not at all. */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.part`, data, { flush: true });
  await rename(`${path}.part`, path);
}

function tensorOf(name: string, values: Float32Array) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype: 'F32' as const, shape: [values.length], bytes };
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

  /** Saves the trainer's state with the best adapter, and what they were made from. */
  async saveCheckpoint(checkpoint: RunCheckpoint, about: Readonly<Record<string, string>>): Promise<void> {
    const { best } = checkpoint;
    const tensors = PARTS.map((name) => tensorOf(name, checkpoint[name]));
    if (best !== null) tensors.push(tensorOf('best', best.adapter));
    const kept = best && { step: best.step, metric: best.metric, value: best.value };
    const bytes = writeSafetensors(tensors, {
      ...about,
      step: String(checkpoint.step),
      ...(kept === null ? {} : { best: JSON.stringify(kept) }),
    });
    await writeWhole(this.path('checkpoint.safetensors'), bytes);
  }

  /**
   * The saved state, or null when there is none.
   * @throws DataError `data/checkpoint` when it belongs to other settings; ModelError when the file is broken
   */
  async readCheckpoint(about: Readonly<Record<string, string>>): Promise<RunCheckpoint | null> {
    const name = 'checkpoint.safetensors';
    const bytes = await readFile(this.path(name)).catch(() => null);
    if (bytes === null) return null;
    const file = await parseSafetensors(name, new Uint8Array(bytes));
    for (const key of new Set([...Object.keys(about), ...file.metadata.keys()])) {
      if (key === 'step' || key === 'best' || file.metadata.get(key) === about[key]) continue;
      const message = `${this.path(name)} was made with other ${key}: start in a new folder, or restore the settings.`;
      throw new DataError('data/checkpoint', message, { key });
    }
    const step = Number(file.metadata.get('step'));
    const [adapter, m, v] = await Promise.all(
      PARTS.map(async (part) => toFloat32('F32', (await file.read(part)) as Uint8Array<ArrayBuffer>)),
    );
    if (!Number.isInteger(step) || !adapter || !m || !v)
      throw new DataError('data/checkpoint', `${this.path(name)} is not a checkpoint.`);
    const kept = file.metadata.get('best');
    if (kept === undefined) return { step, adapter, m, v, best: null };
    const best = toFloat32('F32', (await file.read('best')) as Uint8Array<ArrayBuffer>);
    return { step, adapter, m, v, best: { ...(JSON.parse(kept) as BestEvaluation), adapter: best } };
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

  /** Puts values into the line of a step, which is the last or comes new; the file is replaced whole. */
  async putLine(name: string, step: number, values: Readonly<Record<string, unknown>>): Promise<void> {
    const text = await readFile(this.path(name), 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line !== '');
    const last = JSON.parse(lines.at(-1) ?? '{}') as { readonly step?: number };
    const own = last.step === step ? last : { step };
    const kept = last.step === step ? lines.slice(0, -1) : lines;
    await writeWhole(this.path(name), [...kept, JSON.stringify({ ...own, ...values }), ''].join('\n'));
  }

  /** Steps of a metrics file with their values. */
  async readMetrics(name: string): Promise<LoggedStep[]> {
    const text = await readFile(this.path(name), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      if (line === '') return [];
      const { step, ...values } = JSON.parse(line) as { step: number } & Record<string, number>;
      return [{ step, values }];
    });
  }

  /** Appends one line. */
  async appendLine(name: string, line: string): Promise<void> {
    await writeFile(this.path(name), `${line}\n`, { flag: 'a' });
  }
}
