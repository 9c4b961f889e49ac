// Gives tensors memory of their own on the device, writes it and reads it back. Reading waits for the queue and makes a
// staging buffer: loops read through a ReadbackRing instead.

import type { BufferRegion } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { type GpuScope, inPassingScope } from '../gpu/gpu_scope';
import type { DType } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { externalTensor, type StoredTensor, tensorBytes } from './trace';

/**
 * A zeroed tensor that a scope owns.
 * @throws GpuError `gpu/limit` when it does not fit one buffer
 */
export function allocateTensor(
  scope: GpuScope,
  name: string,
  shape: readonly number[],
  dtype: DType,
): StoredTensor {
  return externalTensor(name, shape, dtype, scope.storage(tensorBytes({ shape, dtype }), name));
}

/**
 * Writes host values into a tensor, at queue order.
 * @param at elements of 4 bytes to skip
 * @throws ShapeError when they do not fit
 */
export function writeTensor(
  gpu: GpuContext,
  { name, region }: StoredTensor,
  data: Float32Array | Uint32Array,
  at = 0,
): void {
  if (4 * at + data.byteLength > region.bytes)
    throw new ShapeError(`${name} has ${region.bytes} bytes; ${data.length} values at ${at} do not fit.`);
  gpu.write(region.buffer, region.offset + 4 * at, data);
}

/**
 * Reads an f32 tensor with memory of its own, e.g. an adapter's arena, through a staging buffer made for it.
 * @throws ShapeError when it is of another type
 */
export async function readTensor(gpu: GpuContext, tensor: StoredTensor): Promise<Float32Array<ArrayBuffer>> {
  if (tensor.dtype !== 'f32') throw new ShapeError(`${tensor.name} is ${tensor.dtype}; f32 is read.`);
  return new Float32Array(await readRegion(gpu, tensor.region, tensorBytes(tensor), tensor.name));
}

/** Largest staging buffer: an adapter's arena may be some hundred megabytes, beside what a run fills the device with. */
const STAGING_BYTES = 1 << 24;

/** Copies the first `length` bytes of a region to the host, piece by piece through a staging buffer made for it. */
export function readRegion(
  gpu: GpuContext,
  { buffer, offset }: BufferRegion,
  length: number,
  label: string,
): Promise<ArrayBuffer> {
  const size = Math.min(STAGING_BYTES, Math.ceil(length / 4) * 4);
  return inPassingScope(gpu, async (scope) => {
    const staging = scope.buffer(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, `read ${label}`);
    const whole = new Uint8Array(length);
    for (let at = 0; at < length; at += size) {
      const rest = Math.min(size, length - at);
      const bytes = Math.ceil(rest / 4) * 4;
      gpu.submit((encoder) => encoder.copyBufferToBuffer(buffer, offset + at, staging, 0, bytes));
      whole.set(new Uint8Array(await gpu.read(staging, rest), 0, rest), at);
    }
    return whole.buffer;
  });
}
