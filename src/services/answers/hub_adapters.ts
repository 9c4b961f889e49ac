// Brings an adapter of the hub here by `organisation/name`: its two files, with the retries, faults and verification of
// models, into memory. Nothing else of its repository is fetched, and nothing is kept here.

import type { HubClient } from '../../hub/hub_client';
import { downloadFiles } from '../../hub/hub_download';
import type { HubFile, HubListing } from '../../hub/hub_listing';
import { ModelError } from '../../lib/errors';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../model/peft';
import { ADAPTER_LIMITS, type AdapterFile, checkAdapterSize } from '../../storage/adapter_archive';
import type { DownloadWatch } from './hub_models';

/** An adapter's files with where they came from. */
export interface FetchedAdapter {
  readonly files: readonly AdapterFile[];
  readonly commit: string;
}

/**
 * The two files of an adapter in a listing.
 * @throws ModelError `model/adapter` for a repository that is no adapter; StorageError `storage/archive` for too large a file
 */
export function adapterFilesOf({ id, files }: HubListing): HubFile[] {
  const limits = {
    [ADAPTER_CONFIG]: ADAPTER_LIMITS.maxConfigBytes,
    [ADAPTER_WEIGHTS]: ADAPTER_LIMITS.maxWeightsBytes,
  };
  return Object.entries(limits).map(([name, limit]) => {
    const file = files.find((one) => one.name === name);
    if (file === undefined) {
      const message = `${id} is no adapter: it has no ${name}. Adapters are read as PEFT writes them, with weights in safetensors.`;
      throw new ModelError('model/adapter', message, { id, file: name });
    }
    checkAdapterSize(`${id}/${name}`, file.bytes, limit);
    return file;
  });
}

/**
 * Fetches an adapter at a branch, tag or commit.
 * @throws ModelError of the hub's client, `model/adapter` for a repository that is no adapter, `model/integrity`;
 *   StorageError `storage/archive` for too large a file, before any is fetched; the signal's reason when aborted
 */
export async function fetchAdapter(
  client: HubClient,
  id: string,
  revision: string,
  { signal, onProgress }: DownloadWatch,
): Promise<FetchedAdapter> {
  const listing = await client.listing(id, revision, signal);
  const names = adapterFilesOf(listing).map(({ name }) => name);
  const held = new Map<string, Uint8Array<ArrayBuffer>>();
  const target = {
    isFinished: () => false,
    file: async (name: string, size: number) => {
      const bytes = new Uint8Array(size);
      held.set(name, bytes);
      return {
        kept: null,
        write: async (at: number, piece: Uint8Array<ArrayBuffer>) => bytes.set(piece, at),
        discard: async () => {},
        finish: async () => {},
        close: async () => {},
      };
    },
  };
  await downloadFiles(client, listing, names, target, {
    signal,
    onProgress: ({ loaded, total }) => onProgress(loaded, total),
  });
  const files = [...held].map(([name, bytes]) => ({
    path: `${id.split('/')[1]}/${name}`,
    blob: new Blob([bytes]),
  }));
  return { files, commit: listing.commit };
}
