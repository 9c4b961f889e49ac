// What one decode step moves and dispatches, from its traced bindings: figures that must not grow unnoticed.

import { beforeAll, describe, expect, it } from 'vitest';
import QWEN2_5_VL_3B from '../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import pocket from '../../public/models/pocket/config.json';
import { parseModelConfig } from '../../src/model/config';
import { DESKTOP_TRAITS } from '../../tools/memory_plan';
import { RANDOM_CONFIG } from '../bench/decode';
import { decodeTraffic, type Traffic, type TrafficOptions } from '../bench/traffic';

beforeAll(() => {
  Object.assign(globalThis, {
    GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 },
  });
});

const PLAIN: TrafficOptions = { precision: 'int4', batch: 1, context: 512, imageTokens: null, rank: null };
const MODELS = {
  pocket: parseModelConfig(pocket),
  'random 101M': parseModelConfig(RANDOM_CONFIG),
  '3B': parseModelConfig(QWEN2_5_VL_3B),
};

/** Bytes moved over those that must move: the weights once, and keys and values. */
const overhead = ({ readBytes, writtenBytes, weightBytes, cacheBytes }: Traffic): number =>
  (readBytes + writtenBytes) / (weightBytes + cacheBytes);

describe('a decode step', () => {
  it.each([
    ['pocket', 28],
    ['random 101M', 76],
    ['3B', 220],
  ] as const)('of %s has as many dispatches as it needs', async (name, dispatches) => {
    const count = (change: Partial<TrafficOptions>) =>
      decodeTraffic(DESKTOP_TRAITS, MODELS[name], { ...PLAIN, ...change });
    expect(await count({})).toMatchObject({ dispatches, dispatchesPerLayer: 6 });
    expect(await count({ imageTokens: 256 })).toMatchObject({
      dispatches: dispatches + 1,
      dispatchesPerLayer: 6,
    });
    expect(await count({ imageTokens: 256, rank: 8 })).toMatchObject({ dispatchesPerLayer: 10 });
  });

  it('of 3 billion parameters moves little but the weights, and keys and values', async () => {
    const plain = await decodeTraffic(DESKTOP_TRAITS, MODELS['3B'], PLAIN);
    // Every matrix once: 2.77 · 10⁹ elements of the decoder in 4 bits, 311 · 10⁶ of the vocabulary in 8, with scales.
    expect(plain.weightBytes / 1e9).toBeCloseTo(2.7748 * 0.5625 + 0.3112 * 1.0625, 2);
    // 512 keys and values of 2 heads of 128 in 36 layers, two bytes each.
    expect(plain.cacheBytes).toBe(2 * 512 * 2 * 128 * 36 * 2);
    expect(overhead(plain)).toBeLessThan(1.006);
    for (const change of [{ imageTokens: 256 }, { imageTokens: 256, rank: 8 }])
      expect(
        overhead(await decodeTraffic(DESKTOP_TRAITS, MODELS['3B'], { ...PLAIN, ...change })),
      ).toBeLessThan(1.045);
  });
});
