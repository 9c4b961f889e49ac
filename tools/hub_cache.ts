// Brings models and adapters of the hub into a folder on disk for the command lines, by `organisation/name` or
// `organisation/name@revision`: with the client, the verification and the journal of the page, so that a download that was
// cut off goes on. What is there whole is used from then on without asking the hub.

import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HubAccess } from '../src/hub/hub_access';
import { platformClient } from '../src/hub/hub_client';
import { checkHubName } from '../src/hub/hub_listing';
import { StorageError } from '../src/lib/errors';
import { formatBytes } from '../src/lib/format';
import { DEFAULT_HUB } from '../src/lib/hub_address';
import type { HubReference } from '../src/lib/hub_reference';
import { adapterFilesOf } from '../src/services/answers/hub_adapters';
import { keepRepository, modelFilesOf } from '../src/services/answers/hub_models';
import { modelKey } from '../src/storage/model_store';
import {
  fillFolder,
  type ModelRecord,
  RECORD,
  type StoredModelWriter,
} from '../src/storage/model_store_folder';
import { log } from './command_line';
import { diskDirectory } from './disk_directory';

/** What is wanted of a repository. */
export type HubKind = 'model' | 'adapter';

/** A repository that lies on disk whole. */
export interface KeptRepository {
  readonly id: string;
  readonly commit: string;
  readonly folder: string;
  /** Names of the files that were fetched; what else lies in the folder is about the download. */
  readonly files: readonly string[];
}

const LOCK = 'lock';
const FILES_OF = { model: modelFilesOf, adapter: adapterFilesOf } as const;

/** Where downloads are kept: `LOOKBACK_CACHE`, else the user's folder for caches. */
export function cacheFolder(): string {
  const { LOOKBACK_CACHE: own, XDG_CACHE_HOME: caches } = process.env;
  return own || join(caches || join(homedir(), '.cache'), 'look-back');
}

/**
 * The hub's client. `LOOKBACK_HUB` names another address than Hugging Face's. A token is for one address: `HF_TOKEN` goes to
 * Hugging Face alone, `LOOKBACK_HUB_TOKEN` to the other.
 */
function hubAccess(): HubAccess {
  const { LOOKBACK_HUB: address, LOOKBACK_HUB_TOKEN: own, HF_TOKEN: token } = process.env;
  const access = new HubAccess(platformClient);
  access.use(address ? { address, token: own ?? null } : { address: DEFAULT_HUB, token: token ?? null });
  return access;
}

async function readRecord(folder: string): Promise<ModelRecord | null> {
  try {
    return JSON.parse(await readFile(join(folder, RECORD), 'utf8')) as ModelRecord;
  } catch {
    return null;
  }
}

/**
 * What is here whole of a repository at a branch, tag or commit; null where nothing is.
 * @throws StorageError `storage/model-damaged` naming a file that is not as long as it was
 */
async function findKept(root: string, id: string, revision: string): Promise<KeptRepository | null> {
  const names = await readdir(root).catch(() => []);
  let newest: { record: ModelRecord; folder: string } | null = null;
  for (const name of names.filter((one) => one.startsWith(modelKey(id, '')))) {
    const folder = join(root, name);
    const record = await readRecord(folder);
    if (record === null || (record.revision !== revision && record.commit !== revision)) continue;
    if (newest === null || record.storedAt > newest.record.storedAt) newest = { record, folder };
  }
  if (newest === null) return null;
  const { record, folder } = newest;
  for (const { name, bytes } of record.files) {
    const found = (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
    if (found === bytes) continue;
    const message = `${join(folder, name)} has ${found} bytes instead of ${bytes}: delete the folder, and it is fetched again.`;
    throw new StorageError('storage/model-damaged', message, { file: name, id });
  }
  return { id, commit: record.commit, folder, files: record.files.map(({ name }) => name) };
}

/** Whether a process is alive. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Takes a folder for this process until the result is called; one that a dead process left is taken over.
 * @throws StorageError `storage/model-busy` while another process fills it
 */
function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, LOCK);
  for (let tries = 0; ; tries++) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    if (tries > 0 || (pid > 0 && isAlive(pid))) {
      const message = `Process ${pid} is fetching into ${folder}: wait until it has finished.`;
      throw new StorageError('storage/model-busy', message, { folder });
    }
    rmSync(path, { force: true });
  }
}

async function writeTo(folder: string): Promise<StoredModelWriter> {
  const release = lockFolder(folder);
  try {
    return await fillFolder(diskDirectory(folder), release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Says how far a download is, at every whole percent of it. */
function progressLog(id: string): (loaded: number, total: number) => void {
  let said = -1;
  return (loaded, total) => {
    const percent = total === 0 ? 100 : Math.floor((100 * loaded) / total);
    if (percent === said) return;
    said = percent;
    log(`${id}: ${percent} % of ${formatBytes(total)}`);
  };
}

async function ensureDisk(folder: string, missing: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (missing <= free) return;
  const message = `${formatBytes(missing)} are still to be fetched; the disk of ${folder} has ${formatBytes(free)} free: make room, or set LOOKBACK_CACHE to a folder elsewhere.`;
  throw new StorageError('storage/full', message, { needed: missing, free });
}

/**
 * A repository of the hub on disk; what is not there is fetched, and what an earlier call was cut off from is gone on with.
 * @param pieceBytes of a download; tests use small ones
 * @throws ModelError of the hub's client, `model/files`, `model/adapter`, `model/integrity`; StorageError; the signal's
 *   reason when aborted, after which what was fetched stays
 */
export async function hubRepository(
  kind: HubKind,
  { id, revision: wanted }: HubReference,
  signal: AbortSignal,
  pieceBytes?: number,
): Promise<KeptRepository> {
  const revision = wanted ?? 'main';
  checkHubName(id, revision);
  const root = join(cacheFolder(), `${kind}s`);
  const kept = await findKept(root, id, revision);
  if (kept !== null) return kept;
  const access = hubAccess();
  log(`${id} is not here: fetching it into ${root}`);
  const parts = {
    client: () => access.client,
    store: { write: (key: string) => writeTo(join(root, key)) },
    date: () => Date.now(),
    reserve: (missing: number) => ensureDisk(root, missing),
    ...(pieceBytes === undefined ? {} : { pieceBytes }),
  };
  await keepRepository(parts, { id, revision }, FILES_OF[kind], { signal, onProgress: progressLog(id) });
  const found = await findKept(root, id, revision);
  if (found === null) throw new StorageError('storage/failed', `${id} was fetched and is not in ${root}.`);
  return found;
}
