// Reads and writes adapter folders as PEFT has them: adapter_config.json and adapter_model.safetensors. A folder is
// read whole and checked against the model before anything uses it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../src/lib/errors';
import type { ModelConfig } from '../src/model/config';
import { type LoraConfig, type LoraWeights, parseLoraConfig, readLoraWeights } from '../src/model/lora';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, writeAdapterConfig, writeAdapterWeights } from '../src/model/peft';
import { parseSafetensors } from '../src/model/safetensors';
import { writeWhole } from './train_files';

/** An adapter read from disk. */
export interface AdapterFolder {
  readonly config: LoraConfig;
  readonly weights: readonly LoraWeights[];
}

async function readPart(folder: string, name: string): Promise<Buffer> {
  return readFile(join(folder, name)).catch((error: Error) => {
    throw new ModelError(
      'model/adapter',
      `${folder}: ${name} cannot be read: ${error.message}`,
      { name },
      error,
    );
  });
}

/** Reads an adapter for a model. Throws ModelError `model/adapter` naming the file, key or tensor. */
export async function readAdapter(folder: string, model: ModelConfig): Promise<AdapterFolder> {
  let json: unknown;
  try {
    json = JSON.parse((await readPart(folder, ADAPTER_CONFIG)).toString('utf8'));
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError('model/adapter', `${folder}/${ADAPTER_CONFIG} is not JSON.`, {}, error);
  }
  const config = parseLoraConfig(json);
  const file = await parseSafetensors(
    ADAPTER_WEIGHTS,
    new Uint8Array(await readPart(folder, ADAPTER_WEIGHTS)),
  );
  return { config, weights: await readLoraWeights(file, config, model) };
}

/** Writes an adapter of a base model, named as PEFT should find it. */
export async function writeAdapter(
  folder: string,
  { config, weights }: AdapterFolder,
  about: { readonly loraDropout: number; readonly baseModel: string },
): Promise<void> {
  const text = writeAdapterConfig({ ...config, ...about });
  await writeWhole(join(folder, ADAPTER_WEIGHTS), writeAdapterWeights(weights, config.r));
  await writeWhole(join(folder, ADAPTER_CONFIG), text);
}
