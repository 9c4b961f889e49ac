// Makes a loaded model for tests of the library: the tiny checkpoint's own config with a made-up fingerprint, without
// a device. Adapters are checked against the real shapes of that config.

import { StorageError } from '../../../src/lib/errors';
import { parseModelConfig } from '../../../src/model/config';
import type { ModelSpec } from '../../../src/model/spec';
import type { Loaded } from '../../../src/services/answers/engine';
import type { AdapterLibraryParts } from '../../../src/services/library/adapter_library';
import type { StoredAdapter } from '../../../src/storage/adapter_store';
import { loadFixture, loadFixtureJson } from '../../harness/fixture';

/** Fingerprint of the loaded model. */
export const PRINT = 'ab'.repeat(32);

/** The tiny model as if it were loaded. */
export async function tinyLoaded(): Promise<Loaded & { config: ModelSpec }> {
  const config = parseModelConfig(await loadFixtureJson('tiny-qwen2_5_vl/config.json'));
  const entry = { id: 'tiny', label: 'Tiny' };
  return { entry, gpu: {}, files: {}, model: { model: { config } }, config } as unknown as Loaded & {
    config: ModelSpec;
  };
}

/** PEFT's own adapter for the tiny model. */
export async function peftPair() {
  const folder = 'tiny-qwen2_5_vl/adapter';
  return {
    config: await loadFixture(`${folder}/adapter_config.json`),
    weights: await loadFixture(`${folder}/adapter_model.safetensors`),
  };
}

/** Stored adapters in a Map. */
export function memoryAdapters(): AdapterLibraryParts['adapters'] {
  const held = new Map<string, StoredAdapter>();
  const of = (id: string): StoredAdapter => {
    const found = held.get(id);
    if (!found)
      throw new StorageError('storage/missing', 'This adapter is not stored here any more.', { id });
    return found;
  };
  return {
    list: async () => [...held.values()].map(({ record }) => record).reverse(),
    get: async (id) => of(id),
    put: async (adapter, weights) => {
      const record = { ...adapter, bundled: false as const, bytes: weights.byteLength };
      held.set(adapter.id, { record, weights });
      return record;
    },
    rename: async (id, change) => {
      const { record, weights } = of(id);
      held.set(id, { record: { ...record, ...change }, weights });
      return of(id).record;
    },
    delete: async (id) => {
      const bytes = held.get(id)?.record.bytes ?? 0;
      held.delete(id);
      return bytes;
    },
  };
}
