// The cache's layout, its key classes on the device, and the authors' classes of a prompt.
import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { KEY_CLASS } from '../../src/kernels/sequence_words';
import { KvCache, promptKeyClasses, rangeKeyClasses } from '../../src/model/kv_cache';
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
  it('allocates once, says how much, and gives it back', () => {
    const before = gpu.counters.bufferBytes;
    const cache = new KvCache(gpu, text, 2, 7);
    expect(cache.layer(2).k.shape).toEqual([2, 2, 7, 8]);
    expect(cache.bytes).toBe(3 * 2 * (2 * 2 * 7 * 8 * 4) + 2 * 7 * 4);
    expect(gpu.counters.bufferBytes - before).toBe(cache.bytes);
    cache.destroy();
    expect(gpu.counters.bufferBytes).toBe(before);
  });

  it('names a layer, and sizes, that cannot be', () => {
    const cache = new KvCache(gpu, text, 1, 4);
    expect(() => cache.layer(3)).toThrow(/3 layers/);
    expect(() => new KvCache(gpu, text, 0, 4)).toThrow(/0 slots/);
    expect(() => new KvCache(gpu, text, 1, 2.5)).toThrow(/2\.5 tokens/);
    cache.destroy();
  });

  it('writes one slot of classes and takes later keys as generated', async () => {
    const cache = new KvCache(gpu, text, 2, 4);
    cache.writeKeyClasses(0, Uint32Array.of(0, image(0), 2, 3));
    cache.writeKeyClasses(1, Uint32Array.of(0, image(1)));
    const { buffer } = cache.keyClass.region!;
    const staging = gpu.createBuffer(32, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, 'staging');
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, 32);
    gpu.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const words = [...new Uint32Array(staging.getMappedRange().slice(0))];
    expect(words).toEqual([0, image(0), 2, 3, 0, image(1), KEY_CLASS.generated, KEY_CLASS.generated]);
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
