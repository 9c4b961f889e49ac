// Looks up embedding rows and puts image features in place of image tokens. The table is frozen under LoRA, so there
// is no gradient; an id past the vocabulary never reads outside the table.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { checkDimensions, elementGrid } from './check';
import { orMore, reads, shaderCall, writes } from './shader';

/** Shape and layout of an embedding look-up. */
export interface EmbeddingOptions {
  readonly tokens: number;
  readonly hidden: number;
  readonly vocab: number;
  /** Storage of the table; bf16 and f16 are packed two per u32 as in the safetensors file. */
  readonly weight: 'f32' | 'bf16' | 'f16';
  /** Token t reads word `t * idStride + idOffset` of ids: 1 and 0 for a list, 8 and 7 for decode sequences. */
  readonly idStride?: number;
  readonly idOffset?: number;
  /** Take rows of image features where `imageRows[t] >= 0`. */
  readonly images?: boolean;
}

/**
 * out[t] = the embedding of token t, or a row of image features.
 * Bindings: ids u32, table f32[vocab, hidden] (or u32 words of packed pairs), with `images` also imageFeatures
 * f32[*, hidden] and imageRows i32[tokens], out f32[tokens, hidden] (read_write).
 * @throws ShapeError for an empty shape or one that exceeds a binding
 */
export function embedding(o: EmbeddingOptions, traits: DeviceTraits): KernelCall {
  const { tokens, hidden, vocab, weight, idStride = 1, idOffset = 0, images = false } = o;
  checkDimensions('embedding', { tokens, hidden, vocab, idStride });
  const spliced = images ? [orMore(reads('imageFeatures', hidden)), reads('imageRows', tokens, 'i32')] : [];
  return shaderCall(
    {
      stem: 'embedding',
      variant: `${weight}${images ? '_images' : ''}`,
      defines: { WEIGHT: weight, IMAGES: images },
      operands: [
        orMore(reads('ids', (tokens - 1) * idStride + idOffset + 1, 'u32')),
        reads('table', vocab * hidden, weight),
        ...spliced,
        writes('out', tokens * hidden),
      ],
      params: [{ u32: tokens }, { u32: hidden }, { u32: vocab }, { u32: idStride }, { u32: idOffset }],
      grid: elementGrid(tokens * hidden),
      flops: 0,
      bytes: tokens * hidden * (weight === 'f32' ? 8 : 6),
    },
    traits,
  );
}
