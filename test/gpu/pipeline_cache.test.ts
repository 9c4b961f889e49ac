// Pipelines are made once per kernel, also when asked for at the same time, and bad shaders are named.
import { expect, it } from 'vitest';
import type { Kernel } from '../../src/gpu/kernel';
import { testGpu } from '../harness/gpu';

function kernel(body: string, name = 'probe'): Kernel {
  const source = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn probe() { ${body} }`;
  return { name, source, entryPoint: 'probe', bindings: ['read_write'], hasParams: false };
}

it('compiles equal kernels once, also concurrently, and shares the layout between kernels', async () => {
  const gpu = await testGpu();
  const before = { ...gpu.counters };
  const [one, two] = await Promise.all([
    gpu.pipelines.get(kernel('y[0] = 1.5;')),
    gpu.pipelines.get(kernel('y[0] = 1.5;')),
  ]);
  const other = await gpu.pipelines.get(kernel('y[0] = 2.5;'));
  expect(one.pipeline).toBe(two.pipeline);
  expect(other.pipeline).not.toBe(one.pipeline);
  expect(other.layout).toBe(one.layout);
  expect(gpu.counters.pipelines - before.pipelines).toBe(2);
  expect(gpu.counters.shaderModules - before.shaderModules).toBe(2);
  expect(gpu.counters.bindGroupLayouts - before.bindGroupLayouts).toBeLessThanOrEqual(1);
});

it('names kernel and line of a shader that does not compile', async () => {
  const gpu = await testGpu();
  const bad = kernel('y[0] = nonsense;', 'probe/bad');
  await expect(gpu.pipelines.get(bad)).rejects.toMatchObject({
    code: 'gpu/shader',
    message: expect.stringMatching(/probe\/bad.*nonsense/s),
  });
  // The failure surfaces there, and not a second time at a fence.
  await gpu.fence().catch(() => undefined);
});
