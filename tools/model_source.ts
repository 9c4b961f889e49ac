// Opens models for the command lines: a folder on disk, a built-in model by its id, or a model of the hub by its name.
// Only plain files inside the model's folder are opened.

import { open, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ModelError } from '../src/lib/errors';
import { hubReference } from '../src/lib/hub_reference';
import type { ByteSource } from '../src/model/safetensors';
import type { ModelFiles } from '../src/model/vision_language_model';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { type ListedModel, parseModelList } from '../src/services/answers/model_registry';
import { oneOf } from './command_line';
import { hubRepository } from './hub_cache';
import { repositoryRoot } from './node_gpu';

/** A file on disk, read in ranges; opened anew for each, so that nothing needs closing. */
function diskSource(path: string, name: string, size: number): ByteSource {
  return {
    name,
    size,
    read: async (begin, end) => {
      const handle = await open(path);
      try {
        const bytes = new Uint8Array(end - begin);
        let at = 0;
        while (at < bytes.length) {
          const { bytesRead } = await handle.read(bytes, at, bytes.length - at, begin + at);
          if (bytesRead === 0)
            throw new ModelError('model/files', `${name} ends at byte ${begin + at} of ${end}.`);
          at += bytesRead;
        }
        return bytes;
      } finally {
        await handle.close();
      }
    },
  };
}

/** The files of a folder on disk. */
export function folderFiles(folder: string, name: string): ModelFiles {
  return {
    name,
    open: async (file) => {
      if (!/^[\w][\w.-]*$/.test(file))
        throw new ModelError('model/files', `"${file}" is not a plain file name.`);
      const path = join(folder, file);
      const found = await stat(path).catch(() => undefined);
      return found?.isFile() ? diskSource(path, file, found.size) : null;
    },
  };
}

/** The precision that `--weights` asks for; undefined for the engine's own choice. @throws UsageError */
export function precisionOption(text: string | undefined): WeightPrecision | undefined {
  return text === undefined ? undefined : oneOf('weights', text, WEIGHT_PRECISIONS);
}

/** Nobody cancels. */
const NEVER = new AbortController().signal;

async function builtInModels(): Promise<ListedModel[]> {
  const text = await readFile(join(repositoryRoot(), 'public/models/models.json'), 'utf8');
  return parseModelList(JSON.parse(text));
}

/** A model that a command line was given. */
export interface FoundModel {
  readonly id: string;
  readonly folder: string;
  readonly files: ModelFiles;
  readonly builtIn: boolean;
  /** Names of the model's files where others lie in its folder, too; null where all of it is the model. */
  readonly names: readonly string[] | null;
}

/**
 * Finds a model: an id of the built-in list, else a folder relative to where the command was started, else
 * `organisation/name` of the hub, at `@revision` where one is given. Without `wanted` the first built-in model.
 *
 * @throws ModelError `model/unknown` listing the built-in ids; as `hubRepository` of hub_cache.ts
 */
export async function findModel(
  wanted: string | undefined,
  signal: AbortSignal = NEVER,
): Promise<FoundModel> {
  const models = await builtInModels();
  const entry = wanted === undefined ? models[0] : models.find(({ id }) => id === wanted);
  if (entry !== undefined) {
    const folder = join(repositoryRoot(), 'public', entry.folder);
    return { id: entry.id, folder, files: folderFiles(folder, entry.id), builtIn: true, names: null };
  }
  const named = wanted ?? '';
  const folder = resolve(named);
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) return { id: named, folder, files: folderFiles(folder, named), builtIn: false, names: null };
  const repository = hubReference(named);
  if (repository !== null) {
    const { id, folder, files: names } = await hubRepository('model', repository, signal);
    return { id, folder, files: folderFiles(folder, id), builtIn: false, names };
  }
  const known = models.map(({ id }) => id).join(', ');
  throw new ModelError(
    'model/unknown',
    `"${named}" is neither a folder, nor a built-in model (${known}), nor organisation/name of the hub.`,
  );
}
