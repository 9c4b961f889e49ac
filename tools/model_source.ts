// Opens model folders for the command lines: a folder on disk, or a built-in model by its id. Only plain files inside
// the named folder are opened.

import { open, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ModelError } from '../src/lib/errors';
import type { ByteSource } from '../src/model/safetensors';
import type { ModelFiles } from '../src/model/vision_language_model';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { type ListedModel, parseModelList } from '../src/services/answers/model_registry';
import { oneOf } from './command_line';
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

async function builtInModels(): Promise<ListedModel[]> {
  const text = await readFile(join(repositoryRoot(), 'public/models/models.json'), 'utf8');
  return parseModelList(JSON.parse(text));
}

/**
 * Finds a model: an id of the built-in list, else a folder relative to where the command was started.
 * Without `wanted` the first built-in model.
 *
 * @throws ModelError `model/unknown` listing the built-in ids
 */
export async function findModel(
  wanted: string | undefined,
): Promise<{ id: string; folder: string; files: ModelFiles; builtIn: boolean }> {
  const models = await builtInModels();
  const entry = wanted === undefined ? models[0] : models.find(({ id }) => id === wanted);
  if (entry !== undefined) {
    const folder = join(repositoryRoot(), 'public', entry.folder);
    return { id: entry.id, folder, files: folderFiles(folder, entry.id), builtIn: true };
  }
  const named = wanted ?? '';
  const folder = resolve(named);
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) return { id: named, folder, files: folderFiles(folder, named), builtIn: false };
  const known = models.map(({ id }) => id).join(', ');
  throw new ModelError('model/unknown', `"${named}" is neither a folder nor a built-in model (${known}).`);
}
