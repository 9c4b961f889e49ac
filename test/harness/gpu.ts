// Gives each test file one real GPU device, in the browser and in Node alike; tests never destroy it.

import { acquireDevice, type GpuContext } from '../../src/gpu/device';

const IN_NODE = typeof process !== 'undefined' && process.versions?.node !== undefined;

// Dawn's instance must stay referenced for as long as anything made from it is used.
let gpu: GPU | undefined;
let shared: Promise<GpuContext> | undefined;

/** `navigator.gpu`, or in Node the same interface over Dawn. */
export async function testNavigatorGpu(): Promise<GPU> {
  if (gpu) return gpu;
  if (IN_NODE) {
    const name = 'webgpu';
    const dawn = (await import(/* @vite-ignore */ name)) as typeof import('webgpu');
    Object.assign(globalThis, dawn.globals);
    gpu = dawn.create([]);
  } else {
    gpu = navigator.gpu;
  }
  if (!gpu) throw new Error('no WebGPU in this test environment');
  return gpu;
}

/** The device that a test file's tests share, with its counters and pipelines. */
export function testGpu(): Promise<GpuContext> {
  shared ??= testNavigatorGpu().then((found) => acquireDevice({ gpu: found, label: 'test' }));
  return shared;
}
