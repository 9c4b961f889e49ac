// Runs a kernel variant on a tiny case before its first use on a device, and disables the variant when it is wrong.
// Wrappers supply the case with its expected values. A disabled variant is never selected again on this device; a
// fallback without a check always remains.

import { GpuError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import type { GpuContext } from './device';
import { type GpuScope, inPassingScope } from './gpu_scope';
import type { KernelCall, KernelCheck } from './kernel';

/** What is known of the kernels on one device; recorded with runs, traces and checkpoints. */
export interface KernelProfile {
  /** Adapter and browser, as far as they are told. */
  readonly adapter: string;
  /** Kernels whose results were compared with the reference here, by name. */
  readonly verified: readonly string[];
  /** Variants that gave wrong results here and are not used. */
  readonly disabled: readonly string[];
}

/** Thrown after a variant was disabled: trace again, another variant will be chosen. */
export class VariantDisabledError extends GpuError {
  constructor(variant: string, error: number, tolerance: number) {
    const message = `Kernel variant ${variant} is wrong on this device (error ${error.toExponential(1)}, allowed ${tolerance.toExponential(1)}).`;
    super('gpu/kernel-wrong', message, { variant });
  }
}

/**
 * Checks every call that asks for it and whose kernel has not been checked on this device.
 * @throws VariantDisabledError for the first wrong variant, after disabling it
 */
export async function verifyCalls(gpu: GpuContext, calls: readonly KernelCall[]): Promise<void> {
  for (const call of calls) {
    const { source, name } = call.kernel;
    if (!call.check || gpu.verified.has(source)) continue;
    const check = call.check();
    const error = await largestError(gpu, check);
    if (error <= check.tolerance) {
      gpu.verified.set(source, name);
      continue;
    }
    gpu.traits.disabledVariants.add(check.variant);
    throw new VariantDisabledError(check.variant, error, check.tolerance);
  }
}

/**
 * Builds something that selects kernels, again whenever a variant turned out wrong and was disabled.
 * @throws the last error when no variants are left to try
 */
export async function withCheckedVariants<T>(gpu: GpuContext, build: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const before = gpu.traits.disabledVariants.size;
    try {
      return await build();
    } catch (error) {
      const progressed = gpu.traits.disabledVariants.size > before;
      if (!(error instanceof VariantDisabledError) || !progressed || attempt > 32) throw error;
    }
  }
}

/** The profile of a device so far. */
export function kernelProfile(gpu: GpuContext): KernelProfile {
  const { vendor, architecture, description } = gpu.traits;
  return {
    adapter: [vendor, architecture, description].filter(Boolean).join(' '),
    verified: [...new Set(gpu.verified.values())].sort(),
    disabled: [...gpu.traits.disabledVariants].sort(),
  };
}

/** Runs the case once; NaN counts as infinitely wrong. */
async function largestError(gpu: GpuContext, check: KernelCheck): Promise<number> {
  const { expected } = check;
  const actual = await inPassingScope(gpu, (scope) => runCheck(scope, check));
  return actual.reduce((worst, value, index) => {
    const error = Math.abs(value - itemAt(expected, index));
    return error <= worst ? worst : Number.isFinite(error) ? error : Number.POSITIVE_INFINITY;
  }, 0);
}

/** The case's output. */
async function runCheck(scope: GpuScope, check: KernelCheck): Promise<Float32Array> {
  const { gpu } = scope;
  const { call, operands, output, expected } = check;
  const compiled = await gpu.pipelines.get(call.kernel);
  const regions = operands.map((operand, index) => {
    const region = scope.storage(operand.byteLength, `self-check ${call.kernel.name} ${index}`);
    gpu.write(region.buffer, 0, operand);
    return region;
  });
  const entries: GPUBindGroupEntry[] = regions.map(({ buffer }, binding) => ({
    binding,
    resource: { buffer },
  }));
  if (call.params) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const params = scope.buffer(call.params.byteLength, usage, 'self-check params');
    gpu.write(params, 0, call.params);
    entries.push({ binding: regions.length, resource: { buffer: params } });
  }
  const bytes = expected.length * 4;
  const staging = scope.buffer(bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, 'self-check');
  const group = gpu.bindGroup({ layout: compiled.layout, entries });
  const result = regions[output];
  if (!result) throw new GpuError('gpu/kernel-wrong', `The check of ${call.kernel.name} has no output.`);
  gpu.submit((encoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(call.grid[0], call.grid[1], call.grid[2]);
    pass.end();
    encoder.copyBufferToBuffer(result.buffer, 0, staging, 0, bytes);
  });
  return new Float32Array(await gpu.read(staging, bytes));
}
