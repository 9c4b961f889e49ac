// Computes attention of one new token per sequence over the key/value cache, with an optional shared prefix. Lengths
// are read from `sequences` on the GPU, so one recorded call serves every step. Prompts use segment_attention.ts.

import type { DeviceTraits } from '../gpu/device';
import {
  BYTES_PER_ELEMENT,
  foldGrid,
  type KernelCall,
  type KernelCheck,
  type OperandSpec,
  type ParamValue,
} from '../gpu/kernel';
import { DECODE_CAPACITY, decodeCheck } from './attention_check';
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
import {
  type CacheShape,
  cacheDefines,
  cacheOperand,
  cacheParams,
  cachePositions,
  checkCache,
  unsharedCache,
} from './cache_shape';
import { KEY_CLASSES, SEQUENCE_WORDS } from './sequence_words';
import { orMore, reads, shaderCall, touching, writes } from './shader';

/** What a call captures, and where in tensors shared by all layers it puts that. */
export interface DecodeCaptureOptions {
  readonly mapSize: number;
  /** Index of this layer in `masses`; default 0. */
  readonly layer?: number;
  /** Index of this layer in `map`; default 0. */
  readonly mapLayer?: number;
}

/** Sizes of a decode-attention call. */
export interface DecodeAttentionOptions extends HeadShape {
  /** Sequences. */
  readonly batch: number;
  readonly cache: CacheShape;
  /** Factor on q·k, usually headSize ** -0.5. */
  readonly scale: number;
  /** Also write the probability mass per key class, and with mapSize > 0 the probability of every image token. */
  readonly capture?: DecodeCaptureOptions;
  /** Keys that a sequence sees on average, for the cost estimate; default: all that a slot holds. */
  readonly keysPerRow?: number;
}

/**
 * out = softmax(scale · q Kᵀ) V for the newest token of each sequence.
 *
 * Operands: q f32[B, heads, HS], kCache, vCache as cache_shape.ts lays them out, sequences u32[B, 8],
 * [keyClass u32[positions of all slots] with capture], out f32[B, heads, HS], [masses f32[layers, B, heads, 5] with
 * capture], [map f32[mapLayers, B, heads, mapSize] with mapSize > 0]; only the rows of `layer` and `mapLayer` are written.
 *
 * sequences: 0 slot, 1 length (the new key is at this index already, so keys 0..length are seen), 2 prefixSlot,
 * 3 prefixLength (positions [0, prefixLength) of prefixSlot come first; 0 = none), 6 done (1: zeros are written).
 * Words 4, 5 and 7 are not read. keyClass as in segmentAttention, per slot and position.
 *
 * @returns calls to run in order; today always one
 * @throws ShapeError for sizes that do not fit; GpuError `gpu/limit` naming an operand that exceeds a binding
 * @see Dao et al. 2023, "Flash-Decoding for long-context inference"
 */
export function decodeAttention(
  o: DecodeAttentionOptions,
  traits: DeviceTraits,
  variant: AttentionVariant = attentionVariant(traits),
): KernelCall[] {
  return [{ ...build(o, traits, variant), check: () => smallCase(o, traits, variant) }];
}

/** The same kernel text over a few keys of the same number of sequences. */
function smallCase(o: DecodeAttentionOptions, traits: DeviceTraits, variant: AttentionVariant): KernelCheck {
  const mapSize = mapSizeOf(o) > 0 ? 1 : 0;
  const { keysPerRow: _, capture, ...rest } = o;
  const cache = unsharedCache(o.batch, DECODE_CAPACITY, o.cache.format);
  const small = { ...rest, cache, ...(capture ? { capture: { mapSize } } : {}) };
  const rows = o.batch * o.heads;
  return decodeCheck(small, `attention/${variant}`, build(small, traits, variant), {
    before: capture ? [new Uint32Array(o.batch * DECODE_CAPACITY)] : [],
    after: [...(capture ? [rows * 5] : []), ...(mapSize ? [rows] : [])],
  });
}

function build(o: DecodeAttentionOptions, traits: DeviceTraits, variant: AttentionVariant): KernelCall {
  checkHeads('decodeAttention', o);
  checkPositive('decodeAttention', { batch: o.batch });
  checkCache('decodeAttention', o.cache);
  const operands = operandsOf(o);
  checkBindings('decodeAttention', operands.length, traits, 'Capture without a map.');
  const groupSize = o.heads / o.kvHeads;
  const direct = variant === 'direct';
  const { format } = o.cache;
  // Threads that share keys among heads are fewer: only where enough of them remain to fill the adapter.
  const rows = direct && o.batch * o.kvHeads < 8 ? 1 : Math.min(groupSize, 4);
  const tiles = o.batch * o.kvHeads * Math.ceil(groupSize / rows);
  const defines = {
    ...captureDefines(operands, o.capture !== undefined, mapSizeOf(o) > 0),
    ...cacheDefines(format),
    LSE: false,
    ...(direct
      ? directDefines('decode_attention', rows, headSizeClass(o.headSize))
      : streamDefines('decode_attention', rows, headSizeClass(o.headSize), traits)),
  };
  const keys = o.keysPerRow ?? o.cache.capacity + o.cache.prefixCapacity;
  return shaderCall(
    {
      stem: 'decode_attention',
      variant: `${variant}_${rows}x${headSizeClass(o.headSize)}_${format}`,
      defines,
      operands,
      params: [
        { u32: o.batch },
        { u32: o.heads },
        { u32: o.kvHeads },
        ...cacheParams(o.cache),
        { f32: o.scale },
        { u32: mapSizeOf(o) },
        { u32: o.headSize / 4 },
        ...layerRows(o),
      ],
      grid: foldGrid(direct ? Math.ceil(tiles / DIRECT_THREADS) : tiles),
      flops: 4 * o.batch * o.heads * keys * o.headSize,
      bytes: 2 * BYTES_PER_ELEMENT[format] * o.batch * o.kvHeads * keys * o.headSize,
    },
    traits,
  );
}

/** Members `mass_row` and `map_row` of the uniform struct: the rows of all layers before those that a call writes. */
export function layerRows({ capture, batch, heads }: DecodeAttentionOptions): ParamValue[] {
  return [capture?.layer ?? 0, capture?.mapLayer ?? 0].map((layer) => ({ u32: layer * batch * heads }));
}

/** A tensor of all layers, of which one part of `size` elements is written. */
function layerOf(name: string, size: number, layers: number): OperandSpec {
  return touching(orMore(writes(name, layers * size)), size);
}

/** out, [masses with capture], [map with mapSize > 0], for heads of `headSize`. */
export function decodeOutputs(o: DecodeAttentionOptions, headSize: number): OperandSpec[] {
  const rows = o.batch * o.heads;
  const { capture } = o;
  const mapSize = mapSizeOf(o);
  // Tensors that all layers share hold at least the layers up to this one.
  return [
    writes('out', rows * headSize),
    ...(capture ? [layerOf('masses', rows * KEY_CLASSES, 1 + (capture.layer ?? 0))] : []),
    ...(mapSize > 0 ? [layerOf('map', rows * mapSize, 1 + (capture?.mapLayer ?? 0))] : []),
  ];
}

function operandsOf(o: DecodeAttentionOptions): OperandSpec[] {
  const { batch, heads, headSize, cache, capture } = o;
  return [
    reads('q', batch * heads * headSize),
    cacheOperand('kCache', 'read', cache, o),
    cacheOperand('vCache', 'read', cache, o),
    reads('sequences', SEQUENCE_WORDS * batch, 'u32'),
    ...(capture ? [reads('keyClass', cachePositions(cache), 'u32')] : []),
    ...decodeOutputs(o, headSize),
  ];
}
