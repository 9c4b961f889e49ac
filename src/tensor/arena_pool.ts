// Gives all programs of a device the same memory for their activations: programs run one after another, so each arena of
// the pool is as large as the largest program needs, and not the sum over programs. What a program computes is there until
// another one runs; whatever must live longer has memory of its own.
// A program waits while another one is between the parts of its run, whose values it would overwrite; a submit, which cannot
// wait, is refused.

import type { GpuContext } from '../gpu/device';
import { InvariantError } from '../lib/errors';
import { itemAt } from '../lib/invariant';

/** A program, as the pool knows it. */
export interface ArenaUser {
  readonly label: string;
  /** Bytes of its arenas. */
  readonly arenaBytes: readonly number[];
}

interface Arena {
  buffer: GPUBuffer | null;
  bytes: number;
}

/** Arenas of one device. */
export class ArenaPool {
  readonly #gpu: GpuContext;
  readonly #users = new Set<ArenaUser>();
  readonly #arenas: Arena[] = [];
  /** Arenas that were replaced while a program that uses them was between the parts of its run. */
  #retired: GPUBuffer[] = [];
  #running: ArenaUser | null = null;
  #last: ArenaUser | null = null;
  /** Called when no program is between the parts of its run any more. */
  #waiting: (() => void)[] = [];
  #generation = 0;

  constructor(gpu: GpuContext) {
    this.#gpu = gpu;
  }

  /** A number that changes whenever an arena is another buffer than before, or none. */
  get generation(): number {
    return this.#generation;
  }

  /** Programs that share the arenas. */
  get users(): readonly ArenaUser[] {
    return [...this.#users];
  }

  /**
   * Takes a program in and makes the arenas large enough for it.
   * @throws GpuError `gpu/limit` when an arena does not fit a buffer; the program is then not taken in
   */
  add(user: ArenaUser): void {
    this.#users.add(user);
    try {
      this.#fit(this.#needs());
      this.#allocate();
    } catch (error) {
      this.remove(user);
      throw error;
    }
  }

  /** Lets a program go. Arenas that are larger than the others need are freed, and made anew when one of them runs. */
  remove(user: ArenaUser): void {
    if (!this.#users.delete(user)) return;
    this.leave(user);
    const needs = this.#needs();
    this.#arenas.forEach((arena, index) => {
      if (arena.bytes > (needs[index] ?? 0)) this.#drop(arena);
    });
    this.#arenas.length = needs.length;
    this.#freeRetired();
  }

  /** Buffers of a program's arenas, in its own order; another generation has others. */
  buffersFor({ arenaBytes }: ArenaUser): GPUBuffer[] {
    this.#allocate();
    const places = bySize(arenaBytes);
    return arenaBytes.map((_, index) => {
      const buffer = itemAt(this.#arenas, places.indexOf(index)).buffer;
      if (buffer === null) throw new InvariantError('An arena of the pool has no memory.');
      return buffer;
    });
  }

  /** Whether a program is between the parts of its run. */
  get busy(): boolean {
    return this.#running !== null;
  }

  /** Resolves when that program has ended its run; another one that waited may have begun by then. */
  idle(): Promise<void> {
    return this.busy ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /**
   * Begins a run, or a submit that is not waited for.
   * @throws InvariantError while another program is between the parts of its run, whose values would be overwritten
   */
  enter(user: ArenaUser): void {
    if (this.#running === null) {
      this.#running = user;
      this.#last = user;
      return;
    }
    const { label } = this.#running;
    throw new InvariantError(`${user.label} cannot run while ${label} runs: they share their memory.`);
  }

  /** Whether what a program computed is still there. @throws InvariantError naming the program that ran since */
  checkLast(user: ArenaUser): void {
    if (this.#last === user) return;
    const other = this.#last?.label ?? 'nothing';
    throw new InvariantError(`The results of ${user.label} are gone: ${other} ran last.`);
  }

  /** Ends what {@link enter} began. */
  leave(user: ArenaUser): void {
    if (this.#running !== user) return;
    this.#running = null;
    this.#freeRetired();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Bytes of each arena: the n-th is as large as the n-th largest of any program. */
  #needs(): number[] {
    const needs: number[] = [];
    for (const { arenaBytes } of this.#users)
      bySize(arenaBytes).forEach((arena, place) => {
        needs[place] = Math.max(needs[place] ?? 0, itemAt(arenaBytes, arena));
      });
    return needs;
  }

  /** Lets go of arenas that are too small. */
  #fit(needs: readonly number[]): void {
    needs.forEach((bytes, index) => {
      const arena = this.#arenas[index] ?? { buffer: null, bytes: 0 };
      this.#arenas[index] = arena;
      if (arena.bytes < bytes) this.#drop(arena);
    });
  }

  /** Makes what is missing. */
  #allocate(): void {
    const needs = this.#needs();
    this.#arenas.forEach((arena, index) => {
      if (arena.buffer !== null) return;
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      arena.buffer = this.#gpu.createBuffer(itemAt(needs, index), usage, `shared arena ${index}`);
      arena.bytes = itemAt(needs, index);
      this.#generation++;
    });
  }

  #drop(arena: Arena): void {
    if (arena.buffer !== null) {
      this.#retired.push(arena.buffer);
      this.#generation++;
    }
    arena.buffer = null;
    arena.bytes = 0;
    if (this.#running === null) this.#freeRetired();
  }

  #freeRetired(): void {
    if (this.#running !== null) return;
    for (const buffer of this.#retired.splice(0)) if (!this.#gpu.isLost()) this.#gpu.destroyBuffer(buffer);
  }
}

/** Indices from the largest to the smallest. */
function bySize(bytes: readonly number[]): number[] {
  return [...bytes.keys()].sort((a, b) => itemAt(bytes, b) - itemAt(bytes, a));
}

const pools = new WeakMap<GpuContext, ArenaPool>();

/** The pool of a device. */
export function arenaPool(gpu: GpuContext): ArenaPool {
  const pool = pools.get(gpu) ?? new ArenaPool(gpu);
  pools.set(gpu, pool);
  return pool;
}

/** The programs of a device with the bytes that their arenas take. */
export function programsOf(gpu: GpuContext): { readonly label: string; readonly bytes: number }[] {
  return arenaPool(gpu).users.map(({ label, arenaBytes }) => ({
    label,
    bytes: arenaBytes.reduce((sum, bytes) => sum + bytes, 0),
  }));
}
