// Computes attention of a decode step on software adapters in one dispatch: four neighbouring threads share the keys of a
// few heads, rotate the newest query and key themselves and append to the cache. In place of split_rotary.ts and
// decode_attention.ts, which remain for many sequences, large heads, caches in f16, devices without subgroups and where this is
// wrong.

import type { DeviceTraits } from '../gpu/device';
import { foldGrid, type KernelCall } from '../gpu/kernel';
import { ShapeError } from '../lib/errors';
import { captureDefines, checkBindings, mapSizeOf } from './attention_shape';
import { cacheDefines, cacheParams, cachePositions } from './cache_shape';
import { decodeOutputs, layerRows } from './decode_attention';
import { checkRotaryDecode, type RotaryDecodeOptions, rotaryDecodeOperands, strideOf } from './rotary_decode';
import { quadCheck, smallDecode } from './rotary_decode_check';
import { reads, shaderCall } from './shader';

/** Name under which the kernel is disabled when it is wrong; decode steps then take the plain path. */
export const QUAD_VARIANT = 'quad_decode_attention';

/** Largest head: a larger one is served no faster than by the plain path, as too few heads share what is loaded. */
const MOST_STRIDE = 32;
/** Most vectors of four channels that a thread keeps of its queries: more take software adapters seconds to compile. */
const MOST_VECTORS = 16;

/** Most quads: more threads than these the plain path has by itself, and is as fast. */
const MOST_QUADS = 16;

/** Heads that a quad takes at once. */
function rowsOf(o: RotaryDecodeOptions): number {
  return Math.min(o.heads / o.kvHeads, 4, Math.floor((4 * MOST_VECTORS) / strideOf(o)));
}

function quadsOf(o: RotaryDecodeOptions): number {
  return o.batch * o.kvHeads * Math.ceil(o.heads / o.kvHeads / rowsOf(o));
}

function operandsOf(o: RotaryDecodeOptions) {
  const classes = o.capture ? [reads('keyClass', cachePositions(o.cache), 'u32')] : [];
  return [...rotaryDecodeOperands(o), ...classes, ...decodeOutputs(o, strideOf(o))];
}

/** Whether {@link quadDecodeAttention} can compute a call. */
function fits(o: RotaryDecodeOptions): boolean {
  return o.cache.format === 'f32' && strideOf(o) <= MOST_STRIDE;
}

/** Whether a device runs these sizes by quads: for few sequences, and not on graphics cards, which have more threads to fill. */
export function quadsDecode(o: RotaryDecodeOptions, traits: DeviceTraits): boolean {
  if (!traits.software || !traits.subgroups || traits.disabledVariants.has(QUAD_VARIANT)) return false;
  return fits(o) && quadsOf(o) <= MOST_QUADS && operandsOf(o).length <= traits.maxStorageBuffers;
}

/**
 * `splitRotaryAppend`, then `decodeAttention`, in one dispatch: the same `out`, masses and map, and the same cells appended.
 * `cache`, `capture`, `sequences`, `keyClass`: as there; a sequence's slot is one of the cache's first, its prefix's slot one
 * of those behind. HP = headStride, up to 32; the cache is in f32. The device has subgroups.
 *
 * Operands: qkv f32[B, (heads + 2 kvHeads) * HS], kCache, vCache (read_write), sequences u32[B, 8], cos, sin f32[P, HS / 2],
 * [keyClass u32[positions of all slots] with capture], out f32[B, heads, HP], [masses f32[layers, B, heads, 5] with capture],
 * [map f32[mapLayers, B, heads, mapSize] with mapSize > 0].
 *
 * @throws ShapeError for sizes that do not fit, or an odd headSize; GpuError `gpu/limit` naming an operand
 * @see Dao et al. 2023, "Flash-Decoding for long-context inference"
 */
export function quadDecodeAttention(o: RotaryDecodeOptions, traits: DeviceTraits): KernelCall {
  checkRotaryDecode('quadDecodeAttention', o);
  if (!fits(o))
    throw new ShapeError(
      `quadDecodeAttention takes a cache in f32 with heads of up to ${MOST_STRIDE}; given ${o.cache.format}, ${strideOf(o)}.`,
    );
  const small = smallDecode(o);
  return { ...build(o, traits), check: () => quadCheck(small, QUAD_VARIANT, build(small, traits)) };
}

function build(o: RotaryDecodeOptions, traits: DeviceTraits): KernelCall {
  const { batch, heads, kvHeads, headSize, cache, capture } = o;
  const stride = strideOf(o);
  const rows = rowsOf(o);
  const operands = operandsOf(o);
  checkBindings('quadDecodeAttention', operands.length, traits, 'Capture without a map.');
  const vectors = stride / 4;
  const mapSize = mapSizeOf(o);
  const keys = o.keysPerRow ?? cache.capacity + cache.prefixCapacity;
  return shaderCall(
    {
      stem: 'decode_attention_quad',
      variant: `${rows}x${stride}${mapSize > 0 ? '_map' : capture ? '_masses' : ''}`,
      defines: {
        ...captureDefines(operands, capture !== undefined, mapSize > 0),
        ...cacheDefines(cache.format, 'read_write'),
        ...{
          ROWS: rows,
          VECTORS: vectors,
          PARTS: rows * vectors,
          SHARE: Math.ceil(((rows + 2) * vectors) / 4),
          STREAM: false,
        },
      },
      operands,
      params: [
        ...[batch, heads, kvHeads].map((u32) => ({ u32 })),
        ...cacheParams(cache),
        { u32: mapSize },
        ...layerRows(o),
        { f32: o.scale },
        ...[headSize / 2, vectors].map((u32) => ({ u32 })),
      ],
      grid: foldGrid(quadsOf(o)),
      flops: 4 * batch * heads * keys * stride,
      bytes: 8 * batch * kvHeads * keys * stride,
    },
    traits,
  );
}
