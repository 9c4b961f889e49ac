// Computes attention of packed rows over key ranges: ViT windows, packed sequences, shared prefixes, plain causal
// prefill. `out` and `lse` do not depend on whether attention is captured. Decode steps and gradients have wrappers
// of their own.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall, type KernelCheck, type OperandSpec } from '../gpu/kernel';
import type { ShaderDefines } from '../gpu/shader_source';
import { SEGMENT_KEYS, segmentCheck } from './attention_check';
import {
  captureDefines,
  checkBindings,
  checkHeads,
  checkPositive,
  type HeadShape,
  mapSizeOf,
} from './attention_shape';
import {
  type AttentionVariant,
  attentionVariant,
  DIRECT_THREADS,
  directDefines,
  headSizeClass,
  streamDefines,
} from './attention_stream';
import { type CacheFormat, cacheDefines } from './cache_shape';
import { KEY_CLASSES } from './sequence_words';
import { orMore, reads, shaderCall, writes } from './shader';

/** Sizes of a segment-attention call. */
export interface SegmentAttentionOptions extends HeadShape {
  /** Query rows. */
  readonly tokens: number;
  /** Key rows. */
  readonly keys: number;
  /** Factor on q·k, usually headSize ** -0.5. */
  readonly scale: number;
  /** Also write the probability mass per key class, and with mapSize > 0 the probability of every image token. */
  readonly capture?: { readonly mapSize: number };
  /** False leaves `lse` out of the operands; default true. */
  readonly saveLse?: boolean;
  /** Format of keys and values that lie by head, [kvHeads, keys, HS], as a cache holds them; by default they do not, and are f32. */
  readonly byHead?: CacheFormat;
  /** Keys that a row sees on average, for the cost estimate; default: all. */
  readonly keysPerRow?: number;
}

/**
 * out = softmax(scale · q kᵀ) v, each row over the keys of its two ranges.
 *
 * Operands: q f32[tokens, heads, HS], k, v f32[keys, kvHeads, HS] (with `byHead` [kvHeads, keys, HS] of
 * its format), ranges u32[tokens, 4] = {prefixBegin, prefixEnd, ownBegin, ownEnd} (disjoint; a row with two empty ranges is padding: out 0, lse 0), [keyClass u32[keys] with capture],
 * out f32[tokens, heads, HS], [lse f32[tokens, heads], natural logarithm], [masses f32[tokens, heads, 5] with capture],
 * [map f32[tokens, heads, mapSize] with mapSize > 0]. q head h reads key/value head floor(h / (heads / kvHeads)).
 *
 * keyClass: low 8 bits 0 before the image, 1 image, 2 vision_end and other remainder, 3 query text, 4 generated; the high
 * 24 bits of class 1 are the image token's place in the map. A place that no visible key names is 0.
 *
 * @throws ShapeError for sizes that do not fit
 * @throws GpuError `gpu/limit` when the map and lse together need a ninth storage buffer that the device lacks
 * @see Dao et al. 2022, "FlashAttention", arXiv:2205.14135
 */
export function segmentAttention(
  o: SegmentAttentionOptions,
  traits: DeviceTraits,
  variant: AttentionVariant = attentionVariant(traits),
): KernelCall {
  return { ...build(o, traits, variant), check: () => smallCase(o, traits, variant) };
}

/** The same kernel text over a few keys. */
function smallCase(o: SegmentAttentionOptions, traits: DeviceTraits, variant: AttentionVariant): KernelCheck {
  const tokens = o.tokens === 1 ? 1 : 5;
  const heads = 2;
  const mapSize = mapSizeOf(o) > 0 ? 1 : 0;
  const { keysPerRow: _, capture, ...rest } = o;
  const small = {
    ...rest,
    tokens,
    keys: SEGMENT_KEYS,
    heads,
    kvHeads: 1,
    ...(capture ? { capture: { mapSize } } : {}),
  };
  const lse = o.saveLse === false ? [] : [tokens * heads];
  // With one key head both orders of keys are the same; the case needs no other values.
  return segmentCheck(
    { ...small, format: o.byHead ?? 'f32' },
    `attention/${variant}`,
    build(small, traits, variant),
    {
      before: capture ? [new Uint32Array(SEGMENT_KEYS)] : [],
      after: [...lse, ...(capture ? [tokens * heads * 5] : []), ...(mapSize ? [tokens * heads] : [])],
    },
  );
}

function build(o: SegmentAttentionOptions, traits: DeviceTraits, variant: AttentionVariant): KernelCall {
  checkHeads('segmentAttention', o);
  checkPositive('segmentAttention', { tokens: o.tokens, keys: o.keys });
  const { operands, defines } = layOut(o);
  checkBindings(
    'segmentAttention',
    operands.length,
    traits,
    'Set saveLse to false, or capture without a map.',
  );
  const rows = o.tokens === 1 ? 1 : 4;
  const tiles = Math.ceil(o.tokens / rows) * o.heads;
  const direct = variant === 'direct';
  const tile = direct
    ? directDefines('segment_attention', rows, headSizeClass(o.headSize))
    : streamDefines('segment_attention', rows, headSizeClass(o.headSize), traits);
  const perRow = o.keysPerRow ?? o.keys;
  return shaderCall(
    {
      stem: 'segment_attention',
      variant: `${variant}_${rows}x${headSizeClass(o.headSize)}${o.byHead ? `_by_head_${o.byHead}` : ''}`,
      defines: { ...defines, ...tile },
      operands,
      params: [
        { u32: o.tokens },
        { u32: o.keys },
        { u32: o.heads },
        { u32: o.kvHeads },
        { f32: o.scale },
        { u32: mapSizeOf(o) },
        { u32: o.headSize / 4 },
      ],
      grid: foldGrid(direct ? Math.ceil(tiles / DIRECT_THREADS) : tiles),
      flops: 4 * o.tokens * o.heads * perRow * o.headSize,
      bytes: 4 * (2 * o.tokens * o.heads + 2 * o.keys * o.kvHeads) * o.headSize,
    },
    traits,
  );
}

function layOut(o: SegmentAttentionOptions): { operands: OperandSpec[]; defines: ShaderDefines } {
  const { tokens, keys, heads, kvHeads, headSize, capture } = o;
  const mapSize = mapSizeOf(o);
  const lse = o.saveLse !== false;
  const { byHead } = o;
  const stored = (name: string): OperandSpec => {
    const operand = reads(name, keys * kvHeads * headSize, byHead);
    return byHead ? orMore(operand) : operand;
  };
  const operands = [
    reads('q', tokens * heads * headSize),
    stored('k'),
    stored('v'),
    reads('ranges', 4 * tokens, 'u32'),
    ...(capture ? [reads('keyClass', keys, 'u32')] : []),
    writes('out', tokens * heads * headSize),
    ...(lse ? [writes('lse', tokens * heads)] : []),
    ...(capture ? [writes('masses', tokens * heads * KEY_CLASSES)] : []),
    ...(mapSize > 0 ? [writes('map', tokens * heads * mapSize)] : []),
  ];
  const defines = {
    ...captureDefines(operands, capture !== undefined, mapSize > 0),
    LSE: lse,
    BY_HEAD: byHead !== undefined,
    ...cacheDefines(byHead ?? 'f32'),
  };
  return { operands, defines };
}
