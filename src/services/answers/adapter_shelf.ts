// Adapters on the device: those that answers asked for last, so that comparing two needs no upload per question.
// Not the library and not the model's choice of one. Invariant: an adapter handed out stays valid until another is
// asked for; what belongs to a lost device or an unloaded model is never handed out again.

import type { GpuContext } from '../../gpu/device';
import type { LoraAdapter } from '../../model/lora';
import type { AdapterStart } from '../training/trainer_factory';
import type { Loaded } from './engine';

/** What the shelf needs. */
export interface AdapterShelfParts {
  startOf(id: string, loaded: Loaded): Promise<AdapterStart>;
  /** Uploads an adapter that is not to be trained. */
  createAdapter(loaded: Loaded, start: AdapterStart): LoraAdapter;
}

interface Shelved {
  readonly id: string;
  readonly gpu: GpuContext;
  readonly adapter: LoraAdapter;
}

/** Base against adapter needs one, adapter against adapter two. */
const KEPT = 2;

/** See the head of the file. */
export class AdapterShelf {
  readonly #parts: AdapterShelfParts;
  /** The newest use last. */
  #shelved: Shelved[] = [];
  /** Gone from the library; freed when no answer can use them any more. */
  #orphans: Shelved[] = [];

  constructor(parts: AdapterShelfParts) {
    this.#parts = parts;
  }

  /** The adapter on the device of the loaded model. Rejects as AdapterLibrary's `startOf`. */
  async adapterFor(id: string, loaded: Loaded): Promise<LoraAdapter> {
    const found = this.#shelved.find((shelved) => shelved.id === id && shelved.gpu === loaded.gpu);
    if (found !== undefined) {
      this.#shelved = [...this.#shelved.filter((shelved) => shelved !== found), found];
      return found.adapter;
    }
    const start = await this.#parts.startOf(id, loaded);
    const made = { id, gpu: loaded.gpu, adapter: this.#parts.createAdapter(loaded, start) };
    const kept = this.#shelved.filter(({ gpu }) => gpu === loaded.gpu).slice(1 - KEPT);
    const leaving = [...this.#orphans, ...this.#shelved.filter((shelved) => !kept.includes(shelved))];
    this.#orphans = [];
    this.#shelved = [...kept, made];
    free(leaving);
    return made.adapter;
  }

  /** After an adapter was deleted from the library. */
  forget(id: string): void {
    this.#orphans.push(...this.#shelved.filter((shelved) => shelved.id === id));
    this.#shelved = this.#shelved.filter((shelved) => shelved.id !== id);
  }

  /** Before the model goes. */
  clear(): void {
    free([...this.#shelved, ...this.#orphans]);
    this.#shelved = [];
    this.#orphans = [];
  }
}

function free(shelved: readonly Shelved[]): void {
  for (const { gpu, adapter } of shelved) if (!gpu.isLost()) adapter.destroy();
}
