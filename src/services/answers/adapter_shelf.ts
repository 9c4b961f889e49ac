// Keeps on the device the adapters that answers asked for last, so that comparing two needs no upload per question.
// An adapter that was handed out stays valid until another one is asked for.

import type { GpuContext } from '../../gpu/device';
import type { AdapterStart } from '../../lookback/training';
import type { LoraAdapter } from '../../model/lora';
import type { AdapterLibrary } from '../library/adapter_library';
import type { Loaded, ModelUser } from './engine';

/** What the shelf needs. */
export interface AdapterShelfParts {
  readonly library: Pick<AdapterLibrary, 'has' | 'startOf'>;
  /** Uploads an adapter that is not to be trained. */
  createAdapter(loaded: Loaded, start: AdapterStart): LoraAdapter;
}

interface Shelved {
  readonly id: string;
  readonly gpu: GpuContext;
  readonly adapter: LoraAdapter;
}

/** Comparing two adapters needs both on the device. */
const KEPT = 2;

/** The adapters on the device of the loaded model. */
export class AdapterShelf implements ModelUser {
  readonly #parts: AdapterShelfParts;
  /** The newest use last. */
  #shelved: Shelved[] = [];

  constructor(parts: AdapterShelfParts) {
    this.#parts = parts;
  }

  /** The adapter on the device of the loaded model. Rejects as AdapterLibrary's `startOf`. */
  async adapterFor(id: string, loaded: Loaded): Promise<LoraAdapter> {
    const found = this.#shelved.find((shelved) => shelved.id === id && shelved.gpu === loaded.gpu);
    // One that was deleted, here or in another tab, is asked of the library again, which says that it is gone.
    if (found !== undefined && (await this.#parts.library.has(id))) {
      this.#shelved = [...this.#shelved.filter((shelved) => shelved !== found), found];
      return found.adapter;
    }
    const start = await this.#parts.library.startOf(id, loaded);
    const made = { id, gpu: loaded.gpu, adapter: this.#parts.createAdapter(loaded, start) };
    const kept = this.#shelved.filter(({ gpu }) => gpu === loaded.gpu).slice(1 - KEPT);
    const leaving = this.#shelved.filter((shelved) => !kept.includes(shelved));
    this.#shelved = [...kept, made];
    free(leaving);
    return made.adapter;
  }

  /** Before the model goes. */
  release(): void {
    free(this.#shelved);
    this.#shelved = [];
  }
}

function free(shelved: readonly Shelved[]): void {
  for (const { gpu, adapter } of shelved) if (!gpu.isLost()) adapter.destroy();
}
