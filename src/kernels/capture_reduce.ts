// Head means of what the attention kernels captured, in the order that the host reads: one row per sequence.
// Not the ratio itself (that is the recorder's business). Invariant: sums run over heads in order.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall, packParams } from '../gpu/kernel';
import { checkPositive } from './attention_shape';
import { shaderKernel } from './shader';

/** Sizes of a capture reduction. mapLayers or mapSize 0: no maps. */
export interface CaptureReduceOptions {
  readonly batch: number;
  readonly layers: number;
  readonly heads: number;
  readonly mapLayers: number;
  readonly mapSize: number;
}

/**
 * Means over heads. Operands: masses f32[layers, B, heads, 5], [map f32[mapLayers, B, heads, mapSize]],
 * shares f32[B, layers, 5], [maps f32[B, mapLayers, mapSize]]; those in brackets exist when mapLayers and mapSize are > 0.
 *
 * @throws ShapeError for sizes below 1 (mapLayers and mapSize may be 0)
 */
export function captureReduce(o: CaptureReduceOptions, _traits: DeviceTraits): KernelCall {
  checkPositive('captureReduce', { batch: o.batch, layers: o.layers, heads: o.heads });
  const mapCells = o.batch * o.mapLayers * o.mapSize;
  const map = mapCells > 0;
  const cells = o.batch * o.layers * 5 + mapCells;
  return {
    kernel: shaderKernel(
      'capture_reduce',
      map ? 'maps' : '',
      { MAP: map },
      map ? ['read', 'read', 'read_write', 'read_write'] : ['read', 'read_write'],
    ),
    params: packParams([
      { u32: o.batch },
      { u32: o.layers },
      { u32: o.heads },
      { u32: o.mapLayers },
      { u32: o.mapSize },
    ]),
    grid: foldGrid(Math.ceil(cells / 64)),
    flops: cells * o.heads,
    bytes: 4 * cells * (o.heads + 1),
  };
}
