// Computes attention of a decode step on graphics cards: the keys of a sequence are divided among workgroups, which rotate
// the newest query and key themselves and append to the cache, and a second dispatch combines what they found. In place of
// split_rotary.ts and decode_attention.ts, which remain for software devices and where this is wrong.

import type { DeviceTraits } from '../gpu/device';
import { BYTES_PER_ELEMENT, foldGrid, type KernelCall } from '../gpu/kernel';
import { captureDefines, checkBindings, checkPositive, mapSizeOf } from './attention_shape';
import { headSizeClass, streamDefines } from './attention_stream';
import { cacheDefines, cacheParams, cachePositions } from './cache_shape';
import { decodeOutputs, layerRows } from './decode_attention';
import { checkRotaryDecode, type RotaryDecodeOptions, rotaryDecodeOperands, strideOf } from './rotary_decode';
import { mergeCheck, smallDecode, splitCheck } from './rotary_decode_check';
import { KEY_CLASSES, SEQUENCE_WORDS } from './sequence_words';
import { reads, shaderCall, writes } from './shader';

/** Name under which both kernels are disabled when one is wrong; decode steps then take the plain path. */
export const SPLIT_VARIANT = 'split_decode_attention';

/** Keys of a split when every slot is full, most splits, and workgroups that fill a large graphics card. */
const SPLIT_KEYS = 128;
const MOST_SPLITS = 32;
const ENOUGH_WORKGROUPS = 512;

/** Sizes of a call. */
export interface SplitDecodeOptions extends RotaryDecodeOptions {
  /** Parts into which the keys of a sequence are divided; by default as many as its capacity calls for. */
  readonly splits?: number;
}

/** The two dispatches, and the tensors between them. */
export interface SplitDecodeCalls {
  readonly attend: KernelCall;
  readonly merge: KernelCall;
  /** Shape of `partials`, f32. */
  readonly partials: readonly number[];
  /** Shape of `scores`, f32, with capture. */
  readonly scores: readonly number[] | undefined;
}

function sizesOf(o: SplitDecodeOptions) {
  const { batch, heads, kvHeads, cache } = o;
  const stride = strideOf(o);
  const group = heads / kvHeads;
  const rows = Math.min(group, 4);
  const tiles = batch * kvHeads * Math.ceil(group / rows);
  const keys = cache.capacity + cache.prefixCapacity;
  const wanted = Math.min(Math.ceil(keys / SPLIT_KEYS), MOST_SPLITS, Math.floor(ENOUGH_WORKGROUPS / tiles));
  const splits = o.splits ?? Math.max(1, wanted);
  const partials = [batch, heads, splits, stride + 4];
  return { stride, rows, tiles, keys, splits, partials, scores: [batch, heads, keys] };
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Whether a device runs these sizes in splits: software devices pay too much for barriers. */
export function splitsDecode(o: SplitDecodeOptions, traits: DeviceTraits): boolean {
  if (traits.software || traits.disabledVariants.has(SPLIT_VARIANT)) return false;
  const { partials, scores } = sizesOf(o);
  return 4 * Math.max(product(partials), o.capture ? product(scores) : 0) <= traits.maxBindingBytes;
}

/**
 * `splitRotaryAppend`, then `decodeAttention`, in two other dispatches: the same `out`, masses and map, and the same cells
 * appended. `cache`, `capture`, `sequences`, `keyClass`: as there; a sequence's slot is one of the cache's first, its
 * prefix's slot one of those behind. HP = headStride.
 *
 * Operands of `attend`: qkv f32[B, (heads + 2 kvHeads) * HS], kCache, vCache (read_write), sequences u32[B, 8],
 * cos, sin f32[P, HS / 2], partials f32[B, heads, splits, HP + 4], [scores f32[B, heads, capacity + prefixCapacity] with capture].
 * Operands of `merge`: partials, sequences, [scores, keyClass with capture], out f32[B, heads, HP],
 * [masses f32[layers, B, heads, 5] with capture], [map f32[mapLayers, B, heads, mapSize] with mapSize > 0].
 *
 * @throws ShapeError for sizes that do not fit, or an odd headSize; GpuError `gpu/limit` naming an operand
 * @see Dao et al. 2023, "Flash-Decoding for long-context inference"
 */
export function splitDecodeAttention(o: SplitDecodeOptions, traits: DeviceTraits): SplitDecodeCalls {
  checkRotaryDecode('splitDecodeAttention', o);
  checkPositive('splitDecodeAttention', { splits: sizesOf(o).splits });
  const small = { ...smallDecode(o), splits: 2 };
  const { partials, scores } = sizesOf(o);
  const attend = attendCall(o, traits);
  const merge = mergeCall(o, traits);
  return {
    attend: { ...attend, check: () => splitCheck(small, SPLIT_VARIANT, attendCall(small, traits)) },
    merge: { ...merge, check: () => mergeCheck(small, SPLIT_VARIANT, mergeCall(small, traits)) },
    partials,
    scores: o.capture ? scores : undefined,
  };
}

function attendCall(o: SplitDecodeOptions, traits: DeviceTraits): KernelCall {
  const { batch, heads, kvHeads, headSize, cache } = o;
  const { stride, rows, tiles, keys, splits, partials, scores } = sizesOf(o);
  const captures = o.capture !== undefined;
  const size = headSizeClass(stride);
  const operands = [
    ...rotaryDecodeOperands(o),
    writes('partials', product(partials)),
    ...(captures ? [writes('scores', product(scores))] : []),
  ];
  const seen = o.keysPerRow ?? keys;
  return shaderCall(
    {
      stem: 'decode_attention_split',
      variant: `${rows}x${size}_${cache.format}${captures ? '_scores' : ''}`,
      defines: {
        ...streamDefines('decode_attention_split', rows, size, traits),
        ...cacheDefines(cache.format, 'read_write'),
        // A split is short: few keys a thread. One sum per thread is reduced in the score tile.
        ...{ KEYS: traits.software ? 1 : 2, CHUNK: 256, NEWEST: size / 2, PARAMS: operands.length },
        ...{ SPLIT: true, SCORES: captures, CAPTURE: false, MAP: false, LSE: false },
      },
      operands,
      params: [
        ...[batch, heads, kvHeads].map((u32) => ({ u32 })),
        ...cacheParams(cache),
        { f32: o.scale },
        ...[headSize / 2, stride / 4, splits, keys].map((u32) => ({ u32 })),
      ],
      grid: foldGrid(tiles * splits),
      flops: 4 * batch * heads * seen * stride,
      bytes: 2 * BYTES_PER_ELEMENT[cache.format] * batch * kvHeads * seen * stride + 4 * product(partials),
    },
    traits,
  );
}

function mergeCall(o: SplitDecodeOptions, traits: DeviceTraits): KernelCall {
  const { batch, heads, kvHeads, cache, capture } = o;
  const { stride, keys, splits, partials, scores } = sizesOf(o);
  const mapSize = mapSizeOf(o);
  const rows = batch * heads;
  const operands = [
    reads('partials', product(partials)),
    reads('sequences', SEQUENCE_WORDS * batch, 'u32'),
    ...(capture ? [reads('scores', product(scores)), reads('keyClass', cachePositions(cache), 'u32')] : []),
    ...decodeOutputs(o, stride),
  ];
  checkBindings('splitDecodeAttention', operands.length, traits, 'Capture without a map.');
  const lanes = traits.software ? 32 : 128;
  return shaderCall(
    {
      stem: 'decode_attention_merge',
      variant: mapSize > 0 ? 'map' : capture ? 'masses' : '',
      defines: {
        ...captureDefines(operands, capture !== undefined, mapSize > 0),
        ...{ LANES: lanes, SUMS: KEY_CLASSES * lanes },
      },
      operands,
      params: [
        ...[batch, heads, kvHeads].map((u32) => ({ u32 })),
        ...cacheParams(cache),
        ...[stride / 4, splits, keys, mapSize].map((u32) => ({ u32 })),
        ...layerRows(o),
      ],
      grid: foldGrid(rows),
      flops: 2 * product(partials),
      bytes: 4 * (product(partials) + rows * stride + (capture ? rows * keys : 0)),
    },
    traits,
  );
}
