// Opens models of the hub by name: from what is kept on this device, or by downloading into it first. Weights are read
// from there in ranges whenever they are wanted, also after a lost device; nothing of them stays in memory.

import { type HubClient, platformClient } from '../../hub/hub_client';
import { downloadFiles } from '../../hub/hub_download';
import type { HubListing } from '../../hub/hub_listing';
import { ModelError, StorageError } from '../../lib/errors';
import { blobSource } from '../../model/safetensors';
import type { ModelFiles } from '../../model/vision_language_model';
import { type ModelRecord, ModelStore, modelKey } from '../../storage/model_store';
import { ensureRoom } from '../../storage/quota';
import { askToPersist } from '../../storage/usage';
import type { DownloadProgress, ListedModel } from './model_registry';

/** What opens models of the hub. */
export interface HubModelParts {
  readonly client: HubClient;
  readonly store: Pick<ModelStore, 'list' | 'open' | 'write' | 'delete'>;
  /** Milliseconds since 1970. */
  readonly date: () => number;
}

/** Files of a repository that loading may read; what else lies there (code, other formats, pictures) is left. */
const WANTED =
  /^(?:config|generation_config|preprocessor_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|chat_template|vocab|lookback)\.json$|^(?:merges\.txt|chat_template\.jinja)$|^model(?:-\d{5}-of-\d{5})?\.safetensors$|^model\.safetensors\.index\.json$/;

/** Models of a hub, by names of the form `organisation/name`. */
export class HubModels {
  readonly #parts: HubModelParts;

  constructor(parts: HubModelParts) {
    this.#parts = parts;
  }

  /**
   * Opens a model: the newest copy that is here whole, also offline, or else what `main` points to, downloaded first. A
   * download that was cut off goes on where it was.
   * @throws ModelError of the hub's client, `model/files` when the repository holds no weights in safetensors; StorageError,
   * `storage/full` before anything is fetched;
   * the signal's reason when aborted
   */
  async open(
    id: string,
    onProgress: DownloadProgress,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<{ entry: ListedModel; files: ModelFiles }> {
    const { store, client } = this.#parts;
    const kept = (await store.list()).find((record) => record.id === id);
    let opened = kept === undefined ? null : await this.#openKept(kept);
    if (opened === null) {
      const listing = await client.listing(id, 'main', signal);
      opened = await this.#openKept(await this.#download(listing, onProgress, signal));
    }
    if (opened === null)
      throw new ModelError('model/files', `${id} was deleted while it was opened.`, { id });
    const { files, record } = opened;
    const open: ModelFiles['open'] = async (name) => {
      const file = files.get(name);
      return file === undefined ? null : blobSource(name, file);
    };
    const digests = new Map(record.files.map(({ name, sha256 }) => [name, sha256] as const));
    return { entry: entryOf(record), files: { name: id, open, digest: (name) => digests.get(name) ?? null } };
  }

  /** Null where the copy has gone, or is damaged and was deleted. */
  async #openKept(record: ModelRecord): ReturnType<ModelStore['open']> {
    const key = modelKey(record.id, record.commit);
    try {
      return await this.#parts.store.open(key);
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'storage/model-damaged') throw error;
      await this.#parts.store.delete(key);
      return null;
    }
  }

  async #download(
    listing: HubListing,
    onProgress: DownloadProgress,
    signal: AbortSignal,
  ): Promise<ModelRecord> {
    const wanted = listing.files.filter(({ name }) => WANTED.test(name));
    if (!wanted.some(({ name }) => name.endsWith('.safetensors'))) {
      const message = `${listing.id} holds no weights in safetensors: choose a repository that does.`;
      throw new ModelError('model/files', message, { id: listing.id });
    }
    const writer = await this.#parts.store.write(modelKey(listing.id, listing.commit));
    try {
      const missing = wanted.filter(({ name }) => !writer.isFinished(name));
      await ensureRoom(
        missing.reduce((sum, { bytes }) => sum + bytes, 0),
        `the model ${listing.id}`,
      );
      await askToPersist();
      const names = wanted.map(({ name }) => name);
      const report = ({ loaded, total }: { loaded: number; total: number }): void =>
        onProgress(loaded, total);
      await downloadFiles(this.#parts.client, listing, names, writer, { signal, onProgress: report });
      const { id, commit } = listing;
      const files = wanted.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
      const record = { id, commit, storedAt: this.#parts.date(), files };
      await writer.commit(record);
      return record;
    } finally {
      writer.release();
    }
  }
}

function entryOf({ id, files }: ModelRecord): ListedModel {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const listed = files.map(({ name, bytes }) => ({ name, bytes }));
  return { id, label: id, folder: '', bytes, files: listed };
}

/** The models of a hub, kept in this origin's file system. */
export function openHub(endpoint: URL): HubModels {
  return new HubModels({
    client: platformClient(endpoint),
    store: new ModelStore(),
    date: () => Date.now(),
  });
}
