// Lays a cache of keys and values out for the kernels that write and read it: slots of two capacities behind each other,
// values in f32 or as pairs of f16. One statement for the wrappers, which check sizes, and for WGSL, which finds cells.

import type { OperandSpec, ParamValue } from '../gpu/kernel';
import type { ShaderDefines } from '../gpu/shader_source';
import { f32ToF16 } from '../lib/float_bits';
import { checkDimensions } from './check';
import { reads, writes } from './shader';

/**
 * How keys and values are kept. f16 halves the memory and rounds each value to 11 bits; two share a word, packed and
 * unpacked by `pack2x16float` and `unpack2x16float`, which every device has, whereas `shader-f16` is optional. What lies
 * beyond ±65504 is kept as that. Sums are f32 in either.
 */
export type CacheFormat = 'f32' | 'f16';

/** A cache of keys or of values of one layer: first `slots` sequences, then `prefixes` that sequences share. */
export interface CacheShape {
  readonly slots: number;
  /** Positions of each of the first slots. */
  readonly capacity: number;
  /** Slots behind them; 0 for none. */
  readonly prefixes: number;
  /** Positions of each of those; 0 without any. */
  readonly prefixCapacity: number;
  readonly format: CacheFormat;
}

/** A cache in which no sequences share a slot. */
export function unsharedCache(slots: number, capacity: number, format: CacheFormat): CacheShape {
  return { slots, capacity, prefixes: 0, prefixCapacity: 0, format };
}

/** Positions of all slots. */
export function cachePositions({ slots, capacity, prefixes, prefixCapacity }: CacheShape): number {
  return slots * capacity + prefixes * prefixCapacity;
}

/** Where a slot's positions begin, counted over all slots. */
export function slotStart({ slots, capacity, prefixCapacity }: CacheShape, slot: number): number {
  return slot < slots ? slot * capacity : slots * capacity + (slot - slots) * prefixCapacity;
}

/** Positions of a slot. */
export function slotCapacity({ slots, capacity, prefixCapacity }: CacheShape, slot: number): number {
  return slot < slots ? capacity : prefixCapacity;
}

/** @throws ShapeError naming the kernel and the size that cannot be */
export function checkCache(kernel: string, { slots, capacity, prefixes, prefixCapacity }: CacheShape): void {
  checkDimensions(kernel, { slots, capacity });
  if (prefixes !== 0 || prefixCapacity !== 0) checkDimensions(kernel, { prefixes, prefixCapacity });
}

/** The keys or values of a layer: [slot][kvHeads, positions of the slot, headSize]. */
export function cacheOperand(
  name: string,
  access: 'read' | 'read_write',
  shape: CacheShape,
  { kvHeads, headSize }: { readonly kvHeads: number; readonly headSize: number },
): OperandSpec {
  const count = cachePositions(shape) * kvHeads * headSize;
  return access === 'read' ? reads(name, count, shape.format) : writes(name, count, shape.format);
}

/** Members `slots`, `capacity` and `prefix_capacity` of the uniform struct of kernels that include lib/cache_cells.wgsl. */
export function cacheParams({ slots, capacity, prefixCapacity }: CacheShape): ParamValue[] {
  return [{ u32: slots }, { u32: capacity }, { u32: prefixCapacity }];
}

/** Text parameters that say how a shader's cache keeps its values, and what attention does with them. */
export function cacheDefines(format: CacheFormat, access: 'read' | 'read_write' = 'read'): ShaderDefines {
  return { CACHE_F16: format === 'f16', CACHE_ACCESS: access };
}

/** Values as a cache holds them, as words. @param values an even number of them for f16 */
export function cacheWords(values: Float32Array, format: CacheFormat): Float32Array | Uint32Array {
  return format === 'f32' ? values : new Uint32Array(f32ToF16(values).buffer);
}
