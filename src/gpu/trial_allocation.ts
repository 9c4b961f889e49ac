// Tries whether a device has room for buffers of some sizes: makes them all in an error scope and frees them again.
// WebGPU tells nobody how much memory there is.

import { GpuError } from '../lib/errors';
import type { GpuContext } from './device';

/** More is never tried: no device has it, and asking for it may end the graphics process. */
const MOST_BYTES = 2 ** 38;
/** A software device takes the computer's own memory, touches all of it, and ends the graphics process where it runs out. */
const MOST_SOFTWARE_BYTES = 2 ** 32;

/** Most bytes that a trial asks a device for. */
export function mostTriedBytes({ traits }: Pick<GpuContext, 'traits'>): number {
  return traits.software ? MOST_SOFTWARE_BYTES : MOST_BYTES;
}

/**
 * Whether buffers of these sizes fit beside what is there. False when one is too large, when memory runs out, or when they
 * are more than {@link mostTriedBytes}.
 * @throws GpuError `gpu/device-lost` when the device went away meanwhile
 */
export async function allocates(gpu: GpuContext, sizes: readonly number[]): Promise<boolean> {
  // Only tensors have to fit a binding, which their tracing checks; a buffer may hold many.
  const { maxBufferBytes } = gpu.traits;
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  if (total > mostTriedBytes(gpu) || sizes.some((bytes) => bytes > maxBufferBytes)) return false;
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
  const error = await device.popErrorScope().catch((cause: unknown): never => {
    const message = 'The graphics device was lost while it was tried how much it holds.';
    throw new GpuError('gpu/device-lost', message, undefined, cause);
  });
  return whole && error === null;
}
