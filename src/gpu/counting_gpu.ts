// Stands in for a device and allocates nothing: what makes and runs programs on it runs its own code, and every buffer
// that it asks for is counted. Nothing is computed, and what is read back are zeros, as many as the staging buffer holds.

import { createCounters } from './counters';
import { bufferSize, type GpuContext } from './device';
import type { Pipelines } from './pipeline_cache';
import { SubmitPace } from './submit_pace';

/** One buffer that was asked for. */
export interface CountedBuffer {
  readonly label: string;
  readonly bytes: number;
}

/** A device that counts. */
export interface CountingGpu {
  readonly gpu: GpuContext;
  /** Buffers alive when their bytes together were most, in order of making. */
  peak(): readonly CountedBuffer[];
}

/** A buffer without memory. */
class PaperBuffer implements GPUBuffer {
  readonly __brand = 'GPUBuffer';
  readonly mapState = 'unmapped';
  readonly label: string;
  readonly size: number;
  readonly usage: number;
  /** Numbers of the events at which it was made and destroyed. */
  readonly made: number;
  destroyed = Number.POSITIVE_INFINITY;

  constructor(label: string, size: number, usage: number, made: number) {
    this.label = label;
    this.size = size;
    this.usage = usage;
    this.made = made;
  }

  async mapAsync(): Promise<undefined> {
    return undefined;
  }

  getMappedRange(): ArrayBuffer {
    return new ArrayBuffer(this.size);
  }

  unmap(): undefined {
    return undefined;
  }

  destroy(): undefined {
    return undefined;
  }
}

/** Kernels count as verified: nothing can be tried here. */
class AllVerified extends Map<string, string> {
  override has(): boolean {
    return true;
  }
}

const GROUP: GPUBindGroup = { __brand: 'GPUBindGroup', label: 'counted' };
const LAYOUT: GPUBindGroupLayout = { __brand: 'GPUBindGroupLayout', label: 'counted' };
const PIPELINE: GPUComputePipeline = {
  __brand: 'GPUComputePipeline',
  label: 'counted',
  getBindGroupLayout: () => LAYOUT,
};
const PIPELINES: Pipelines = { get: async (kernel) => ({ kernel, pipeline: PIPELINE, layout: LAYOUT }) };

/** A stand-in with the traits and limits of a real device. Objects of the real one may be bound in its programs. */
export function countingGpu(real: GpuContext): CountingGpu {
  const counters = createCounters();
  const buffers = new Map<GPUBuffer, PaperBuffer>();
  let [events, most, mostAt] = [0, 0, 0];
  const gpu: GpuContext = {
    ...real,
    counters,
    pipelines: PIPELINES,
    pace: new SubmitPace(real.traits.software),
    verified: new AllVerified(),
    createBuffer: (bytes, usage, label) => {
      const buffer = new PaperBuffer(label, bufferSize(bytes, label, real.traits), usage, ++events);
      buffers.set(buffer, buffer);
      counters.buffers++;
      counters.bufferBytes += buffer.size;
      if (counters.bufferBytes > most) [most, mostAt] = [counters.bufferBytes, events];
      return buffer;
    },
    destroyBuffer: (buffer) => {
      const counted = buffers.get(buffer);
      if (!counted) return;
      counted.destroyed = ++events;
      counters.bufferBytes -= counted.size;
    },
    bindGroup: () => GROUP,
    write: () => undefined,
    submit: () => undefined,
    read: async ({ size }) => new ArrayBuffer(size),
    isLost: () => false,
    fence: async () => undefined,
    check: () => undefined,
    destroy: () => undefined,
  };
  const peak = (): CountedBuffer[] =>
    [...buffers.values()]
      .filter(({ made, destroyed }) => made <= mostAt && destroyed > mostAt)
      .map(({ label, size: bytes }) => ({ label, bytes }));
  return { gpu, peak };
}
