// Makes bind groups and pipelines of a planned trace once, then replays it: after `build`, writing, running and reading
// through a ring create no GPU object, unless the arenas that it shares with the device's other programs were replaced
// meanwhile. Two runs share their memory and must be ordered by the queue; outputs are there until another program runs.

import type { BufferRegion } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { Executable, type StepTime } from '../gpu/executable';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import type { DType } from '../gpu/kernel';
import { verifyCalls, withCheckedVariants } from '../gpu/self_check';
import { ShapeError } from '../lib/errors';
import { type ArenaPool, type ArenaUser, arenaPool } from './arena_pool';
import { type Plan, planMemory } from './planner';
import { readRegion } from './tensor_memory';
import { type Tensor, Trace, tensorBytes } from './trace';

/** Arrays the host may write to an input or read from an output. */
export type HostArray = Float32Array | Uint32Array | Int32Array | Uint16Array;

/** Memory and work of a program. */
export interface ProgramStats {
  readonly nodes: number;
  readonly droppedNodes: number;
  readonly arenas: number;
  readonly plannedBytes: number;
  readonly unplannedBytes: number;
  readonly flops: number;
}

/** What a program is made of; the scope owns all of it. */
interface ProgramParts {
  readonly scope: GpuScope;
  readonly executable: Executable;
  readonly plan: Plan;
  readonly user: ArenaUser;
  readonly inputBuffer: GPUBuffer | undefined;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** A trace compiled for replay. */
export class Program {
  readonly stats: ProgramStats;
  readonly #parts: ProgramParts;
  readonly #pool: ArenaPool;
  /** Arenas that are bound, and their generation. */
  #arenas: readonly GPUBuffer[];
  #generation: number;

  private constructor(
    parts: ProgramParts,
    arenas: readonly GPUBuffer[],
    generation: number,
    dropped: number,
  ) {
    const { scope, plan } = parts;
    this.#parts = parts;
    this.#pool = arenaPool(scope.gpu);
    this.#arenas = arenas;
    this.#generation = generation;
    this.stats = {
      nodes: plan.nodes.length,
      droppedNodes: dropped,
      arenas: arenas.length,
      plannedBytes: plan.arenaBytes.reduce((sum, bytes) => sum + bytes, 0),
      unplannedBytes: plan.unplannedBytes,
      flops: plan.nodes.reduce((sum, { call }) => sum + call.flops, 0),
    };
  }

  /**
   * Traces and builds; again with other kernel variants when one turns out wrong on this device.
   * @param trace declares inputs, emits nodes, names outputs; may run more than once
   * @throws as {@link Program.build}
   */
  static compile(gpu: GpuContext, label: string, trace: (trace: Trace) => void): Promise<Program> {
    return withCheckedVariants(gpu, () => {
      const fresh = new Trace(gpu.traits);
      trace(fresh);
      return Program.build(gpu, fresh, label);
    });
  }

  /**
   * Plans a trace, allocates its arenas and compiles it. Ownership of external regions stays with the caller.
   * @throws GpuError `gpu/limit` when an arena does not fit, `gpu/shader` when a kernel does not compile;
   *   VariantDisabledError when a kernel is wrong on this device: trace again, as {@link Program.compile} does
   */
  static build(gpu: GpuContext, trace: Trace, label: string): Promise<Program> {
    return inScope(gpu, (scope) => Program.#build(scope, trace, label));
  }

  static async #build(scope: GpuScope, trace: Trace, label: string): Promise<Program> {
    const { gpu } = scope;
    const plan = planMemory(trace);
    await verifyCalls(
      gpu,
      plan.nodes.map(({ call }) => call),
    );
    const pool = arenaPool(gpu);
    const user = { label, arenaBytes: plan.arenaBytes };
    pool.add(user);
    scope.own({ destroy: () => pool.remove(user) });
    const inputBuffer = plan.inputBytes
      ? scope.storage(plan.inputBytes, `${label} inputs`).buffer
      : undefined;
    const [arenas, generation] = [pool.buffersFor(user), pool.generation];
    const calls = plan.nodes.map(({ call, operands }) => ({
      call,
      operands: operands.map((tensor) => locate(tensor, plan, arenas, inputBuffer)),
    }));
    const executable = scope.own(await Executable.build(gpu, calls, label));
    const { inputs, outputs } = trace;
    const parts = { scope, executable, plan, user, inputBuffer, inputs, outputs };
    return new Program(parts, arenas, generation, trace.nodes.length - plan.nodes.length);
  }

  /**
   * Writes a host array into an input, at queue order.
   * @param offset elements to skip in the input
   * @throws ShapeError for an unknown input or too many elements
   */
  write(name: string, data: HostArray, offset = 0): void {
    const input = this.#parts.inputs.get(name);
    if (!input) throw new ShapeError(`The program has no input ${name}.`);
    const start = offset * data.BYTES_PER_ELEMENT;
    if (start + data.byteLength > tensorBytes(input)) {
      throw new ShapeError(
        `Input ${name} holds [${input.shape.join(', ')}]; ${data.length} elements at ${offset} do not fit.`,
      );
    }
    const { buffer, offset: base } = this.#locate(input);
    this.#parts.scope.gpu.write(buffer, base + start, data);
  }

  /** True when the program has an input of that name (dead inputs are kept). */
  hasInput(name: string): boolean {
    return this.#parts.inputs.has(name);
  }

  /**
   * Submits without waiting; `after` may append copies to the last submit.
   * @throws InvariantError while another program is between the parts of its run
   */
  submit(after?: (encoder: GPUCommandEncoder) => void): void {
    this.#begin();
    try {
      this.#parts.executable.submit(after);
    } finally {
      this.#pool.leave(this.#parts.user);
    }
  }

  /** Submits part by part, waiting between parts, once no other program runs; see {@link Executable.run}. */
  async run(signal?: AbortSignal, after?: (encoder: GPUCommandEncoder) => void): Promise<void> {
    while (this.#pool.busy) await this.#pool.idle();
    this.#begin();
    try {
      await this.#parts.executable.run(signal, after);
    } finally {
      this.#pool.leave(this.#parts.user);
    }
  }

  /** Times every dispatch; see {@link Executable.profile}. */
  async profile(): Promise<StepTime[]> {
    this.#begin();
    try {
      return await this.#parts.executable.profile();
    } finally {
      this.#pool.leave(this.#parts.user);
    }
  }

  /** Dispatches per run. */
  get dispatches(): number {
    return this.#parts.executable.dispatches;
  }

  /** Region of an output; what it holds is valid until this or another program runs. */
  region(name: string): BufferRegion {
    this.#rebind();
    return this.#locate(this.#output(name));
  }

  /** Shape of an output. */
  shape(name: string): readonly number[] {
    return this.#output(name).shape;
  }

  /**
   * Reads an output back. Allocates a staging buffer: for tests, tools and results read once; loops use a ReadbackRing.
   * @throws InvariantError when another program has run since
   * @returns f32 outputs as Float32Array, u32 and i32 as theirs, packed 16-bit types as Uint16Array
   */
  async read(name: string): Promise<HostArray> {
    const tensor = this.#output(name);
    if (tensor.kind === 'activation') this.#pool.checkLast(this.#parts.user);
    const region = this.#locate(tensor);
    return asHostArray(
      await readRegion(this.#parts.scope.gpu, region, tensorBytes(tensor), name),
      tensor.dtype,
    );
  }

  /** Frees inputs and uniforms, and its share of the arenas. External regions stay. */
  destroy(): void {
    this.#parts.scope.destroy();
  }

  #begin(): void {
    this.#pool.enter(this.#parts.user);
    try {
      this.#rebind();
    } catch (error) {
      this.#pool.leave(this.#parts.user);
      throw error;
    }
  }

  /** Binds the pool's arenas where they are others than those that are bound. */
  #rebind(): void {
    if (this.#generation === this.#pool.generation) return;
    const { executable, plan, user, inputBuffer } = this.#parts;
    const arenas = this.#pool.buffersFor(user);
    // Making an arena that was missing counts, too.
    this.#generation = this.#pool.generation;
    if (arenas.every((buffer, index) => buffer === this.#arenas[index])) return;
    this.#arenas = arenas;
    executable.bind(
      plan.nodes.map(({ operands }) => operands.map((tensor) => locate(tensor, plan, arenas, inputBuffer))),
    );
  }

  #locate(tensor: Tensor): BufferRegion {
    return locate(tensor, this.#parts.plan, this.#arenas, this.#parts.inputBuffer);
  }

  #output(name: string): Tensor {
    const output = this.#parts.outputs.get(name);
    if (!output) throw new ShapeError(`The program has no output ${name}.`);
    return output;
  }
}

/** "Eager": builds, writes the inputs, runs once, reads every output, frees. */
export async function runOnce(
  gpu: GpuContext,
  trace: Trace,
  inputs: Readonly<Record<string, HostArray>>,
  label = 'once',
): Promise<Record<string, HostArray>> {
  const program = await Program.build(gpu, trace, label);
  try {
    for (const [name, data] of Object.entries(inputs)) program.write(name, data);
    await program.run();
    const outputs: Record<string, HostArray> = {};
    for (const name of trace.outputs.keys()) outputs[name] = await program.read(name);
    return outputs;
  } finally {
    program.destroy();
  }
}

function locate(
  tensor: Tensor,
  plan: Plan,
  arenas: readonly GPUBuffer[],
  inputBuffer: GPUBuffer | undefined,
): BufferRegion {
  if (tensor.region) return { ...tensor.region, bytes: tensorBytes(tensor) };
  if (tensor.view) {
    const { buffer, offset } = locate(tensor.view.of, plan, arenas, inputBuffer);
    return { buffer, offset: offset + tensor.view.bytes, bytes: tensorBytes(tensor) };
  }
  if (tensor.kind === 'input') {
    const offset = plan.inputOffsets.get(tensor.name);
    if (offset === undefined || !inputBuffer)
      throw new ShapeError(`Input ${tensor.name} belongs to another trace.`);
    return { buffer: inputBuffer, offset, bytes: tensorBytes(tensor) };
  }
  const placement = plan.placements.get(tensor.id);
  const buffer = placement && arenas[placement.arena];
  if (!placement || !buffer) throw new ShapeError(`Nothing writes the tensor ${tensor.name}.`);
  return { buffer, offset: placement.offset, bytes: placement.bytes };
}

function asHostArray(buffer: ArrayBuffer, dtype: DType): HostArray {
  if (dtype === 'f32') return new Float32Array(buffer);
  if (dtype === 'u32') return new Uint32Array(buffer);
  return dtype === 'i32' ? new Int32Array(buffer) : new Uint16Array(buffer);
}
