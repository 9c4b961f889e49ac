// Computes the gradients of segment attention in three deterministic calls: row statistics, dq, then dk and dv. It
// uses no atomics and no operand of size tokens × keys; docs/kernels/attention_backward.md derives it.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall, type OperandSpec } from '../gpu/kernel';
import { checkHeads, checkPositive, type HeadShape } from './attention_shape';
import {
  type AttentionVariant,
  attentionVariant,
  backwardDefines,
  DIRECT_THREADS,
  headSizeClass,
} from './attention_stream';
import { reads, shaderCall, writes } from './shader';

/** Sizes of the gradient calls: those of the forward call. */
export interface SegmentAttentionBackwardOptions extends HeadShape {
  /** Query rows. */
  readonly tokens: number;
  /** Key rows. */
  readonly keys: number;
  /** Factor on q·k, as in the forward call. */
  readonly scale: number;
  /** Keys that a row sees on average, for the cost estimate; default: all. */
  readonly keysPerRow?: number;
}

/** Largest head whose loops the direct variant writes out: twice that takes software adapters seconds to compile. */
const UNROLLED_HEAD_SIZE = 32;

/** Vectors per tile: fewer for large heads, whose sums would outgrow the 8 KiB of a thread's variables. */
function tileRows(headSize: number): number {
  return headSize > 128 ? 2 : 4;
}

/**
 * Row statistics that both gradients need: stats = {lse, rowsum(dOut ∘ out)}.
 *
 * Operands: dOut, out f32[tokens, heads, HS], lse f32[tokens, heads], stats f32[tokens, heads, 2].
 *
 * @throws ShapeError for sizes that do not fit
 */
export function attentionDelta(o: SegmentAttentionBackwardOptions, traits: DeviceTraits): KernelCall {
  check('attentionDelta', o);
  const rows = o.tokens * o.heads;
  const elements = rows * o.headSize;
  return shaderCall(
    {
      stem: 'attention_delta',
      operands: [
        reads('dOut', elements),
        reads('out', elements),
        reads('lse', rows),
        writes('stats', 2 * rows),
      ],
      params: [{ u32: rows }, { u32: o.headSize / 4 }],
      grid: foldGrid(Math.ceil(rows / 64)),
      flops: 2 * elements,
      bytes: 8 * elements,
    },
    traits,
  );
}

/**
 * dq of segment attention.
 *
 * Operands: q f32[tokens, heads, HS], k, v f32[keys, kvHeads, HS], ranges u32[tokens, 4], stats f32[tokens, heads, 2],
 * dOut f32[tokens, heads, HS], dq f32[tokens, heads, HS]. Padding rows get zeros.
 *
 * @throws ShapeError for sizes that do not fit
 * @see Dao et al. 2022, "FlashAttention", arXiv:2205.14135, appendix B
 */
export function attentionBackwardQuery(
  o: SegmentAttentionBackwardOptions,
  traits: DeviceTraits,
  variant: AttentionVariant = attentionVariant(traits),
): KernelCall {
  check('attentionBackwardQuery', o);
  return streamCall('attention_backward_query', o, traits, {
    variant,
    tiles: Math.ceil(o.tokens / tileRows(o.headSize)) * o.heads,
    outputs: [writes('dq', o.tokens * o.heads * o.headSize)],
    products: 3,
  });
}

/**
 * dk and dv of segment attention, summed over the heads that share a key/value head.
 *
 * Operands: q f32[tokens, heads, HS], k, v f32[keys, kvHeads, HS], ranges u32[tokens, 4], stats f32[tokens, heads, 2],
 * dOut f32[tokens, heads, HS], dk, dv f32[keys, kvHeads, HS]. Keys that no row sees get zeros.
 *
 * @throws ShapeError for sizes that do not fit
 * @see Dao et al. 2022, "FlashAttention", arXiv:2205.14135, appendix B
 */
export function attentionBackwardKeyValue(
  o: SegmentAttentionBackwardOptions,
  traits: DeviceTraits,
  variant: AttentionVariant = attentionVariant(traits),
): KernelCall {
  check('attentionBackwardKeyValue', o);
  return streamCall('attention_backward_key_value', o, traits, {
    variant,
    tiles: Math.ceil(o.keys / tileRows(o.headSize)) * o.kvHeads,
    outputs: ['dk', 'dv'].map((name) => writes(name, o.keys * o.kvHeads * o.headSize)),
    products: 4,
  });
}

function check(op: string, o: SegmentAttentionBackwardOptions): void {
  checkHeads(op, o);
  checkPositive(op, { tokens: o.tokens, keys: o.keys });
}

function streamCall(
  stem: string,
  o: SegmentAttentionBackwardOptions,
  traits: DeviceTraits,
  work: {
    readonly variant: AttentionVariant;
    readonly tiles: number;
    readonly outputs: readonly OperandSpec[];
    readonly products: number;
  },
): KernelCall {
  const [queries, keys] = [o.tokens * o.heads * o.headSize, o.keys * o.kvHeads * o.headSize];
  const operands = [
    reads('q', queries),
    reads('k', keys),
    reads('v', keys),
    reads('ranges', 4 * o.tokens, 'u32'),
    reads('stats', 2 * o.tokens * o.heads),
    reads('dOut', queries),
    ...work.outputs,
  ];
  const { variant, tiles } = work;
  const unrolled = variant === 'direct' && o.headSize <= UNROLLED_HEAD_SIZE;
  const tile = {
    rows: tileRows(o.headSize),
    headSize: unrolled ? o.headSize : headSizeClass(o.headSize),
    second: work.outputs.length === 2,
    unrolled,
  };
  const defines = backwardDefines(stem, variant, tile, traits);
  const name = unrolled ? 'unrolled' : variant;
  return shaderCall(
    {
      stem,
      variant: `${name}_${tile.rows}x${tile.headSize}`,
      defines,
      operands,
      params: [
        { u32: o.tokens },
        { u32: o.keys },
        { u32: o.heads },
        { u32: o.kvHeads },
        { f32: o.scale },
        { u32: o.headSize / 4 },
      ],
      grid: foldGrid(variant === 'direct' ? Math.ceil(tiles / DIRECT_THREADS) : tiles),
      flops: 2 * work.products * o.tokens * o.heads * (o.keysPerRow ?? o.keys) * o.headSize,
      bytes: 4 * (3 * o.tokens * o.heads + 4 * o.keys * o.kvHeads) * o.headSize,
    },
    traits,
  );
}
