// Owns device memory together with everything that must be freed with it, and frees it in reverse order of making.
// Whatever allocates does so through a scope: `inScope` frees what was made when a later step of the making fails, and
// the finished object keeps the scope and passes its own `destroy` on to it.

import type { BufferRegion } from './buffer_region';
import type { GpuContext } from './device';

/** Something that holds device memory until it is destroyed. */
export interface Owned {
  destroy(): void;
}

/** What was made together and is freed together. Usable again after `destroy`, as an empty scope. */
export class GpuScope {
  readonly gpu: GpuContext;
  /** How each part is freed, in order of making. */
  readonly #parts = new Map<object, () => void>();

  constructor(gpu: GpuContext) {
    this.gpu = gpu;
  }

  /**
   * Makes a buffer that this scope owns.
   * @throws as {@link GpuContext.createBuffer}
   */
  buffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const buffer = this.gpu.createBuffer(bytes, usage, label);
    this.#parts.set(buffer, () => this.gpu.destroyBuffer(buffer));
    return buffer;
  }

  /**
   * Makes a storage buffer that can be bound, written and read, whole as one region.
   * @throws as {@link GpuContext.createBuffer}
   */
  storage(bytes: number, label: string): BufferRegion {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return { buffer: this.buffer(bytes, usage, label), offset: 0, bytes };
  }

  /** Takes a part over: from now on it is destroyed with the scope. Returns the part. */
  own<T extends Owned>(part: T): T {
    this.#parts.set(part, () => part.destroy());
    return part;
  }

  /** Frees one part, a buffer or what {@link own} took over, before the rest. Nothing happens to what is not owned. */
  free(part: object): void {
    const free = this.#parts.get(part);
    this.#parts.delete(part);
    if (free && !this.gpu.isLost()) free();
  }

  /** Frees every part, the newest first. On a lost device nothing is left to free. */
  destroy(): void {
    for (const part of [...this.#parts.keys()].reverse()) this.free(part);
  }
}

/** Uses a scope for as long as `use` runs, and frees it whatever comes of it. */
export async function inPassingScope<T>(gpu: GpuContext, use: (scope: GpuScope) => Promise<T>): Promise<T> {
  const scope = new GpuScope(gpu);
  try {
    return await use(scope);
  } finally {
    scope.destroy();
  }
}

/**
 * Makes something in a scope of its own. If that fails, everything the scope owns is freed and the error goes on.
 * @param make returns what was made, which keeps the scope to free itself
 */
export function inScope<T>(gpu: GpuContext, make: (scope: GpuScope) => Promise<T>): Promise<T>;
export function inScope<T>(gpu: GpuContext, make: (scope: GpuScope) => T): T;
export function inScope<T>(gpu: GpuContext, make: (scope: GpuScope) => T | Promise<T>): T | Promise<T> {
  const scope = new GpuScope(gpu);
  const failed = (error: unknown): never => {
    scope.destroy();
    throw error;
  };
  try {
    const made = make(scope);
    return made instanceof Promise ? made.catch(failed) : made;
  } catch (error) {
    return failed(error);
  }
}
