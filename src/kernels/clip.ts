// Global gradient norm over one arena and the factor that clips it, without leaving the GPU. Not clipping by value.
// Invariant: a non-finite gradient sets the skip flag, which makes the optimizer step leave everything as it was.

import type { DeviceTraits } from '../gpu/device';
import { type KernelCall, packParams } from '../gpu/kernel';
import { checkBinding, checkDimensions, checkGrid, rowLayout } from './check';
import { shaderKernel } from './shader';

const MAX_CHUNKS = 256;
const MIN_CHUNK = 256;

/** Chunks of an arena of `count` elements: the partials of `squareSum` are f32[chunks, 2]. */
export function clipChunks(count: number): number {
  return Math.ceil(count / chunkSize(count));
}

function chunkSize(count: number): number {
  return Math.max(MIN_CHUNK, Math.ceil(count / MAX_CHUNKS));
}

/**
 * Sums of squares and numbers of non-finite elements, chunk by chunk.
 * Bindings: gradient f32[count], partials f32[clipChunks(count), 2] (read_write).
 * @throws ShapeError for an empty arena or one that exceeds a binding
 */
export function squareSum(o: { readonly count: number }, traits: DeviceTraits): KernelCall {
  const { count } = o;
  checkDimensions('squareSum', { count });
  checkBinding('squareSum', 'gradient', count, traits);
  const layout = rowLayout(chunkSize(count), traits);
  const chunks = clipChunks(count);
  return {
    kernel: shaderKernel('square_sum', `${layout.WG}`, { ...layout }, ['read', 'read_write']),
    params: packParams([{ u32: count }, { u32: chunkSize(count) }, { u32: chunks }]),
    grid: [checkGrid('squareSum', Math.ceil(chunks / layout.ROWS)), 1, 1],
    flops: 3 * count,
    bytes: 4 * count,
  };
}

/**
 * factor = min(1, maxNorm / (norm + 1e-6)), as torch's clip_grad_norm_; `maxNorm` 0 never clips.
 * Bindings: partials f32[clipChunks(count), 2], clip f32[4] = factor, norm, skip (1 when not finite), 0 (read_write).
 */
export function clipFactor(
  o: { readonly count: number; readonly maxNorm: number },
  traits: DeviceTraits,
): KernelCall {
  checkDimensions('clipFactor', { count: o.count });
  checkBinding('clipFactor', 'gradient', o.count, traits);
  const chunks = clipChunks(o.count);
  return {
    kernel: shaderKernel('clip_factor', '', {}, ['read', 'read_write']),
    params: packParams([{ u32: chunks }, { f32: o.maxNorm }]),
    grid: [1, 1, 1],
    flops: 2 * chunks,
    bytes: 8 * chunks,
  };
}
