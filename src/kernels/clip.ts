// Computes the global gradient norm over one arena and the factor that clips it, without leaving the GPU. A gradient
// that is not finite sets the skip flag, which makes the optimiser leave everything as it was.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, checkGrid, rowLayout } from './check';
import { reads, shaderCall, writes } from './shader';

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
  const layout = rowLayout(chunkSize(count), traits);
  const chunks = clipChunks(count);
  return shaderCall(
    {
      stem: 'square_sum',
      variant: `${layout.WG}`,
      defines: { ...layout },
      operands: [reads('gradient', count), writes('partials', 2 * chunks)],
      params: [{ u32: count }, { u32: chunkSize(count) }, { u32: chunks }],
      grid: [checkGrid('squareSum', Math.ceil(chunks / layout.ROWS)), 1, 1],
      flops: 3 * count,
      bytes: 4 * count,
    },
    traits,
  );
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
  const chunks = clipChunks(o.count);
  return shaderCall(
    {
      stem: 'clip_factor',
      operands: [reads('partials', 2 * chunks), writes('clip', 4)],
      params: [{ u32: chunks }, { f32: o.maxNorm }],
      grid: [1, 1, 1],
      flops: 2 * chunks,
      bytes: 8 * chunks,
    },
    traits,
  );
}
