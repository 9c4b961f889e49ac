// Rows from tables: token embeddings with image features in place of image tokens, and selection of rows.
// Frozen: gradients reach neither the table nor the features; `gatherRows` passes them to its input.

import { embedding as embeddingKernel } from '../../kernels/embedding';
import { gatherRows as gatherRowsKernel, scatterRows } from '../../kernels/gather_rows';
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
