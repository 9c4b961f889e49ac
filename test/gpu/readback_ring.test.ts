// Results come back in order, slots are reused and never handed out twice.
import { expect, it } from 'vitest';
import { ReadbackRing } from '../../src/gpu/readback_ring';
import { testGpu } from '../harness/gpu';

it('reads many results through few slots, creating nothing on the way', async () => {
  const gpu = await testGpu();
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const source = gpu.createBuffer(32, usage, 'source');
  const ring = new ReadbackRing(gpu, 12, 2, 'test');
  const { buffers } = gpu.counters;
  const pending: Promise<ArrayBuffer>[] = [];
  const seen: number[][] = [];
  for (let step = 0; step < 7; step++) {
    while (ring.available === 0) seen.push([...new Uint32Array((await pending.shift()) as ArrayBuffer)]);
    gpu.device.queue.writeBuffer(source, 0, new Uint32Array([step, 10 + step, 20 + step, 30 + step]));
    const slot = ring.acquire();
    const encoder = gpu.device.createCommandEncoder();
    slot.copy(encoder, [
      { buffer: source, offset: 8, bytes: 4 },
      { buffer: source, offset: 0, bytes: 8 },
    ]);
    gpu.device.queue.submit([encoder.finish()]);
    pending.push(slot.take());
  }
  for (const result of pending) seen.push([...new Uint32Array(await result)]);
  expect(seen).toEqual(Array.from({ length: 7 }, (_, step) => [20 + step, step, 10 + step]));
  expect(gpu.counters.buffers).toBe(buffers);
  expect(ring.available).toBe(2);
  ring.destroy();
  gpu.destroyBuffer(source);
});

it('refuses a read beyond the slot, and a slot beyond the last', async () => {
  const gpu = await testGpu();
  const source = gpu.createBuffer(32, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, 'source');
  const ring = new ReadbackRing(gpu, 16, 1, 'test');
  const slot = ring.acquire();
  const encoder = gpu.device.createCommandEncoder();
  expect(() => slot.copy(encoder, [{ buffer: source, offset: 0, bytes: 20 }])).toThrow(/20 bytes.*16/);
  expect(() => ring.acquire()).toThrow(/in flight/);
  slot.release();
  expect(ring.available).toBe(1);
  ring.destroy();
  gpu.destroyBuffer(source);
});
