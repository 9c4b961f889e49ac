// Proves the test harness itself: a device answers, and fixtures can be read where the tests run.
import { expect, it } from 'vitest';
import { loadFixture } from './fixture';
import { testGpu } from './gpu';

it('gives a device that runs a shader', async () => {
  const { device } = await testGpu();
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(8) fn square(@builtin(global_invocation_id) id: vec3u) { y[id.x] = id.x * id.x; }`,
  });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const out = device.createBuffer({ size: 32, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size: 32, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const bind = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: out } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bind);
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(out, 0, read, 0, 32);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  expect([...new Uint32Array(read.getMappedRange())]).toEqual([0, 1, 4, 9, 16, 25, 36, 49]);
});

it('reads a file of the repository, and names one that is missing', async () => {
  const bytes = await loadFixture('/package.json');
  expect(new TextDecoder().decode(bytes)).toContain('"look-back"');
  await expect(loadFixture('none/such.json')).rejects.toThrow('none/such.json');
});
