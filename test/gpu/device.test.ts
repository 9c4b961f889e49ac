// Acquiring a device, and noticing everything that goes wrong on it. Devices that a test breaks are its own.
import { describe, expect, it } from 'vitest';
import { acquireDevice, type GpuContext } from '../../src/gpu/device';
import { testGpu, testNavigatorGpu } from '../harness/gpu';

async function own(): Promise<GpuContext> {
  return acquireDevice({ gpu: await testNavigatorGpu(), label: 'own' });
}

function fakeGpu(adapter: unknown): GPU {
  return { requestAdapter: () => Promise.resolve(adapter) } as unknown as GPU;
}

describe('acquireDevice', () => {
  it('says when no adapter answers', async () => {
    await expect(acquireDevice({ gpu: fakeGpu(null) })).rejects.toMatchObject({ code: 'gpu/no-adapter' });
  });

  it('names the limit that is below the floor, with its value and the need', async () => {
    const limits = {
      maxStorageBuffersPerShaderStage: 8,
      maxComputeInvocationsPerWorkgroup: 128,
      maxComputeWorkgroupStorageSize: 16384,
      maxStorageBufferBindingSize: 2 ** 27,
    };
    const attempt = acquireDevice({ gpu: fakeGpu({ limits, features: new Set() }) });
    await expect(attempt).rejects.toMatchObject({
      code: 'gpu/limit',
      message: expect.stringMatching(/maxComputeInvocationsPerWorkgroup.*128.*256/),
    });
  });

  it('reports traits that agree with the device', async () => {
    const { traits, device } = await testGpu();
    expect(traits.maxBindingBytes).toBe(device.limits.maxStorageBufferBindingSize);
    expect(traits.subgroups).toBe(device.features.has('subgroups'));
    expect(traits.maxStorageBuffers).toBeGreaterThanOrEqual(8);
    expect(traits.description).not.toBe('');
  });
});

describe('GpuContext', () => {
  it('counts buffers and their bytes while they live', async () => {
    const gpu = await testGpu();
    const { buffers, bufferBytes } = gpu.counters;
    const buffer = gpu.createBuffer(5, GPUBufferUsage.STORAGE, 'five bytes');
    expect(buffer.size).toBe(16);
    expect(gpu.counters.buffers).toBe(buffers + 1);
    expect(gpu.counters.bufferBytes).toBe(bufferBytes + 16);
    gpu.destroyBuffer(buffer);
    expect(gpu.counters.bufferBytes).toBe(bufferBytes);
  });

  it('refuses a buffer that is too large for the device, by name', async () => {
    const gpu = await testGpu();
    const size = gpu.traits.maxBufferBytes + 4;
    expect(() => gpu.createBuffer(size, GPUBufferUsage.STORAGE, 'giant')).toThrow(/giant/);
  });

  it('throws an uncaptured error at the next fence, once', async () => {
    const gpu = await own();
    // These two usages exclude each other: exactly one validation error.
    gpu.createBuffer(16, GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE, 'impossible');
    await expect(gpu.fence()).rejects.toMatchObject({ code: 'gpu/validation' });
    await gpu.fence();
    gpu.destroy();
  });

  it('notices that the device is gone, and stays that way', async () => {
    const gpu = await own();
    expect(gpu.isLost()).toBe(false);
    gpu.destroy();
    await gpu.lost;
    expect(gpu.isLost()).toBe(true);
    await expect(gpu.fence()).rejects.toMatchObject({
      code: 'gpu/device-lost',
      data: { reason: 'destroyed' },
    });
    expect(() => gpu.check()).toThrow(/lost/);
  });
});
