// Averages over heads what the attention kernels captured, and writes it in the order that the host reads: one row
// per sequence. Sums run over heads in order, so they repeat bit for bit.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall } from '../gpu/kernel';
import { checkPositive } from './attention_shape';
import { KEY_CLASSES } from './sequence_words';
import { reads, shaderCall, writes } from './shader';

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
export function captureReduce(o: CaptureReduceOptions, traits: DeviceTraits): KernelCall {
  checkPositive('captureReduce', { batch: o.batch, layers: o.layers, heads: o.heads });
  const { batch, layers, heads, mapLayers, mapSize } = o;
  const mapCells = batch * mapLayers * mapSize;
  const map = mapCells > 0;
  const cells = batch * layers * KEY_CLASSES + mapCells;
  return shaderCall(
    {
      stem: 'capture_reduce',
      variant: map ? 'maps' : '',
      defines: { MAP: map },
      operands: [
        reads('masses', batch * layers * heads * KEY_CLASSES),
        ...(map ? [reads('map', mapCells * heads)] : []),
        writes('shares', batch * layers * KEY_CLASSES),
        ...(map ? [writes('maps', mapCells)] : []),
      ],
      params: [{ u32: batch }, { u32: layers }, { u32: heads }, { u32: mapLayers }, { u32: mapSize }],
      grid: foldGrid(Math.ceil(cells / 64)),
      flops: cells * heads,
      bytes: 4 * cells * (heads + 1),
    },
    traits,
  );
}
