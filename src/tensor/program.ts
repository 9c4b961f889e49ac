// Makes arenas, bind groups and pipelines of a planned trace once, then replays it: after `build`, writing, running
// and reading through a ring create no GPU object. Two runs of one program share its memory and must be ordered by
// the queue.

import type { BufferRegion } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { Executable, type StepTime } from '../gpu/executable';
import { type GpuScope, inScope } from '../gpu/gpu_scope';
import type { DType } from '../gpu/kernel';
import { verifyCalls, withCheckedVariants } from '../gpu/self_check';
import { ShapeError } from '../lib/errors';
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
  readonly submits: number;
}

type NamedRegions = ReadonlyMap<string, { readonly tensor: Tensor; readonly region: BufferRegion }>;

/** A trace compiled for replay. */
export class Program {
  readonly stats: ProgramStats;
  readonly #scope: GpuScope;
  readonly #executable: Executable;
  readonly #inputs: NamedRegions;
  readonly #outputs: NamedRegions;

  private constructor(
    scope: GpuScope,
    executable: Executable,
    stats: ProgramStats,
    inputs: NamedRegions,
    outputs: NamedRegions,
  ) {
    this.#scope = scope;
    this.#executable = executable;
    this.stats = stats;
    this.#inputs = inputs;
    this.#outputs = outputs;
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
    const arenas = plan.arenaBytes.map(
      (bytes, index) => scope.storage(bytes, `${label} arena ${index}`).buffer,
    );
    const inputBuffer = plan.inputBytes
      ? scope.storage(plan.inputBytes, `${label} inputs`).buffer
      : undefined;
    const regionOf = (tensor: Tensor): BufferRegion => locate(tensor, plan, arenas, inputBuffer);
    const calls = plan.nodes.map(({ call, operands }) => ({ call, operands: operands.map(regionOf) }));
    const executable = scope.own(await Executable.build(gpu, calls, label));
    const named = (tensors: ReadonlyMap<string, Tensor>) =>
      new Map([...tensors].map(([name, tensor]) => [name, { tensor, region: regionOf(tensor) }]));
    const stats: ProgramStats = {
      nodes: plan.nodes.length,
      droppedNodes: trace.nodes.length - plan.nodes.length,
      arenas: arenas.length,
      plannedBytes: plan.arenaBytes.reduce((sum, bytes) => sum + bytes, 0),
      unplannedBytes: plan.unplannedBytes,
      flops: plan.nodes.reduce((sum, { call }) => sum + call.flops, 0),
      submits: executable.submits,
    };
    return new Program(scope, executable, stats, named(trace.inputs), named(trace.outputs));
  }

  /**
   * Writes a host array into an input, at queue order.
   * @param offset elements to skip in the input
   * @throws ShapeError for an unknown input or too many elements
   */
  write(name: string, data: HostArray, offset = 0): void {
    const input = this.#inputs.get(name);
    if (!input) throw new ShapeError(`The program has no input ${name}.`);
    const start = offset * data.BYTES_PER_ELEMENT;
    if (start + data.byteLength > tensorBytes(input.tensor)) {
      throw new ShapeError(
        `Input ${name} holds [${input.tensor.shape.join(', ')}]; ${data.length} elements at ${offset} do not fit.`,
      );
    }
    const { buffer, offset: base } = input.region;
    this.#scope.gpu.write(buffer, base + start, data);
  }

  /** True when the program has an input of that name (dead inputs are kept). */
  hasInput(name: string): boolean {
    return this.#inputs.has(name);
  }

  /** Submits without waiting; `after` may append copies to the last submit. */
  submit(after?: (encoder: GPUCommandEncoder) => void): void {
    this.#executable.submit(after);
  }

  /** Submits part by part, waiting between parts; see {@link Executable.run}. */
  run(signal?: AbortSignal, after?: (encoder: GPUCommandEncoder) => void): Promise<void> {
    return this.#executable.run(signal, after);
  }

  /** Times every dispatch; see {@link Executable.profile}. */
  profile(): Promise<StepTime[]> {
    return this.#executable.profile();
  }

  /** Dispatches per run. */
  get dispatches(): number {
    return this.#executable.dispatches;
  }

  /** Region of an output, valid until the next run. */
  region(name: string): BufferRegion {
    return this.#output(name).region;
  }

  /** Shape of an output. */
  shape(name: string): readonly number[] {
    return this.#output(name).tensor.shape;
  }

  /**
   * Reads an output back. Allocates a staging buffer: for tests, tools and results read once; loops use a ReadbackRing.
   * @returns f32 outputs as Float32Array, u32 and i32 as theirs, packed 16-bit types as Uint16Array
   */
  async read(name: string): Promise<HostArray> {
    const { tensor, region } = this.#output(name);
    return asHostArray(await readRegion(this.#scope.gpu, region, tensorBytes(tensor), name), tensor.dtype);
  }

  /** Frees arenas, inputs and uniforms. External regions stay. */
  destroy(): void {
    this.#scope.destroy();
  }

  #output(name: string) {
    const output = this.#outputs.get(name);
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
