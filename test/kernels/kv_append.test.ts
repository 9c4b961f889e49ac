// Appending prefilled keys and values: right cells written, every other cell untouched, in f32 and in f16.
import { describe, expect, it } from 'vitest';
import { type CacheShape, cachePositions, cacheWords, unsharedCache } from '../../src/kernels/cache_shape';
import { kvAppend, SKIP_SLOT } from '../../src/kernels/kv_append';
import { f16ToF32 } from '../../src/lib/float_bits';
import { testGpu } from '../harness/gpu';
import { type Operand, runCall } from '../harness/run_call';
import { normals, runTwice } from './support';

/** Values that a cache operand holds. */
function valuesOf(words: Operand): Float32Array {
  return words instanceof Float32Array ? words : f16ToF32(new Uint16Array(words.buffer));
}

const TWO_CAPACITIES = { slots: 2, capacity: 5, prefixes: 2, prefixCapacity: 9 };

describe('kvAppend', () => {
  it.each<{ tokens: number; kvHeads: number; headSize: number; cache: CacheShape }>([
    { tokens: 1, kvHeads: 1, headSize: 1, cache: unsharedCache(4, 1, 'f32') },
    { tokens: 11, kvHeads: 3, headSize: 7, cache: unsharedCache(4, 5, 'f32') },
    { tokens: 19, kvHeads: 3, headSize: 7, cache: { ...TWO_CAPACITIES, format: 'f32' } },
    { tokens: 1, kvHeads: 1, headSize: 2, cache: unsharedCache(4, 1, 'f16') },
    { tokens: 19, kvHeads: 3, headSize: 10, cache: { ...TWO_CAPACITIES, format: 'f16' } },
  ])('stores every token at its target: %o', async ({ tokens, kvHeads, headSize, cache }) => {
    const gpu = await testGpu();
    const size = kvHeads * headSize;
    const [k, v] = [normals(tokens * size, 1), normals(tokens * size, 2)];
    const before = cacheWords(normals(cachePositions(cache) * size, 3), cache.format);
    // First cell of a slot, and its positions.
    const spans = Array.from({ length: cache.slots + cache.prefixes }, (_, slot) =>
      slot < cache.slots
        ? [slot * cache.capacity, cache.capacity]
        : [cache.slots * cache.capacity + (slot - cache.slots) * cache.prefixCapacity, cache.prefixCapacity],
    ) as [number, number][];
    const targets = new Uint32Array(tokens * 2);
    for (let t = 0; t < tokens; t++) {
      const slot = (t + 2) % spans.length;
      // Token 3 is skipped; token 5 lies past its slot's capacity, token 18 past that of the slots before.
      const index = t === 5 ? spans[slot]![1] : t === 18 ? 8 : Math.floor(t / spans.length);
      targets.set([t === 3 ? SKIP_SLOT : t === 18 ? spans.length - 1 : slot, index], 2 * t);
    }
    const call = kvAppend({ tokens, kvHeads, headSize, cache }, gpu.traits);
    const [, , , kCache, vCache] = await runTwice(gpu, call, [k, v, targets, before, before]);
    for (const [written, given] of [
      [kCache, k],
      [vCache, v],
    ] as const) {
      const want = valuesOf(before).slice();
      // The nearest value that the format has.
      const kept = valuesOf(
        cacheWords(given.length % 2 ? Float32Array.of(...given, 0) : given, cache.format),
      );
      for (let t = 0; t < tokens; t++) {
        const [slot, index] = [targets[2 * t]!, targets[2 * t + 1]!];
        const [start, positions] = spans[slot] ?? [0, 0];
        if (slot === SKIP_SLOT || index >= positions) continue;
        for (let i = 0; i < size; i++) {
          const head = Math.floor(i / headSize);
          want[(start * kvHeads + head * positions + index) * headSize + (i % headSize)] =
            kept[t * size + i]!;
        }
      }
      const stored = valuesOf(written!);
      // Which of two equally near values pack2x16float takes is left to the device: one unit of 11 bits.
      if (cache.format === 'f32') expect(stored).toEqual(want);
      else
        want.forEach((value, i) => {
          expect(Math.abs(stored[i]! - value), `value ${i}`).toBeLessThanOrEqual(Math.abs(value) * 2 ** -10);
        });
    }
  });

  it('keeps what f16 cannot hold at its ends, and the rest beside it', async () => {
    const gpu = await testGpu();
    const cache = unsharedCache(1, 1, 'f16');
    const call = kvAppend({ tokens: 1, kvHeads: 1, headSize: 4, cache }, gpu.traits);
    const k = Float32Array.of(1e6, -1e30, 65504, 0.5);
    const targets = Uint32Array.of(0, 0);
    const [, , , kCache, vCache] = await runCall(gpu, call, [
      ...[k, k.map((x) => -x), targets],
      ...[new Uint32Array(2), new Uint32Array(2)],
    ]);
    expect([...valuesOf(kCache!)]).toEqual([65504, -65504, 65504, 0.5]);
    expect([...valuesOf(vCache!)]).toEqual([-65504, 65504, -65504, -0.5]);
  });

  it('names sizes that cannot be', async () => {
    const { traits } = await testGpu();
    const sizes = { tokens: 1, kvHeads: 1, headSize: 7, cache: unsharedCache(1, 4, 'f16') };
    expect(() => kvAppend(sizes, traits)).toThrow(/headSize is 7/);
    expect(() => kvAppend({ ...sizes, headSize: 8, cache: unsharedCache(0, 4, 'f16') }, traits)).toThrow(
      /slots is 0/,
    );
  });
});
