// Looks up embedding rows and puts image features in place of image tokens. The table is frozen under LoRA, so there
// is no gradient; an id past the vocabulary never reads outside the table.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { orMore, reads, shaderCall, touching, writes } from './shader';
import {
  type WeightFormat,
  weightDefines,
  weightOperands,
  weightPlanes,
  weightRowBytes,
} from './weight_format';

/** Shape and layout of an embedding look-up. */
export interface EmbeddingOptions {
  readonly tokens: number;
  readonly hidden: number;
  readonly vocab: number;
  /** Storage of the table. */
  readonly weight: WeightFormat;
  /** Token t reads word `t * idStride + idOffset` of ids: 1 and 0 for a list, 8 and 7 for decode sequences. */
  readonly idStride?: number;
  readonly idOffset?: number;
  /** The table holds these rows of the vocabulary alone: other tokens' rows of `out` stay as they are. */
  readonly shard?: { readonly firstRow: number; readonly rows: number };
  /** Take rows of image features where `imageRows[t] >= 0`. */
  readonly images?: boolean;
}

/**
 * out[t] = the embedding of token t, or a row of image features.
 * Bindings: ids u32, the planes of the table [rows, hidden], with `images` also imageFeatures
 * f32[*, hidden] and imageRows i32[tokens], out f32[tokens, hidden] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function embedding(o: EmbeddingOptions, traits: DeviceTraits): KernelCall {
  const { tokens, hidden, vocab, weight, idStride = 1, idOffset = 0, images = false } = o;
  const { firstRow, rows } = o.shard ?? { firstRow: 0, rows: vocab };
  checkDimensions('embedding', { tokens, hidden, vocab, rows, idStride });
  const spliced = images ? [orMore(reads('imageFeatures', hidden)), reads('imageRows', tokens, 'i32')] : [];
  const table = weightOperands('table', weight, rows, hidden).map((plane) =>
    touching(plane, Math.ceil((tokens * plane.count) / rows)),
  );
  const stride = weightPlanes(weight, hidden)[0]?.columns ?? hidden;
  const next = 1 + table.length;
  const bindings = images
    ? { FEATURES: next, ROWS: next + 1, OUT: next + 2, PARAMS: next + 3 }
    : { OUT: next, PARAMS: next + 1 };
  return shaderCall(
    {
      stem: 'embedding',
      variant: `${weight}${images ? '_images' : ''}${o.shard ? '_shard' : ''}`,
      defines: { ...weightDefines(weight), IMAGES: images, SHARD: o.shard !== undefined, ...bindings },
      operands: [
        orMore(reads('ids', (tokens - 1) * idStride + idOffset + 1, 'u32')),
        ...table,
        ...spliced,
        writes('out', tokens * hidden),
      ],
      params: [tokens, hidden, vocab, idStride, idOffset, firstRow, rows, stride].map((u32) => ({ u32 })),
      grid: elementGrid(tokens * hidden),
      flops: 0,
      bytes: tokens * (4 * hidden + weightRowBytes(weight, hidden)),
    },
    traits,
  );
}
