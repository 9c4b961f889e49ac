// The cache's layout, its key classes on the device, and the authors' classes of a prompt.
import { beforeAll, describe, expect, it } from 'vitest';
import QWEN2_5_VL_3B from '../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import { countingGpu } from '../../src/gpu/counting_gpu';
import type { GpuContext } from '../../src/gpu/device';
import { type CacheShape, unsharedCache } from '../../src/kernels/cache_shape';
import { KEY_CLASS } from '../../src/kernels/sequence_words';
import { parseModelConfig } from '../../src/model/config';
import { KvCache, promptKeyClasses, rangeKeyClasses, tokenCacheBytes } from '../../src/model/kv_cache';
import type { TextSpec } from '../../src/model/spec';
import { testGpu } from '../harness/gpu';

const text = { numHiddenLayers: 3, numKeyValueHeads: 2, headDim: 8 } as TextSpec;
const IDS = { imageTokenId: 5 };
const image = (index: number): number => KEY_CLASS.image | (index << 8);

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('KvCache', () => {
  it.each([
    ['f32', 4],
    ['f16', 2],
  ] as const)('allocates once in %s, says how much, and gives it back', (format, bytes) => {
    const before = gpu.counters.bufferBytes;
    const shape = { slots: 2, capacity: 7, prefixes: 1, prefixCapacity: 20, format } as const;
    const cache = new KvCache(gpu, text, shape);
    const positions = 2 * 7 + 20;
    expect(cache.layer(2)).toMatchObject({
      k: { shape: [positions, 2, 8], dtype: format },
      kvHeads: 2,
      shape,
    });
    expect(cache.bytes).toBe(3 * 2 * (positions * 2 * 8 * bytes) + positions * 4);
    expect(cache.bytes).toBe(positions * (tokenCacheBytes(text, format) + 4));
    expect(gpu.counters.bufferBytes - before).toBe(cache.bytes);
    cache.destroy();
    expect(gpu.counters.bufferBytes).toBe(before);
  });

  it('pays for a long prompt once, and half as much, in a training step of a 3B model', () => {
    const { numHiddenLayers, numKeyValueHeads, headDim } = parseModelConfig(QWEN2_5_VL_3B).text;
    const size = { numHiddenLayers, numKeyValueHeads, headDim } as TextSpec;
    const bytes = (shape: CacheShape) => new KvCache(countingGpu(gpu).gpu, size, shape).bytes;
    // 4 prompts of 1,300 tokens with 8 completions each of 512, in steps of 32 tokens.
    const shape = { slots: 32, capacity: 544, prefixes: 4, prefixCapacity: 1312 };
    expect(bytes(unsharedCache(36, 1312, 'f32'))).toBe(36 * 1312 * (73_728 + 4));
    expect(bytes({ ...shape, format: 'f32' })).toBe((32 * 544 + 4 * 1312) * (73_728 + 4));
    expect(bytes({ ...shape, format: 'f16' })).toBe((32 * 544 + 4 * 1312) * (36_864 + 4));
  });

  it('names a layer, and sizes, that cannot be', () => {
    const cache = new KvCache(gpu, text, unsharedCache(1, 4, 'f32'));
    expect(() => cache.layer(3)).toThrow(/3 layers/);
    expect(() => new KvCache(gpu, text, unsharedCache(0, 4, 'f32'))).toThrow(/slots is 0/);
    expect(() => new KvCache(gpu, text, unsharedCache(1, 2.5, 'f32'))).toThrow(/capacity is 2\.5/);
    cache.destroy();
  });

  it('writes one slot of classes and takes later keys as generated', async () => {
    const shape = { slots: 1, capacity: 3, prefixes: 1, prefixCapacity: 5, format: 'f16' } as const;
    const cache = new KvCache(gpu, text, shape);
    cache.writeKeyClasses(0, Uint32Array.of(0, image(0), 2, 3));
    cache.writeKeyClasses(1, Uint32Array.of(0, image(1)));
    const { buffer } = cache.keyClass.region!;
    const staging = gpu.createBuffer(32, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, 'staging');
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, 32);
    gpu.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const words = [...new Uint32Array(staging.getMappedRange().slice(0))];
    expect(words).toEqual([0, image(0), 2, 0, image(1), ...Array(3).fill(KEY_CLASS.generated)]);
    gpu.destroyBuffer(staging);
    cache.destroy();
  });
});

describe('promptKeyClasses', () => {
  it('leaves the token that ends the image out of every class when there is one', () => {
    const { beforeImage, remainder, query } = KEY_CLASS;
    const classes = promptKeyClasses([1, 9, 3, 5, 5, 4, 9, 2], IDS);
    expect([...classes]).toEqual([
      ...[beforeImage, beforeImage, beforeImage],
      ...[image(0), image(1)],
      ...[remainder, query, query],
    ]);
    expect(classes).toEqual(rangeKeyClasses(3, 2, 8));
  });

  it('counts the tokens of several images through, and everything between them as query', () => {
    const { beforeImage, query } = KEY_CLASS;
    const classes = promptKeyClasses([1, 3, 5, 5, 4, 9, 3, 5, 4, 2], IDS);
    expect([...classes]).toEqual([
      ...[beforeImage, beforeImage],
      ...[image(0), image(1), query, query, query],
      ...[image(2), query, query],
    ]);
  });

  it('has no query without an image', () => {
    expect([...promptKeyClasses([1, 9, 2], IDS)]).toEqual([0, 0, 0]);
  });
});
