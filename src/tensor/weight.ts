// Defines the handle of a matrix of weights: its shape, its storage format, and the shards of rows that hold it. A matrix
// may exceed what one binding takes; a shard never does. Consumers iterate over shards and never assume that there is one.

import { BINDING_ALIGNMENT } from '../gpu/buffer_region';
import { BYTES_PER_ELEMENT } from '../gpu/kernel';
import { type WeightFormat, weightPlanes } from '../kernels/weight_format';
import { GpuError, ShapeError } from '../lib/errors';
import { externalTensor, sizesOf, type Tensor, tensorBytes } from './trace';

/** Rows [firstRow, firstRow + rows) of a weight. */
export interface WeightShard {
  readonly firstRow: number;
  readonly rows: number;
  /** The parts that the format stores, each within one binding: [rows, inputs] values. */
  readonly planes: readonly Tensor[];
}

/** A matrix [outputs, inputs] as linear layers, embeddings and the vocabulary's log-probabilities read it. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly [number, number];
  readonly format: WeightFormat;
  /** In ascending order of rows, without gaps. */
  readonly shards: readonly WeightShard[];
  /** Gradients flow to it; it is then one f32 shard. */
  readonly requiresGrad: boolean;
}

/** A part of a weight may begin at any multiple of so many rows: whatever width and format, its planes start at 256 bytes. */
export const ROW_UNIT = 128;
/** Sums over rows take them by four: shards of other sizes would sum in another order. */
const SUMMED_ROWS = 4;

/**
 * A matrix that one tensor holds.
 * @param tensor [outputs, inputs] f32, bf16 or f16
 * @throws ShapeError for another type or rank, or a packed matrix that requires a gradient
 */
export function denseWeight(tensor: Tensor): Weight {
  const { name, dtype, requiresGrad } = tensor;
  const shape = sizesOf(tensor, 2);
  if (dtype !== 'f32' && dtype !== 'bf16' && dtype !== 'f16')
    throw new ShapeError(`The matrix ${name} is ${dtype}; a weight takes f32, bf16 or f16.`);
  if (requiresGrad && dtype !== 'f32') throw new ShapeError(`${name} is ${dtype}; only f32 weights train.`);
  const shard = { firstRow: 0, rows: shape[0], planes: [tensor] };
  return { name, shape, format: dtype, shards: [shard], requiresGrad };
}

/** Fewest rows by which the planes of a matrix can be cut at multiples of the alignment of bindings. */
function rowUnit(rowBytes: readonly number[]): number {
  let unit = SUMMED_ROWS;
  while (rowBytes.some((bytes) => (unit * bytes) % BINDING_ALIGNMENT !== 0)) unit *= 2;
  return unit;
}

/**
 * Runs of rows whose planes fit a binding of `limit` bytes each: as few as possible.
 * @throws GpuError `gpu/limit` when not even the fewest rows that can be cut off fit
 */
export function shardRows(
  name: string,
  format: WeightFormat,
  [rows, width]: readonly [number, number],
  limit: number,
): Pick<WeightShard, 'firstRow' | 'rows'>[] {
  const planes = weightPlanes(format, width).map(({ dtype, columns }) => columns * BYTES_PER_ELEMENT[dtype]);
  const fit = Math.floor(limit / Math.max(...planes));
  const unit = rowUnit(planes);
  const size = fit >= rows ? rows : Math.floor(fit / unit) * unit;
  if (size < 1) {
    const need = unit * Math.max(...planes);
    const message = `${name} needs ${need} bytes in one binding; this device allows ${limit}. Pick a smaller model.`;
    throw new GpuError('gpu/limit', message, { tensor: name, need, have: limit });
  }
  const count = Math.ceil(rows / size);
  return Array.from({ length: count }, (_, index) => {
    const firstRow = index * size;
    return { firstRow, rows: Math.min(size, rows - firstRow) };
  });
}

/** The tensor that receives a weight's gradient; undefined for a frozen weight. */
export function trainedTensor(weight: Weight): Tensor | undefined {
  return weight.requiresGrad ? weight.shards[0]?.planes[0] : undefined;
}

/**
 * The rows [first, first + rows) of a weight as shards, each a view of one of the weight's shards.
 * @param first a multiple of {@link ROW_UNIT}
 * @throws ShapeError when a part of a shard is wanted whose planes have no memory of their own yet
 */
export function rowsOf(weight: Weight, first: number, rows: number): WeightShard[] {
  const shards: WeightShard[] = [];
  for (const shard of weight.shards) {
    const from = Math.max(first, shard.firstRow);
    const to = Math.min(first + rows, shard.firstRow + shard.rows);
    if (to <= from) continue;
    const whole = to - from === shard.rows;
    const planes = whole ? shard.planes : shard.planes.map((plane) => view(plane, shard, from, to));
    shards.push({ firstRow: from, rows: to - from, planes });
  }
  return shards;
}

function view(plane: Tensor, shard: WeightShard, from: number, to: number): Tensor {
  const [, width] = sizesOf(plane, 2);
  if (!plane.region) throw new ShapeError(`${plane.name} must be a stored weight to be read in parts.`);
  const rowBytes = tensorBytes({ shape: [width], dtype: plane.dtype });
  const { buffer, offset } = plane.region;
  const region = {
    buffer,
    offset: offset + (from - shard.firstRow) * rowBytes,
    bytes: Math.ceil(((to - from) * rowBytes) / 4) * 4,
  };
  return externalTensor(`${plane.name} from ${from}`, [to - from, width], plane.dtype, region);
}
