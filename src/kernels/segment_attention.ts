// Attention of packed rows over key ranges, forward: ViT windows, packed sequences, shared prefixes, plain causal prefill.
// Not the decode step (decode_attention.ts) and not the gradients (segment_attention_backward.ts).
// Invariant: `out` and `lse` do not depend on whether attention is captured.

import type { DeviceTraits } from '../gpu/device';
import { type BindingAccess, foldGrid, type KernelCall, type KernelCheck, packParams } from '../gpu/kernel';
import type { ShaderDefines } from '../gpu/shader_source';
import { SEGMENT_KEYS, segmentCheck } from './attention_check';
import { checkBindings, checkHeads, checkPositive, type HeadShape } from './attention_shape';
import {
  type AttentionVariant,
  attentionVariant,
  DIRECT_THREADS,
  directDefines,
  headSizeClass,
  streamDefines,
} from './attention_stream';
import { shaderKernel } from './shader';

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
  /** Keys that a row sees on average, for the cost estimate; default: all. */
  readonly keysPerRow?: number;
}

/**
 * out = softmax(scale · q kᵀ) v, each row over the keys of its two ranges.
 *
 * Operands: q f32[tokens, heads, HS], k, v f32[keys, kvHeads, HS], ranges u32[tokens, 4] = {prefixBegin, prefixEnd,
 * ownBegin, ownEnd} (disjoint; a row with two empty ranges is padding: out 0, lse 0), [keyClass u32[keys] with capture],
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
  const mapSize = (o.capture?.mapSize ?? 0) > 0 ? 1 : 0;
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
  return segmentCheck(small, `attention/${variant}`, build(small, traits, variant), {
    before: capture ? [new Uint32Array(SEGMENT_KEYS)] : [],
    after: [...lse, ...(capture ? [tokens * heads * 5] : []), ...(mapSize ? [tokens * heads] : [])],
  });
}

function build(o: SegmentAttentionOptions, traits: DeviceTraits, variant: AttentionVariant): KernelCall {
  checkHeads('segmentAttention', o);
  checkPositive('segmentAttention', { tokens: o.tokens, keys: o.keys });
  const { bindings, defines } = layOut(o);
  checkBindings(
    'segmentAttention',
    bindings.length,
    traits,
    'Set saveLse to false, or capture without a map.',
  );
  const rows = o.tokens === 1 ? 1 : 4;
  const tiles = Math.ceil(o.tokens / rows) * o.heads;
  const direct = variant === 'direct';
  const tile = direct
    ? directDefines('segment_attention', rows, headSizeClass(o.headSize))
    : streamDefines('segment_attention', rows, headSizeClass(o.headSize), traits);
  const kernel = shaderKernel(
    'segment_attention',
    `${variant}_${rows}x${headSizeClass(o.headSize)}`,
    { ...defines, ...tile },
    bindings,
  );
  const perRow = o.keysPerRow ?? o.keys;
  return {
    kernel,
    params: packParams([
      { u32: o.tokens },
      { u32: o.keys },
      { u32: o.heads },
      { u32: o.kvHeads },
      { f32: o.scale },
      { u32: o.capture?.mapSize ?? 0 },
      { u32: o.headSize / 4 },
    ]),
    grid: foldGrid(direct ? Math.ceil(tiles / DIRECT_THREADS) : tiles),
    flops: 4 * o.tokens * o.heads * perRow * o.headSize,
    bytes: 4 * (2 * o.tokens * o.heads + 2 * o.keys * o.kvHeads) * o.headSize,
  };
}

function layOut(o: SegmentAttentionOptions): { bindings: BindingAccess[]; defines: ShaderDefines } {
  const bindings: BindingAccess[] = ['read', 'read', 'read', 'read'];
  const add = (present: boolean, access: BindingAccess): number => (present ? bindings.push(access) - 1 : -1);
  const capture = o.capture !== undefined;
  const map = (o.capture?.mapSize ?? 0) > 0;
  const lse = o.saveLse !== false;
  const at = {
    KEY_CLASS: add(capture, 'read'),
    OUT: add(true, 'read_write'),
    LSE_AT: add(lse, 'read_write'),
    MASSES: add(capture, 'read_write'),
    MAP_AT: add(map, 'read_write'),
  };
  return {
    bindings,
    defines: { ...at, PARAMS: bindings.length, CAPTURE: capture, LSE: lse, MAP: map },
  };
}
