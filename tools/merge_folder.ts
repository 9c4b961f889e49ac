// Merges an adapter into the weights of a Hugging Face model folder; everything else is copied as it is. The folder
// is built aside and renamed when it is whole, so that --out is absent, the old one, or the new one.

import { chmod, cp, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { ArgumentError } from '../src/lib/errors';
import { openCheckpoint } from '../src/model/checkpoint';
import { parseModelConfig } from '../src/model/config';
import { mergeLora } from '../src/model/lora_merge';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../src/model/peft';
import { readModelJson } from '../src/model/vision_language_model';
import { readAdapter, warnOfPrecision } from './adapter_folder';
import { folderFiles } from './model_source';

/** What to merge, and where to. */
export interface MergeCall {
  readonly model: string;
  /** Files of the model where others lie in its folder, too; null to copy all. */
  readonly names: readonly string[] | null;
  readonly adapter: string;
  readonly out: string;
  /** Factor of the update; 1 is the adapter as trained. */
  readonly strength: number;
  /** Replaces a folder that exists. */
  readonly force: boolean;
}

/** Left out of the copy: an adapter would be applied once more, and weights of another format would be stale. */
function isCopied(name: string): boolean {
  const adapter = [ADAPTER_CONFIG, ADAPTER_WEIGHTS].includes(name);
  return !adapter && name !== '.git' && !/^pytorch_model.*\.bin(\.index\.json)?$/.test(name);
}

function overlap(a: string, b: string): boolean {
  const inside = (path: string): boolean => path === '' || (path !== '..' && !path.startsWith(`..${sep}`));
  return inside(relative(a, b)) || inside(relative(b, a));
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function checkOut({ model, adapter, out, force }: MergeCall): Promise<void> {
  for (const [name, path] of Object.entries({ model, adapter })) {
    if (overlap(resolve(path), resolve(out)))
      throw new ArgumentError(`--out ${out} and the ${name}'s folder overlap: choose another folder.`);
  }
  if (!force && (await exists(out)))
    throw new ArgumentError(
      `--out ${out} exists already: choose another folder, or replace it with --force.`,
    );
}

async function writeAt(path: string, begin: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+');
  try {
    for (let at = 0; at < bytes.length; )
      at += (await file.write(bytes, at, bytes.length - at, begin + at)).bytesWritten;
  } finally {
    await file.close();
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts a finished folder in place of what is there. */
async function moveInto(draft: string, out: string): Promise<void> {
  const old = `${draft}.old`;
  const replaced = await exists(out);
  if (replaced) await rename(out, old);
  await rename(draft, out);
  if (replaced) await rm(old, { recursive: true });
}

/**
 * Writes the merged folder; one matrix at a time is in memory. Returns the number of matrices that changed.
 * @throws ArgumentError when --out exists or overlaps the others; ModelError when folder and adapter do not fit
 */
export async function mergeFolder(
  call: MergeCall,
  onMatrix: (name: string) => void = () => {},
  signal?: AbortSignal,
): Promise<number> {
  await checkOut(call);
  const files = folderFiles(call.model, basename(call.model));
  const config = parseModelConfig(await readModelJson(files, 'config.json'));
  const checkpoint = await openCheckpoint(files);
  const adapter = await readAdapter(call.adapter, config, signal);
  warnOfPrecision(adapter, 'stored');
  const [source, out] = [resolve(call.model), resolve(call.out)];
  const draft = `${out}.part-${process.pid}`;
  const changed = new Set<string>();
  let merged = 0;
  try {
    // Weights in a cache of downloads are links.
    const { names } = call;
    const filter = (path: string): boolean =>
      isCopied(basename(path)) && (names === null || path === source || names.includes(basename(path)));
    await cp(source, draft, { recursive: true, dereference: true, filter });
    for await (const { name, file, entry, bytes } of mergeLora(checkpoint, config, adapter, call.strength)) {
      signal?.throwIfAborted();
      const path = join(draft, file);
      if (!changed.has(path)) await chmod(path, 0o644);
      changed.add(path);
      // Name, type and shape stay, and so do the header and every place in the file.
      await writeAt(path, entry.begin, bytes);
      merged++;
      onMatrix(name);
    }
    for (const path of changed) await flush(path);
    await moveInto(draft, out);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return merged;
}
