// Times calls of kernels by themselves, on operands of zeros: many dispatches in one submit, as often as it takes for the
// clock to see them. Benches and the check of a device use it.

import type { GpuContext } from './device';
import { type GpuScope, inPassingScope } from './gpu_scope';
import { BYTES_PER_ELEMENT, type KernelCall } from './kernel';

/** Samples, of which the median counts. */
const SAMPLES = 3;

/**
 * Milliseconds of one dispatch, the median over samples that last `sampleMs` each or a little longer.
 * @throws GpuError `gpu/limit` where an operand is larger than a buffer may be; the signal's reason when aborted
 */
export function measureCall(
  gpu: GpuContext,
  call: KernelCall,
  o: { readonly sampleMs: number; readonly now: () => number; readonly signal?: AbortSignal },
): Promise<number> {
  return inPassingScope(gpu, async (scope) => {
    const dispatch = await prepare(scope, call);
    const time = async (count: number): Promise<number> => {
      o.signal?.throwIfAborted();
      const began = o.now();
      gpu.submit((encoder) => dispatch(encoder, count));
      await gpu.fence();
      return Math.max(o.now() - began, 0.01);
    };
    // The first run compiles, and touches memory for the first time.
    await time(1);
    let count = 1;
    for (let took = await time(count); took < o.sampleMs; took = await time(count)) {
      count = Math.ceil(count * Math.min(8, (1.3 * o.sampleMs) / took));
    }
    const samples: number[] = [];
    while (samples.length < SAMPLES) samples.push((await time(count)) / count);
    return samples.sort((a, b) => a - b)[SAMPLES >> 1] as number;
  });
}

/** Buffers of zeros for every operand; gives what encodes some dispatches. */
async function prepare(
  scope: GpuScope,
  call: KernelCall,
): Promise<(encoder: GPUCommandEncoder, count: number) => void> {
  const { gpu } = scope;
  const compiled = await gpu.pipelines.get(call.kernel);
  const entries: GPUBindGroupEntry[] = call.operands.map(({ name, dtype, count }, binding) => {
    const { buffer } = scope.storage(count * BYTES_PER_ELEMENT[dtype], `measured ${name}`);
    return { binding, resource: { buffer } };
  });
  if (call.params) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = scope.buffer(call.params.byteLength, usage, 'measured params');
    gpu.write(buffer, 0, call.params);
    entries.push({ binding: entries.length, resource: { buffer } });
  }
  const group = gpu.bindGroup({ layout: compiled.layout, entries });
  return (encoder, count) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, group);
    for (let at = 0; at < count; at++) pass.dispatchWorkgroups(...call.grid);
    pass.end();
  };
}
