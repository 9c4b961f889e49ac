// Tries whether a device has room for buffers of some sizes: makes them all in an error scope and frees them again.
// WebGPU tells nobody how much memory there is.

import type { GpuContext } from './device';

/** More is never tried: no device has it, and asking for it may end the graphics process. */
const MOST_BYTES = 2 ** 38;

/** Whether buffers of these sizes fit beside what is there. False when one is too large or memory runs out. */
export async function allocates(gpu: GpuContext, sizes: readonly number[]): Promise<boolean> {
  // Only tensors have to fit a binding, which their tracing checks; a buffer may hold many.
  const { maxBufferBytes } = gpu.traits;
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  if (total > MOST_BYTES || sizes.some((bytes) => bytes > maxBufferBytes)) return false;
  const { device } = gpu;
  device.pushErrorScope('out-of-memory');
  const made: GPUBuffer[] = [];
  let whole = true;
  try {
    for (const bytes of sizes) {
      made.push(device.createBuffer({ label: 'trial', size: bytes, usage: GPUBufferUsage.STORAGE }));
    }
  } catch (error) {
    // The browser itself had no room to describe the buffer.
    if (!(error instanceof RangeError)) throw error;
    whole = false;
  } finally {
    for (const buffer of made) buffer.destroy();
  }
  const error = await device.popErrorScope();
  return whole && error === null;
}
