// Runs one kernel call on typed arrays and returns what it wrote. For kernel tests only: it allocates, submits and waits.

import type { GpuContext } from '../../src/gpu/device';
import { BYTES_PER_ELEMENT, type KernelCall, type OperandSpec } from '../../src/gpu/kernel';

/** An operand: contents to upload, in binding order. `read_write` operands come back in the result. */
export type Operand = Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

/**
 * Uploads operands, dispatches once (or `repeat` times), reads every `read_write` operand back.
 * Buffers are over-allocated with NaN bit patterns around the data, so reads out of range show.
 * @returns one array per binding (same type and length as given); read-only ones are returned unchanged
 */
export async function runCall(
  gpu: GpuContext,
  call: KernelCall,
  operands: readonly Operand[],
  repeat = 1,
): Promise<Operand[]> {
  const { device } = gpu;
  const { kernel } = call;
  if (operands.length !== kernel.bindings.length) {
    throw new Error(`${kernel.name} takes ${kernel.bindings.length} operands, got ${operands.length}`);
  }
  call.operands.forEach((spec, index) => {
    checkOperand(kernel.name, spec, operands[index]!);
  });
  const compiled = await gpu.pipelines.get(kernel);
  const buffers = operands.map((operand, index) => upload(gpu, operand, `operand ${index}`));
  const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({
    binding,
    resource: { buffer, size: bound(operands[binding]!) },
  }));
  if (call.params) {
    const params = gpu.createBuffer(
      call.params.byteLength,
      GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      'params',
    );
    device.queue.writeBuffer(params, 0, call.params as Uint32Array<ArrayBuffer>);
    entries.push({ binding: buffers.length, resource: { buffer: params } });
    buffers.push(params);
  }
  const group = device.createBindGroup({ layout: compiled.layout, entries });
  const encoder = device.createCommandEncoder();
  for (let i = 0; i < repeat; i++) {
    const pass = encoder.beginComputePass();
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...call.grid);
    pass.end();
  }
  const results: (Operand | GPUBuffer)[] = operands.map((operand, index) => {
    if (kernel.bindings[index] === 'read') return operand;
    const staging = gpu.createBuffer(
      bound(operand),
      GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      'staging',
    );
    encoder.copyBufferToBuffer(buffers[index]!, 0, staging, 0, bound(operand));
    return staging;
  });
  device.queue.submit([encoder.finish()]);
  const read = await Promise.all(results.map((result, index) => download(gpu, result, operands[index]!)));
  for (const buffer of buffers) gpu.destroyBuffer(buffer);
  await gpu.fence();
  return read;
}

/** Tests must give what the wrapper says that its call takes. */
function checkOperand(kernel: string, { name, count, dtype, orMore }: OperandSpec, given: Operand): void {
  const bytes = Math.ceil((count * BYTES_PER_ELEMENT[dtype]) / 4) * 4;
  const padded = Math.ceil(given.byteLength / 4) * 4;
  if (orMore ? padded < bytes : padded !== bytes)
    throw new Error(`${kernel}: ${name} takes ${bytes} bytes, the test gives ${padded}`);
}

function bound(operand: Operand): number {
  return Math.max(16, Math.ceil(operand.byteLength / 16) * 16);
}

function upload(gpu: GpuContext, operand: Operand, label: string): GPUBuffer {
  const size = bound(operand);
  const buffer = gpu.createBuffer(
    size,
    GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    label,
  );
  const bytes = new Uint8Array(size).fill(0xff);
  bytes.set(new Uint8Array(operand.buffer, operand.byteOffset, operand.byteLength));
  gpu.device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

async function download(gpu: GpuContext, result: Operand | GPUBuffer, like: Operand): Promise<Operand> {
  if (ArrayBuffer.isView(result)) return result as Operand;
  const staging = result as GPUBuffer;
  await staging.mapAsync(GPUMapMode.READ);
  const copy = staging.getMappedRange().slice(0, like.byteLength);
  staging.unmap();
  gpu.destroyBuffer(staging);
  return new (like.constructor as new (buffer: ArrayBuffer) => Operand)(copy);
}
