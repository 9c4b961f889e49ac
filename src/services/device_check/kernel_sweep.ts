// Goes through every kernel of the catalogue on one device: compares those that have a case of their own with its expected
// result, and compiles the others. A variant that turns out wrong is switched off on the device, as it is when a model meets it.

import type { GpuContext } from '../../gpu/device';
import type { KernelCall } from '../../gpu/kernel';
import { VariantDisabledError, verifyCalls } from '../../gpu/self_check';
import { KERNEL_CATALOGUE } from '../../kernels/catalogue';
import { GpuError } from '../../lib/errors';
import type { KernelFault, KernelSweep } from '../../worker/protocol/device_check';

/** How a sweep is bounded and followed. */
export interface SweepOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** After so many milliseconds, kernels that are left are counted and not tried. */
  readonly limitMs: number;
}

/** Calls of the catalogue, one per kernel's text: those with a case first, as a case proves more than compiling. */
function distinctCalls({ traits }: GpuContext): KernelCall[] {
  const calls = new Map<string, KernelCall>();
  for (const call of KERNEL_CATALOGUE.flatMap((entry) => entry.build(traits))) {
    if (!calls.has(call.kernel.source)) calls.set(call.kernel.source, call);
  }
  return [...calls.values()].sort((a, b) => Number(b.check !== undefined) - Number(a.check !== undefined));
}

/**
 * Sweeps over the kernels.
 * @throws what is no fault of one kernel: a lost device, the signal's reason
 */
export async function sweepKernels(gpu: GpuContext, o: SweepOptions): Promise<KernelSweep> {
  const calls = distinctCalls(gpu);
  const [verified, disabled, broken]: [string[], KernelFault[], KernelFault[]] = [[], [], []];
  const began = o.now();
  let [tried, compiled] = [0, 0];
  for (const call of calls) {
    if (o.now() - began > o.limitMs) break;
    o.signal.throwIfAborted();
    o.onProgress(tried, calls.length);
    tried++;
    const { name } = call.kernel;
    try {
      await gpu.pipelines.get(call.kernel);
      compiled++;
      await verifyCalls(gpu, [call]);
      if (call.check !== undefined) verified.push(name);
    } catch (error) {
      if (error instanceof VariantDisabledError) disabled.push({ name, reason: error.message });
      else if (error instanceof GpuError && error.code === 'gpu/shader') {
        broken.push({ name, reason: error.message });
      } else throw error;
    }
  }
  o.onProgress(tried, calls.length);
  return { compiled, verified: [...new Set(verified)].sort(), disabled, broken, left: calls.length - tried };
}
