// Downloads models of a hub into the origin private file system and loads their weights, by the product's own code. Tiny
// models are loaded on a device that only counts, large ones on the real one; what is written is hashed.

import { expose } from 'comlink';
import { countingGpu } from '../../../src/gpu/counting_gpu';
import { acquireDevice, type GpuContext } from '../../../src/gpu/device';
import { HubClient, platformClient } from '../../../src/hub/hub_client';
import { LookBackError } from '../../../src/lib/errors';
import { HubModels } from '../../../src/services/answers/hub_models';
import { ModelStore, modelKey } from '../../../src/storage/model_store';
import { LEAST_TRAITS } from '../../harness/device_traits';
import { writtenWeights } from './written_weights';

/** Several pieces of a tiny file. */
const QUICK_PIECE_BYTES = 1 << 17;
/** Waits pass so much faster, in their proportions. */
const QUICKER = 100;
/** Longer than a busy machine takes to answer, mostly; the product waits for 30 s. */
const QUICK_STALL_MS = 1500;
const store = new ModelStore();
let models: HubModels;
let loaded = 0;
let pausing = new AbortController();

function quickClient(endpoint: URL): HubClient {
  return new HubClient({
    endpoint,
    fetch: (url, init) => fetch(url, init),
    sleep: async (delayMs, signal) => {
      await new Promise((resolve) => setTimeout(resolve, delayMs / QUICKER));
      signal.throwIfAborted();
    },
    random: Math.random,
    stallMs: QUICK_STALL_MS,
  });
}

const commands = {
  async begin(address: string, quick: boolean): Promise<void> {
    const client = quick ? quickClient(new URL(address)) : platformClient(new URL(address));
    const pieces = quick ? { pieceBytes: QUICK_PIECE_BYTES } : {};
    models = new HubModels({ client: () => client, store, date: () => Date.now(), ...pieces });
  },
  /** The code of what went wrong, or `paused`; null when the model is here. */
  async download(id: string): Promise<string | null> {
    pausing = new AbortController();
    const { signal } = pausing;
    const onProgress = (bytes: number): void => {
      loaded = bytes;
    };
    try {
      await models.download(id, 'main', { signal, onProgress });
      return null;
    } catch (error) {
      if (signal.aborted) return 'paused';
      return error instanceof LookBackError ? error.code : `unexpected: ${String(error)}`;
    }
  },
  pause: (): void => pausing.abort(),
  progress: () => loaded,
  /** Digest of everything that is written to a device: the real one or one that only counts. */
  async load(id: string, real: boolean): Promise<string> {
    const { files } = await models.open(id);
    const gpu = real ? await acquireDevice() : countingGpu({ traits: LEAST_TRAITS } as GpuContext).gpu;
    try {
      return await writtenWeights(files, gpu);
    } finally {
      files.close?.();
      if (real) gpu.destroy();
    }
  },
  /** Deletes a model, or the parts of one. */
  async clear(name: string): Promise<void> {
    for (const { id, commit } of [...(await store.list()), ...(await store.listParts())]) {
      if (id === name) await store.delete(modelKey(id, commit));
    }
  },
};

/** What the page may ask of the Worker. */
export type HubSoakCommands = typeof commands;

expose(commands);
