// Reads results a step or two behind through a ring of mappable staging buffers, so that the queue never stalls.
// Slots have one size; a slot is handed out again only when its contents were taken.

import type { BufferRegion } from './buffer_region';
import type { GpuContext } from './device';
import { type GpuScope, inScope } from './gpu_scope';

/** One read in flight. */
export interface ReadbackSlot {
  /** Encodes the copies; sources are packed one after another in the slot. */
  copy(encoder: GPUCommandEncoder, sources: readonly BufferRegion[]): void;
  /** After submitting: resolves with a copy of the packed bytes, and frees the slot. */
  take(): Promise<ArrayBuffer>;
  /** Frees a slot whose copy was never submitted. */
  release(): void;
}

/** Staging buffers for reading results back. */
export class ReadbackRing {
  readonly #gpu: GpuContext;
  readonly #bytes: number;
  readonly #free: GPUBuffer[];
  readonly #scope: GpuScope;

  /**
   * @param bytes capacity of a slot
   * @param slots how many reads may be in flight
   */
  constructor(gpu: GpuContext, bytes: number, slots: number, label: string) {
    this.#gpu = gpu;
    this.#bytes = Math.ceil(bytes / 4) * 4;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const made = inScope(gpu, (scope) => {
      const free = Array.from({ length: slots }, (_, index) =>
        scope.buffer(this.#bytes, usage, `${label} staging ${index}`),
      );
      return { scope, free };
    });
    this.#scope = made.scope;
    this.#free = made.free;
  }

  /** Slots not in flight. */
  get available(): number {
    return this.#free.length;
  }

  /**
   * Takes a free slot.
   * @throws Error when all are in flight: the caller must take results first
   */
  acquire(): ReadbackSlot {
    const buffer = this.#free.shift();
    if (!buffer) throw new Error('Every readback slot is in flight; take a result first.');
    let used = 0;
    const release = (): void => {
      this.#free.push(buffer);
    };
    return {
      copy: (encoder, sources) => {
        for (const { buffer: source, offset, bytes } of sources) {
          const size = Math.ceil(bytes / 4) * 4;
          if (used + size > this.#bytes)
            throw new Error(`Readback of ${used + size} bytes exceeds the slot's ${this.#bytes}.`);
          encoder.copyBufferToBuffer(source, offset, buffer, used, size);
          used += size;
        }
      },
      take: async () => {
        const copy = await this.#gpu.read(buffer, used);
        release();
        return copy;
      },
      release,
    };
  }

  /** Destroys the staging buffers; reads in flight reject. */
  destroy(): void {
    this.#scope.destroy();
  }
}
