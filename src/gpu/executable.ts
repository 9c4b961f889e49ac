// Runs a compiled list of dispatches over fixed buffers: encodes them, cuts them into submits, and times them on
// request. Running creates no GPU object but command encoders and command buffers; src/tensor/program.ts decides what
// is bound where.

import { itemAt } from '../lib/invariant';
import { alignUp, BINDING_ALIGNMENT, type BufferRegion } from './buffer_region';
import type { GpuContext } from './device';
import { type GpuScope, inPassingScope, inScope } from './gpu_scope';
import type { KernelCall } from './kernel';
import type { CompiledKernel } from './pipeline_cache';

/** A call together with the regions of its operands, in binding order. */
export interface BoundCall {
  readonly call: KernelCall;
  readonly operands: readonly BufferRegion[];
}

interface Step {
  readonly name: string;
  readonly compiled: CompiledKernel;
  /** Made anew by {@link Executable.bind}. */
  group: GPUBindGroup;
  readonly params: GPUBufferBinding | undefined;
  readonly grid: readonly [number, number, number];
  /** In units of the device's {@link SubmitPace}. */
  readonly work: number;
}

/** Steps [from, to) that go into one submit. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly work: number;
}

/** Time of one dispatch in profile mode. */
export interface StepTime {
  readonly name: string;
  readonly nanoseconds: number;
}

const DISPATCHES_PER_SUBMIT = 2048;

/** Dispatches over fixed buffers, ready to run any number of times. */
export class Executable {
  readonly #gpu: GpuContext;
  readonly #steps: readonly Step[];
  readonly #scope: GpuScope;

  private constructor(scope: GpuScope, steps: readonly Step[]) {
    this.#scope = scope;
    this.#gpu = scope.gpu;
    this.#steps = steps;
  }

  /**
   * Compiles pipelines (in parallel), writes all uniforms into one buffer and makes every bind group.
   * @throws GpuError `gpu/shader` when a kernel does not compile
   */
  static build(gpu: GpuContext, calls: readonly BoundCall[], label: string): Promise<Executable> {
    return inScope(gpu, (scope) => Executable.#build(scope, calls, label));
  }

  static async #build(scope: GpuScope, calls: readonly BoundCall[], label: string): Promise<Executable> {
    const { gpu } = scope;
    const compiled = await Promise.all(calls.map(({ call }) => gpu.pipelines.get(call.kernel)));
    const offsets: number[] = [];
    let paramBytes = 0;
    for (const { call } of calls) {
      offsets.push(paramBytes);
      if (call.params) paramBytes += alignUp(call.params.byteLength, BINDING_ALIGNMENT);
    }
    const params = paramBytes
      ? scope.buffer(paramBytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, `${label} params`)
      : undefined;
    if (params) uploadParams(gpu, params, calls, offsets);
    const steps = compiled.map((kernel, index): Step => {
      const { call, operands } = calls[index] as BoundCall;
      const uniform =
        call.params && params
          ? { buffer: params, offset: itemAt(offsets, index), size: call.params.byteLength }
          : undefined;
      const { name } = call.kernel;
      const group = groupOf(gpu, name, kernel, operands, uniform);
      const work = gpu.pace.workOf(call);
      return { name, compiled: kernel, group, params: uniform, grid: call.grid, work };
    });
    return new Executable(scope, steps);
  }

  /** Binds other regions from the next run on. @param operands of every dispatch, in order */
  bind(operands: readonly (readonly BufferRegion[])[]): void {
    this.#steps.forEach((step, index) => {
      step.group = groupOf(this.#gpu, step.name, step.compiled, itemAt(operands, index), step.params);
    });
  }

  /** Dispatches per run. */
  get dispatches(): number {
    return this.#steps.length;
  }

  /**
   * Encodes and submits everything without waiting.
   * @param after appended to the last submit, e.g. copies into staging buffers
   */
  submit(after?: (encoder: GPUCommandEncoder) => void): void {
    let from = 0;
    do from = this.#submitPart(this.#partFrom(from), after);
    while (from < this.#steps.length);
  }

  /**
   * Submits part by part with two in flight, so that the device always has work, others get the queue, and `signal` is honoured
   * within the parts in flight, after which it rejects. How large a part is follows what parts take.
   * @throws the signal's reason when aborted; the first GPU error at a wait
   */
  async run(signal?: AbortSignal, after?: (encoder: GPUCommandEncoder) => void): Promise<void> {
    let before: Promise<number> = Promise.resolve(performance.now());
    let from = 0;
    do {
      if (signal?.aborted) await before;
      signal?.throwIfAborted();
      const part = this.#partFrom(from);
      from = this.#submitPart(part, after);
      const done = this.#timed(part.work, before);
      // An error of this part is thrown where it is waited for, unless that of the one before ends the run.
      done.catch(() => undefined);
      await before;
      before = done;
    } while (from < this.#steps.length);
    await before;
  }

  /** Waits for what has just been submitted, and tells the pace of it. @returns when it was done */
  async #timed(work: number, before: Promise<number>): Promise<number> {
    const submitted = performance.now();
    const [free] = await Promise.all([before, this.#gpu.fence()]);
    const done = performance.now();
    this.#gpu.pace.observe(work, done - Math.max(submitted, free));
    return done;
  }

  #partFrom(from: number): Part {
    const { share } = this.#gpu.pace;
    let work = 0;
    let to = from;
    while (to < this.#steps.length && to - from < DISPATCHES_PER_SUBMIT) {
      const next = itemAt(this.#steps, to).work;
      if (to > from && work + next > share) break;
      work += next;
      to++;
    }
    return { from, to, work };
  }

  /** @returns where the next part begins */
  #submitPart({ from, to }: Part, after?: (encoder: GPUCommandEncoder) => void): number {
    this.#gpu.submit((encoder) => {
      const pass = encoder.beginComputePass();
      this.#encode(pass, from, to);
      pass.end();
      if (to === this.#steps.length) after?.(encoder);
    });
    return to;
  }

  #encode(pass: GPUComputePassEncoder, from: number, to: number): void {
    let bound: GPUComputePipeline | undefined;
    for (const step of this.#steps.slice(from, to)) {
      const { pipeline } = step.compiled;
      if (pipeline !== bound) pass.setPipeline(pipeline);
      bound = pipeline;
      pass.setBindGroup(0, step.group);
      pass.dispatchWorkgroups(step.grid[0], step.grid[1], step.grid[2]);
    }
    this.#gpu.counters.dispatches += to - from;
  }

  /**
   * Runs once with one pass per dispatch and timestamps around each. For profiles only: it allocates and waits.
   * @throws Error when the device has no `timestamp-query`
   */
  async profile(): Promise<StepTime[]> {
    if (!this.#gpu.traits.timestampQuery)
      throw new Error('This device offers no timestamp-query; profiles need it.');
    const times: StepTime[] = [];
    const PER_SET = 1024;
    for (let from = 0; from < this.#steps.length; from += PER_SET) {
      const to = Math.min(this.#steps.length, from + PER_SET);
      times.push(...(await this.#profilePart(from, to)));
    }
    return times;
  }

  #profilePart(from: number, to: number): Promise<StepTime[]> {
    const gpu = this.#gpu;
    return inPassingScope(gpu, async (scope) => {
      const count = 2 * (to - from);
      const querySet = scope.own(gpu.device.createQuerySet({ type: 'timestamp', count }));
      const resolves = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
      const resolved = scope.buffer(8 * count, resolves, 'timestamps');
      const reads = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
      const staging = scope.buffer(8 * count, reads, 'timestamps staging');
      gpu.submit((encoder) => {
        for (let index = from; index < to; index++) {
          const at = 2 * (index - from);
          const pass = encoder.beginComputePass({
            timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
          });
          this.#encode(pass, index, index + 1);
          pass.end();
        }
        encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8 * count);
      });
      const ticks = new BigUint64Array(await gpu.read(staging, 8 * count));
      return this.#steps.slice(from, to).map(({ name }, index) => {
        const [begin = 0n, end = 0n] = ticks.subarray(2 * index);
        return { name, nanoseconds: Number(end - begin) };
      });
    });
  }

  /** Frees the uniform buffer; operand buffers belong to the caller. */
  destroy(): void {
    this.#scope.destroy();
  }
}

function groupOf(
  gpu: GpuContext,
  label: string,
  { layout }: CompiledKernel,
  operands: readonly BufferRegion[],
  params: GPUBufferBinding | undefined,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = operands.map(({ buffer, offset, bytes }, binding) => ({
    binding,
    resource: { buffer, offset, size: Math.max(4, alignUp(bytes, 4)) },
  }));
  if (params) entries.push({ binding: operands.length, resource: params });
  return gpu.bindGroup({ label, layout, entries });
}

function uploadParams(
  gpu: GpuContext,
  params: GPUBuffer,
  calls: readonly BoundCall[],
  offsets: readonly number[],
): void {
  const image = new Uint32Array(params.size / 4);
  calls.forEach(({ call }, index) => {
    if (call.params) image.set(call.params, itemAt(offsets, index) / 4);
  });
  gpu.write(params, 0, image);
}
