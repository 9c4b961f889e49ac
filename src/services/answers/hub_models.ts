// Brings models of the hub onto this device and opens them from there by name. Weights are read from the file system in
// ranges whenever they are wanted, also after a lost device; nothing of them stays in memory.

import { filePieces } from '../../hub/file_pieces';
import { HubAccess } from '../../hub/hub_access';
import { type HubClient, platformClient } from '../../hub/hub_client';
import { downloadFiles } from '../../hub/hub_download';
import type { HubFile, HubListing } from '../../hub/hub_listing';
import { ModelError, StorageError } from '../../lib/errors';
import { blobSource } from '../../model/safetensors';
import type { ModelFiles } from '../../model/vision_language_model';
import { type ModelStore, modelKey } from '../../storage/model_store';
import type { ModelRecord } from '../../storage/model_store_folder';
import { ensureRoom } from '../../storage/quota';
import { askToPersist } from '../../storage/usage';
import { type FetchedAdapter, fetchAdapter } from './hub_adapters';
import type { ListedModel } from './model_registry';

/** What downloads and opens models of the hub. */
export interface HubModelParts {
  /** The client of the hub in use. */
  client(): HubClient;
  readonly store: Pick<ModelStore, 'list' | 'listParts' | 'open' | 'write' | 'delete'>;
  /** Milliseconds since 1970. */
  readonly date: () => number;
  /** Bytes of a piece; tests use small ones. */
  readonly pieceBytes?: number;
}

/** How a download is watched and ended. */
export interface DownloadWatch {
  readonly signal: AbortSignal;
  /** Bytes that are kept, of all files together. */
  onProgress(loaded: number, total: number): void;
}

/** Files of a repository that loading may read; what else lies there (code, other formats, pictures) is left. */
const WANTED =
  /^(?:config|generation_config|preprocessor_config|processor_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|chat_template|vocab|lookback)\.json$|^(?:merges\.txt|chat_template\.jinja)$|^model(?:-\d{5}-of-\d{5})?\.safetensors$|^model\.safetensors\.index\.json$/;

/** Files above are not read before they are downloaded. */
const MAX_SMALL_BYTES = 1 << 20;

/**
 * Files of a listing that a model is made of.
 * @throws ModelError `model/files` when it holds no weights in safetensors
 */
export function modelFilesOf(listing: HubListing): HubFile[] {
  const wanted = listing.files.filter(({ name }) => WANTED.test(name));
  if (wanted.some(({ name }) => name.endsWith('.safetensors'))) return wanted;
  const message = `${listing.id} holds no weights in safetensors: choose a repository that does.`;
  throw new ModelError('model/files', message, { id: listing.id });
}

/** Models of a hub, by names of the form `organisation/name`. */
export class HubModels {
  readonly #parts: HubModelParts;

  constructor(parts: HubModelParts) {
    this.#parts = parts;
  }

  /** The newest copy of each model that is here whole. */
  async list(): Promise<ListedModel[]> {
    const newest = new Map<string, ModelRecord>();
    for (const record of await this.#parts.store.list()) {
      if (!newest.has(record.id)) newest.set(record.id, record);
    }
    return [...newest.values()].map(entryOf);
  }

  /**
   * Opens the newest copy that is here whole; nothing is asked of the hub.
   * @throws ModelError `model/not-here`; StorageError `storage/model-damaged`, after which the copy is gone
   */
  async open(id: string): Promise<{ entry: ListedModel; files: ModelFiles }> {
    const kept = (await this.#parts.store.list()).find((record) => record.id === id);
    const opened = kept === undefined ? null : await this.#openKept(kept);
    if (opened === null) {
      throw new ModelError('model/not-here', `${id} is not on this device: download it first.`, { id });
    }
    const { files, record, close } = opened;
    const open: ModelFiles['open'] = async (name) => {
      const file = files.get(name);
      return file === undefined ? null : blobSource(name, file);
    };
    const digests = new Map(record.files.map(({ name, sha256 }) => [name, sha256] as const));
    const digest = (name: string): string | null => digests.get(name) ?? null;
    return { entry: entryOf(record), files: { name: id, open, digest, close } };
  }

  async #openKept(record: ModelRecord): ReturnType<ModelStore['open']> {
    const key = modelKey(record.id, record.commit);
    try {
      return await this.#parts.store.open(key);
    } catch (error) {
      // What is damaged would be found so again and again.
      if (error instanceof StorageError && error.code === 'storage/model-damaged') {
        await this.#parts.store.delete(key);
      }
      throw error;
    }
  }

  /**
   * A model's small files, without its weights, and what is still to be downloaded of it; the caller closes the files.
   * @throws as {@link download}
   */
  async describe(
    id: string,
    revision: string,
    signal: AbortSignal,
  ): Promise<{ readonly files: ModelFiles; readonly downloadBytes: number }> {
    if ((await this.#kept(id, revision)) !== undefined) {
      return { files: (await this.open(id)).files, downloadBytes: 0 };
    }
    const client = this.#parts.client();
    const listing = await client.listing(id, revision, signal);
    const wanted = modelFilesOf(listing);
    const part = (await this.#parts.store.listParts()).find(
      (one) => one.id === id && one.commit === listing.commit,
    );
    const bytes = wanted.reduce((sum, file) => sum + file.bytes, 0);
    const open: ModelFiles['open'] = async (name) => {
      const file = wanted.find((one) => one.name === name && one.bytes <= MAX_SMALL_BYTES);
      if (file === undefined) return null;
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      for await (const piece of filePieces(client, listing, file, 0, { signal })) pieces.push(piece);
      return blobSource(name, new Blob(pieces));
    };
    return { files: { name: id, open }, downloadBytes: Math.max(0, bytes - (part?.bytes ?? 0)) };
  }

  async #kept(id: string, revision: string): Promise<ModelRecord | undefined> {
    return (await this.#parts.store.list()).find(
      (record) => record.id === id && (record.revision === revision || record.commit === revision),
    );
  }

  /**
   * Brings a model at a branch, tag or commit onto this device, unless it is there; a download that was cut off goes on
   * where it was.
   * @throws ModelError of the hub's client, `model/files`; StorageError, `storage/full` before weights are fetched; the
   * signal's reason when aborted
   */
  async download(id: string, revision: string, watch: DownloadWatch): Promise<void> {
    if ((await this.#kept(id, revision)) !== undefined) return;
    const reserve = async (missing: number): Promise<void> => {
      await ensureRoom(missing, `the model ${id}`);
      await askToPersist();
    };
    await keepRepository({ ...this.#parts, reserve }, { id, revision }, modelFilesOf, watch);
  }
}

/** What {@link keepRepository} works with. */
export interface KeepParts extends Pick<HubModelParts, 'client' | 'date' | 'pieceBytes'> {
  readonly store: Pick<ModelStore, 'write'>;
  /** Makes sure of so many bytes before they are fetched, or throws. */
  reserve(missing: number): Promise<void>;
}

/**
 * Brings files of a repository at a branch, tag or commit into a store, verified; what an earlier try left is gone on with.
 * @param filesOf which of the listed files are wanted, or an error for a repository of another kind
 * @throws ModelError of the hub's client; what `reserve`, `filesOf` and the store throw; the signal's reason when aborted
 */
export async function keepRepository(
  { client: clientOf, store, date, pieceBytes, reserve }: KeepParts,
  { id, revision }: { readonly id: string; readonly revision: string },
  filesOf: (listing: HubListing) => readonly HubFile[],
  watch: DownloadWatch,
): Promise<void> {
  const client = clientOf();
  const listing = await client.listing(id, revision, watch.signal);
  const files = filesOf(listing);
  const { commit } = listing;
  const writer = await store.write(modelKey(id, commit));
  try {
    let missing = 0;
    for (const { name, bytes } of files) missing += bytes - (await writer.keptBytes(name));
    await reserve(missing);
    const names = files.map(({ name }) => name);
    await downloadFiles(client, listing, names, writer, {
      signal: watch.signal,
      onProgress: ({ loaded, total }) => watch.onProgress(loaded, total),
      ...(pieceBytes === undefined ? {} : { pieceBytes }),
    });
    const kept = files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
    await writer.commit({ id, revision, commit, storedAt: date(), files: kept });
  } finally {
    writer.release();
  }
}

function entryOf({ id, files }: ModelRecord): ListedModel {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const listed = files.map(({ name, bytes }) => ({ name, bytes }));
  return { id, label: id, folder: '', bytes, files: listed };
}

/** The hub in use, and the models and adapters that come from it. */
export function createHub(
  store: HubModelParts['store'],
  date: HubModelParts['date'],
): {
  readonly access: HubAccess;
  readonly models: HubModels;
  readonly fetchAdapter: (id: string, revision: string, watch: DownloadWatch) => Promise<FetchedAdapter>;
} {
  const access = new HubAccess(platformClient);
  return {
    access,
    models: new HubModels({ client: () => access.client, store, date }),
    fetchAdapter: (id, revision, watch) => fetchAdapter(access.client, id, revision, watch),
  };
}
