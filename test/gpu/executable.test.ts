// A bound list of dispatches: runs in order, again and again, creating nothing; cut into submits; abortable.
import { expect, it } from 'vitest';
import type { BufferRegion } from '../../src/gpu/buffer_region';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { type BoundCall, Executable } from '../../src/gpu/executable';
import { type Kernel, type KernelCall, packParams } from '../../src/gpu/kernel';
import { SubmitPace } from '../../src/gpu/submit_pace';
import { testGpu } from '../harness/gpu';

const AFFINE: Kernel = {
  name: 'affine',
  source: `struct Params { times: u32, plus: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(1) fn affine() { y[0] = x[0] * params.times + params.plus; }`,
  entryPoint: 'affine',
  bindings: ['read', 'read_write'],
  hasParams: true,
};

function region(gpu: GpuContext, label: string): BufferRegion {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  return { buffer: gpu.createBuffer(4, usage, label), offset: 0, bytes: 4 };
}

function affine(from: BufferRegion, to: BufferRegion, times: number, plus: number, flops = 2): BoundCall {
  const params = packParams([{ u32: times }, { u32: plus }]);
  const word = { dtype: 'u32', count: 1, orMore: false } as const;
  const operands = [
    { ...word, name: 'x', access: 'read' },
    { ...word, name: 'y', access: 'read_write' },
  ] as const;
  const call: KernelCall = { kernel: AFFINE, operands, params, grid: [1, 1, 1], flops, bytes: 8 };
  return { call, operands: [from, to] };
}

async function read(gpu: GpuContext, { buffer }: BufferRegion): Promise<number> {
  const staging = gpu.createBuffer(4, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, 'staging');
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, 4);
  gpu.device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const value = new Uint32Array(staging.getMappedRange().slice(0))[0] ?? Number.NaN;
  gpu.destroyBuffer(staging);
  return value;
}

it('runs dispatches in order with their own parameters, and creates nothing when run again', async () => {
  const gpu = await testGpu();
  const [a, b] = [region(gpu, 'a'), region(gpu, 'b')];
  gpu.device.queue.writeBuffer(a.buffer, 0, new Uint32Array([1]));
  const program = await Executable.build(gpu, [affine(a, b, 3, 1), affine(b, a, 10, 7)], 'pair');
  expect(program.dispatches).toBe(2);
  await program.run();
  expect(await read(gpu, a)).toBe(47); // 10 * (3 * 1 + 1) + 7
  const before = creations(gpu.counters);
  const { dispatches } = gpu.counters;
  await program.run();
  expect(creations(gpu.counters)).toBe(before);
  expect(gpu.counters.dispatches).toBe(dispatches + 2);
  expect(await read(gpu, a)).toBe(1427); // 10 * (3 * 47 + 1) + 7
  program.destroy();
});

it('cuts heavy programs into submits that keep the order', async () => {
  const gpu = await testGpu();
  const [a, b] = [region(gpu, 'a'), region(gpu, 'b')];
  gpu.device.queue.writeBuffer(a.buffer, 0, new Uint32Array([1]));
  // Claims an amount of work that no device gets in one submit.
  const calls = Array.from({ length: 6 }, (_, i) =>
    i % 2 ? affine(b, a, 2, 0, 3e10) : affine(a, b, 1, 1, 3e10),
  );
  const program = await Executable.build(gpu, calls, 'heavy');
  const { submits } = gpu.counters;
  program.submit();
  expect(gpu.counters.submits).toBe(submits + 6);
  expect(await read(gpu, a)).toBe(22); // ((1 + 1) * 2 + 1) * 2 + 1) * 2
  program.destroy();
});

it('makes parts as large as the device turns out to take, in the same order', async () => {
  const gpu = { ...(await testGpu()), pace: new SubmitPace(true) };
  const [a, b] = [region(gpu, 'a'), region(gpu, 'b')];
  gpu.device.queue.writeBuffer(a.buffer, 0, new Uint32Array([1]));
  // Each claims a whole submit of a software device, and takes next to nothing.
  const calls = Array.from({ length: 8 }, (_, i) =>
    i % 2 ? affine(b, a, 2, 0, 1e9) : affine(a, b, 1, 1, 1e9),
  );
  const program = await Executable.build(gpu, calls, 'light');
  const { submits } = gpu.counters;
  await program.run();
  const first = gpu.counters.submits - submits;
  await program.run();
  expect(first).toBeLessThan(8);
  expect(gpu.counters.submits - submits - first).toBeLessThan(first);
  expect(await read(gpu, a)).toBe(766); // 256 times what it was, and 2 + 4 + … + 256
  program.destroy();
});

it('stops between submits when aborted', async () => {
  const gpu = await testGpu();
  const [a, b] = [region(gpu, 'a'), region(gpu, 'b')];
  const program = await Executable.build(gpu, [affine(a, b, 1, 1, 3e10), affine(b, a, 1, 1, 3e10)], 'abort');
  const abort = new AbortController();
  const { submits } = gpu.counters;
  const run = program.run(abort.signal);
  abort.abort(new Error('enough'));
  await expect(run).rejects.toThrow('enough');
  expect(gpu.counters.submits).toBe(submits + 1);
  program.destroy();
});

it('times every dispatch by name where the device has timestamps', async ({ skip }) => {
  const gpu = await testGpu();
  const [a, b] = [region(gpu, 'a'), region(gpu, 'b')];
  const program = await Executable.build(gpu, [affine(a, b, 1, 1), affine(b, a, 1, 1)], 'profile');
  if (!gpu.traits.timestampQuery) {
    await expect(program.profile()).rejects.toThrow(/timestamp/);
    skip('this device has no timestamp-query');
  }
  const times = await program.profile();
  expect(times.map(({ name }) => name)).toEqual(['affine', 'affine']);
  expect(times.every(({ nanoseconds }) => nanoseconds >= 0)).toBe(true);
  program.destroy();
});
