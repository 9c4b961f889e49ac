// A real device on which the n-th making of a GPU object fails when a test asks for it, and which counts live buffers.
// For tests of what is left after a failure, and of how much memory something takes.

import type { CountedBuffer } from '../../src/gpu/counting_gpu';
import { type GpuContext, watchDevice } from '../../src/gpu/device';

/** A device whose allocations can be made to fail. */
export interface FailingGpu {
  readonly gpu: GpuContext;
  /** Buffers that were made and not destroyed. */
  live(): number;
  /** The buffers that were alive when they took most, since the last call of this function. */
  peak(): CountedBuffer[];
  /** Objects asked for since the last call of this function. From now on the n-th from here fails; never without n. */
  failAt(n?: number): number;
}

/** What a failing device throws. */
export const FAILURE = 'This allocation fails on purpose.';

/** Functions of a device that make an object; encoders aside, which hold no memory of their own. */
const MAKING = /^create(Buffer|BindGroup|ComputePipelineAsync|ShaderModule|BindGroupLayout|PipelineLayout)$/;

/** Wraps the device of `real`, which stays usable beside it. */
export function failingGpu(real: GpuContext): FailingGpu {
  let asked = 0;
  let failing = 0;
  const live = new Set<GPUBuffer>();
  let [bytes, most] = [0, 0];
  let largest: CountedBuffer[] = [];
  const track = (buffer: GPUBuffer): GPUBuffer => {
    live.add(buffer);
    bytes += buffer.size;
    if (bytes > most)
      [most, largest] = [bytes, Array.from(live, ({ label, size }) => ({ label, bytes: size }))];
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      if (live.delete(buffer)) bytes -= buffer.size;
      destroy();
    };
    return buffer;
  };
  const device = new Proxy(real.device, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        if (typeof key !== 'string' || !MAKING.test(key)) return value.apply(target, given);
        if (++asked === failing) throw new Error(FAILURE);
        const made: unknown = value.apply(target, given);
        return key === 'createBuffer' ? track(made as GPUBuffer) : made;
      };
    },
  });
  const gpu = watchDevice(device, { ...real.traits, disabledVariants: new Set() });
  return {
    gpu,
    live: () => live.size,
    peak: () => {
      const found = largest;
      [most, largest] = [0, []];
      return found;
    },
    failAt: (n = 0) => {
      const before = asked;
      asked = 0;
      failing = n;
      return before;
    },
  };
}
