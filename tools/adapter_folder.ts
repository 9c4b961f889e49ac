// Reads adapters from disk, a folder as PEFT writes it or the zip that the page exports, and writes folders. An adapter is
// read whole and checked against its model before anything uses it, by the reader of the page (src/model/adapter_pair.ts).

import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ModelError } from '../src/lib/errors';
import { hubReference } from '../src/lib/hub_reference';
import { BASE_KEY, readAdapterPair } from '../src/model/adapter_pair';
import { PRECISION_KEY, precisionCaution } from '../src/model/base_precision';
import type { LoraConfig, LoraWeights } from '../src/model/lora';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, writeAdapterConfig, writeAdapterWeights } from '../src/model/peft';
import type { ModelSpec } from '../src/model/spec';
import type { WeightPrecision } from '../src/model/weight_layout';
import { type AdapterFile, readAdapterFiles } from '../src/storage/adapter_archive';
import { log } from './command_line';
import { hubRepository } from './hub_cache';
import { regularFileSize } from './regular_file';
import { writeWhole } from './train_files';

/** An adapter read from disk. */
export interface AdapterFolder {
  readonly config: LoraConfig;
  readonly weights: readonly LoraWeights[];
  /** How the weights of its base were kept when it was trained; null where it does not say. */
  readonly precision: WeightPrecision | null;
}

/** The files of a folder as the page would be handed them, or a zip; what lies in folders of it is not looked at. */
async function filesAt(path: string, signal: AbortSignal): Promise<AdapterFile[]> {
  const found = await stat(path).catch(() => null);
  const repository = found === null ? hubReference(path) : null;
  if (repository !== null) {
    const { id, folder, files } = await hubRepository('adapter', repository, signal);
    return Promise.all(
      files.map(async (name) => ({
        path: join(basename(id), name),
        blob: await openAsBlob(join(folder, name)),
      })),
    );
  }
  if (found?.isDirectory() !== true) {
    await regularFileSize(path);
    return [{ path: basename(path), blob: await openAsBlob(path) }];
  }
  const files: AdapterFile[] = [];
  for (const name of await readdir(path)) {
    const file = join(path, name);
    // A pipe of that name is refused by name; other things that are no regular files are passed over.
    if (name === ADAPTER_CONFIG || name === ADAPTER_WEIGHTS) await regularFileSize(file);
    const isFile = (await stat(file).catch(() => null))?.isFile() === true;
    if (isFile) files.push({ path: join(basename(path), name), blob: await openAsBlob(file) });
  }
  return files;
}

/**
 * Reads an adapter for a model.
 * @param path a PEFT folder, a zip of one, or `organisation/name` of the hub, at `@revision` where one is given
 * @throws ModelError `model/adapter` naming the file, key or tensor; StorageError `storage/archive` for another folder or zip;
 *   DataError `data/file` for what is neither folder nor file; as `hubRepository` of hub_cache.ts
 */
export async function readAdapter(
  path: string,
  model: ModelSpec,
  signal: AbortSignal = new AbortController().signal,
): Promise<AdapterFolder> {
  try {
    const { config, weights, precision } = await readAdapterPair(
      await readAdapterFiles(await filesAt(path, signal), path),
      model,
    );
    return { config, weights, precision };
  } catch (error) {
    if (!(error instanceof ModelError) || error.message.startsWith(path)) throw error;
    throw new ModelError('model/adapter', `${path}: ${error.message}`, error.data, error);
  }
}

/** Says on the terminal when an adapter is used over weights of another precision than it was trained over. */
export function warnOfPrecision(
  { precision }: Pick<AdapterFolder, 'precision'>,
  used: WeightPrecision,
): void {
  const caution = precisionCaution(precision, used);
  if (caution !== null) log(`Warning: ${caution}`);
}

/** Writes an adapter of a base model, named as PEFT should find it. */
export async function writeAdapter(
  folder: string,
  { config, weights, precision }: AdapterFolder,
  about: { readonly loraDropout: number; readonly baseModel: string; readonly fingerprint: string },
): Promise<void> {
  const modules = weights.map(({ module }) => module);
  const json = JSON.parse(writeAdapterConfig({ ...config, ...about }, modules)) as object;
  const base = {
    [BASE_KEY]: about.fingerprint,
    ...(precision === null ? {} : { [PRECISION_KEY]: precision }),
  };
  const text = JSON.stringify({ ...json, ...base }, null, 2);
  await writeWhole(join(folder, ADAPTER_WEIGHTS), writeAdapterWeights(weights, config));
  await writeWhole(join(folder, ADAPTER_CONFIG), text);
}
