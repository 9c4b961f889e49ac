// Rows from tables: token embeddings with image features in place of image tokens, features added to rows, blended and
// selected rows. Frozen: gradients reach neither tables nor features; `gatherRows` and `addRows` pass them to their input.

import { addRows as addRowsKernel } from '../../kernels/add_rows';
import { BLEND_TAPS, blendRows as blendRowsKernel } from '../../kernels/blend_rows';
import { embedding as embeddingKernel } from '../../kernels/embedding';
import {
  gatherRows as gatherRowsKernel,
  placeRows as placeRowsKernel,
  scatterRows,
} from '../../kernels/gather_rows';
import { ShapeError } from '../../lib/errors';
import { elementCount, sizeAt, type Tensor, type Trace } from '../trace';
import type { Weight } from '../weight';

/** Where token ids come from: element `t · stride + offset` of `ids`. */
export interface TokenIds {
  readonly ids: Tensor;
  readonly stride: number;
  readonly offset: number;
}

/** Image features that replace the embeddings of image tokens. */
export interface ImageFeatures {
  /** [N, C] f32 */
  readonly features: Tensor;
  /** i32 [T]: row of `features`, or -1 to take the token's embedding. */
  readonly rows: Tensor;
}

/**
 * Embeddings of tokens.
 * @param table [V, C]
 * @returns     [T, C] f32
 */
export function embed(
  trace: Trace,
  table: Weight,
  { ids, stride, offset }: TokenIds,
  tokens: number,
  images?: ImageFeatures,
): Tensor {
  const [vocab, hidden] = table.shape;
  const out = trace.activation('embeddings', [tokens, hidden]);
  const layout = { tokens, hidden, vocab, weight: table.format, idStride: stride, idOffset: offset };
  for (const { firstRow, rows, planes } of table.shards) {
    const shard = rows === vocab ? {} : { shard: { firstRow, rows } };
    const call = embeddingKernel({ ...layout, images: images !== undefined, ...shard }, trace.traits);
    trace.emit(call, [ids, ...planes, ...(images ? [images.features, images.rows] : []), out]);
  }
  return out;
}

/**
 * out[r] = x[index[r]].
 * @param x     [T, C] f32
 * @param index u32 [R]; distinct when gradients are needed
 * @param into  writes there instead of a fresh tensor
 * @returns     [R, C] f32
 */
export function gatherRows(trace: Trace, x: Tensor, index: Tensor, into?: Tensor): Tensor {
  const cols = sizeAt(x, -1);
  const rows = elementCount(index.shape);
  const out = into ?? trace.activation(`${x.name} rows`, [rows, cols], 'f32', x.requiresGrad);
  trace.emit(gatherRowsKernel({ rows, cols }, trace.traits), [x, index, out]);
  trace.record({
    name: 'gather_rows',
    inputs: [x],
    outputs: [out],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dx = trace.activation(`d${x.name}`, x.shape);
      const total = elementCount(x.shape) / cols;
      for (const { call, operands } of scatterRows({ rows, cols, total }, trace.traits)) {
        trace.emit(
          call,
          operands.map((role) => ({ dy, index, dx })[role]),
        );
      }
      gradients.add(x, dx);
    },
  });
  return out;
}

/**
 * into[index[r]] = x[r]; other rows of `into` keep what they hold. Frozen: for features that are kept.
 * @param x     [R, C] f32
 * @param index u32 [R], distinct
 * @param into  [≥ rows that are named, C] f32, external
 * @throws ShapeError when x requires a gradient
 */
export function placeRows(trace: Trace, x: Tensor, index: Tensor, into: Tensor): void {
  if (x.requiresGrad) throw new ShapeError(`${x.name} requires a gradient; placed rows are frozen.`);
  const cols = sizeAt(x, -1);
  trace.emit(placeRowsKernel({ rows: elementCount(index.shape), cols }, trace.traits), [x, index, into]);
}

/**
 * y[t] = x[t] + features[rows[t] + offset], and x[t] where rows[t] is negative.
 * @param x [T, C] f32
 * @returns [T, C] f32
 */
export function addRows(trace: Trace, x: Tensor, { features, rows }: ImageFeatures, offset: number): Tensor {
  const cols = sizeAt(x, -1);
  const y = trace.activation(`${x.name}+${features.name}`, x.shape, 'f32', x.requiresGrad);
  const call = addRowsKernel({ count: elementCount(x.shape) / cols, cols, offset }, trace.traits);
  trace.emit(call, [x, features, rows, y]);
  trace.record({
    name: 'add_rows',
    inputs: [x],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (dy) gradients.pass(x, dy);
    },
  });
  return y;
}

/**
 * out[r] = Σ_j weights[r, j] · table[index[r, j]] over four rows.
 * @param table   [N, C] f32, frozen
 * @param index   u32 [R, 4]
 * @param weights [R, 4] f32
 * @returns       [R, C] f32
 * @throws ShapeError when the table requires a gradient
 */
export function blendRows(trace: Trace, table: Tensor, index: Tensor, weights: Tensor): Tensor {
  if (table.requiresGrad)
    throw new ShapeError(`${table.name} requires a gradient; blended tables are frozen.`);
  const cols = sizeAt(table, -1);
  const rows = elementCount(index.shape) / BLEND_TAPS;
  const out = trace.activation(`${table.name} rows`, [rows, cols]);
  trace.emit(blendRowsKernel({ rows, cols }, trace.traits), [table, index, weights, out]);
  return out;
}
