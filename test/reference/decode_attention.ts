// Computes decode attention in f64: gathers each sequence's keys from the cache, then plain softmax attention of one
// row. The cache layout and the sequence words are spelled out here on purpose, apart from the kernels'.

import type { CacheShape } from '../../src/kernels/cache_shape';
import { referenceSegmentAttention } from './segment_attention';

/** Sizes and operands; layouts as in src/kernels/decode_attention.ts. */
export interface DecodeAttentionInput {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** The first slots have one capacity, the prefixes behind them another. */
  readonly cache: CacheShape;
  readonly scale: number;
  readonly q: Float32Array<ArrayBuffer>;
  readonly kCache: Float32Array<ArrayBuffer>;
  readonly vCache: Float32Array<ArrayBuffer>;
  readonly sequences: Uint32Array<ArrayBuffer>;
  readonly keyClass?: Uint32Array<ArrayBuffer>;
  readonly mapSize?: number;
}

/** Cache places (slot, position) that sequence `b` sees, in order. */
export function cachePlaces(sequences: ArrayLike<number>, b: number): [number, number][] {
  const [slot = 0, length = 0, prefixSlot = 0, prefixLength = 0, , , done = 0] = Array.from(sequences).slice(
    b * 8,
    b * 8 + 8,
  );
  if (done) return [];
  const places: [number, number][] = [];
  for (let i = 0; i < prefixLength; i++) places.push([prefixSlot, i]);
  for (let i = 0; i <= length; i++) places.push([slot, i]);
  return places;
}

/** out, masses and map of every sequence. */
export function referenceDecodeAttention(x: DecodeAttentionInput): {
  out: Float64Array;
  masses: Float64Array;
  map: Float64Array;
} {
  const { batch, heads, kvHeads, headSize: hs } = x;
  const { slots, capacity, prefixCapacity } = x.cache;
  /** Positions before a slot, and of the slot. */
  const span = (slot: number): [number, number] =>
    slot < slots
      ? [slot * capacity, capacity]
      : [slots * capacity + (slot - slots) * prefixCapacity, prefixCapacity];
  const mapSize = x.mapSize ?? 0;
  const out = new Float64Array(batch * heads * hs);
  const masses = new Float64Array(batch * heads * 5);
  const map = new Float64Array(batch * heads * mapSize);
  for (let b = 0; b < batch; b++) {
    const places = cachePlaces(x.sequences, b);
    if (places.length === 0) continue;
    const gather = (cache: Float32Array) =>
      places.flatMap(([slot, at]) => {
        const [before, own] = span(slot);
        return Array.from(
          { length: kvHeads * hs },
          (_, i) => cache[(before * kvHeads + Math.floor(i / hs) * own + at) * hs + (i % hs)]!,
        );
      });
    const one = referenceSegmentAttention({
      tokens: 1,
      keys: places.length,
      heads,
      kvHeads,
      headSize: hs,
      scale: x.scale,
      q: x.q.subarray(b * heads * hs, (b + 1) * heads * hs),
      k: gather(x.kCache),
      v: gather(x.vCache),
      ranges: [0, 0, 0, places.length],
      ...(x.keyClass
        ? { keyClass: places.map(([slot, at]) => x.keyClass![span(slot)[0] + at]!), mapSize }
        : {}),
    });
    out.set(one.out, b * heads * hs);
    masses.set(one.masses, b * heads * 5);
    map.set(one.map, b * heads * mapSize);
  }
  return { out, masses, map };
}
