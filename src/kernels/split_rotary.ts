// Splits the fused q, k, v projection and applies rotary embedding in the same pass: forward, backward, and the
// decode form that writes k and v straight into the cache. The host computes the cos and sin tables. Channel j pairs
// with j + HS/2 (rotate_half), as in Hugging Face.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { type CacheShape, cacheDefines, cacheOperand, cacheParams, checkCache } from './cache_shape';
import { checkDimensions, elementGrid } from './check';
import { SEQUENCE_WORDS } from './sequence_words';
import { orMore, reads, shaderCall, touching, writes } from './shader';

/** Shape of a fused projection of `tokens` rows with (heads + 2 kvHeads) heads of headSize. */
export interface SplitRotaryOptions {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Floats from one head to the next in q, k, v and the caches, headSize by default; zeros past headSize. */
  readonly headStride?: number | undefined;
}

/** Shape of the decode form: one new token for each of `batch` sequences. */
export interface SplitRotaryAppendOptions extends Omit<SplitRotaryOptions, 'tokens'> {
  readonly batch: number;
  readonly cache: CacheShape;
}

function strideOf(o: Pick<SplitRotaryOptions, 'headSize' | 'headStride'>): number {
  return o.headStride ?? o.headSize;
}

function check(name: string, o: SplitRotaryOptions): void {
  const { tokens, heads, kvHeads, headSize } = o;
  checkDimensions(name, { tokens, heads, kvHeads, headSize });
  if (headSize % 2)
    throw new ShapeError(`${name}: headSize is ${headSize}; rotary embedding needs an even one.`);
  if (strideOf(o) < headSize)
    throw new ShapeError(`${name}: headStride is ${strideOf(o)}, less than headSize, ${headSize}.`);
}

/** What all forms of the kernel have in common, with their operands by name. */
function parts(o: SplitRotaryOptions, cache?: CacheShape) {
  const { tokens, heads, kvHeads, headSize } = o;
  const stride = strideOf(o);
  const elements = tokens * (heads + 2 * kvHeads) * headSize;
  return {
    sizes: { qkv: elements, q: tokens * heads * stride, k: tokens * kvHeads * stride },
    tables: [orMore(reads('cos', headSize / 2)), orMore(reads('sin', headSize / 2))],
    rows: reads('rows', tokens, 'u32'),
    params: [
      ...[tokens, heads, kvHeads, headSize / 2, stride].map((u32) => ({ u32 })),
      ...(cache ? cacheParams(cache) : []),
    ],
    cost: { grid: elementGrid(elements / 2), flops: 3 * elements, bytes: 4 * 2 * elements },
  };
}

/**
 * q, k rotated and v copied out of the fused projection.
 * Bindings: qkv f32[tokens, (heads + 2 kvHeads) * headSize], cos f32[P, headSize/2], sin f32[P, headSize/2],
 * rows u32[tokens] (table row of each token), q f32[tokens, heads, headStride], k and v f32[tokens, kvHeads, headStride].
 * @throws ShapeError for an odd headSize, an empty shape, or one that exceeds a binding
 */
export function splitRotary(o: SplitRotaryOptions, traits: DeviceTraits): KernelCall {
  check('splitRotary', o);
  const { sizes, tables, rows, params, cost } = parts(o);
  return shaderCall(
    {
      stem: 'split_rotary',
      defines: { APPEND: false },
      operands: [
        reads('qkv', sizes.qkv),
        ...tables,
        rows,
        writes('q', sizes.q),
        writes('k', sizes.k),
        writes('v', sizes.k),
      ],
      params,
      ...cost,
    },
    traits,
  );
}

/**
 * The decode form of `splitRotary`: k and v go to cache cell [slot, head, length] of their sequence.
 * Bindings: qkv f32[batch, (heads + 2 kvHeads) * headSize], cos f32[P, headSize/2], sin f32[P, headSize/2],
 * sequences u32[batch, 8] (word 0 slot, 1 key index, 4 table row, 6 done), q f32[batch, heads, headStride],
 * kCache and vCache of heads of headStride as cache_shape.ts lays them out (read_write, other cells untouched).
 * A finished sequence, or a full slot, stores nothing in the caches.
 * @throws ShapeError as {@link splitRotary}, or for an odd headStride with f16; GpuError `gpu/limit`
 */
export function splitRotaryAppend(o: SplitRotaryAppendOptions, traits: DeviceTraits): KernelCall {
  const shape = { ...o, tokens: o.batch };
  check('splitRotaryAppend', shape);
  const { cache } = o;
  checkCache('splitRotaryAppend', cache);
  const headSize = strideOf(o);
  if (cache.format === 'f16' && headSize % 2)
    throw new ShapeError(
      `splitRotaryAppend: headStride is ${headSize}; a cache of f16 pairs needs an even one.`,
    );
  const { sizes, tables, params, cost } = parts(shape, cache);
  const heads = { kvHeads: o.kvHeads, headSize };
  return shaderCall(
    {
      stem: 'split_rotary',
      variant: `append_${cache.format}`,
      defines: { APPEND: true, ...cacheDefines(cache.format) },
      operands: [
        reads('qkv', sizes.qkv),
        ...tables,
        reads('sequences', SEQUENCE_WORDS * o.batch, 'u32'),
        writes('q', sizes.q),
        touching(cacheOperand('kCache', 'read_write', cache, heads), sizes.k),
        touching(cacheOperand('vCache', 'read_write', cache, heads), sizes.k),
      ],
      params,
      ...cost,
    },
    traits,
  );
}

/**
 * dqkv from dq, dk, dv: the inverse rotation, and the copy back.
 * Bindings: dq f32[tokens, heads, headStride], dk and dv f32[tokens, kvHeads, headStride], cos, sin, rows as in
 * `splitRotary`, dqkv f32[tokens, (heads + 2 kvHeads) * headSize] (read_write).
 */
export function splitRotaryBackward(o: SplitRotaryOptions, traits: DeviceTraits): KernelCall {
  check('splitRotaryBackward', o);
  const { sizes, tables, rows, params, cost } = parts(o);
  return shaderCall(
    {
      stem: 'split_rotary_backward',
      operands: [
        reads('dq', sizes.q),
        reads('dk', sizes.k),
        reads('dv', sizes.k),
        ...tables,
        rows,
        writes('dqkv', sizes.qkv),
      ],
      params,
      ...cost,
    },
    traits,
  );
}
