// A device that counts against the real one: a program's buffers, the most that was alive, limits, and that the real
// device is left alone.
import { beforeAll, expect, it } from 'vitest';
import { type CountingGpu, countingGpu } from '../../src/gpu/counting_gpu';
import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { linear } from '../../src/tensor/ops/linear';
import { Program } from '../../src/tensor/program';
import { allocateTensor } from '../../src/tensor/tensor_memory';
import type { StoredTensor, Trace } from '../../src/tensor/trace';
import { denseWeight } from '../../src/tensor/weight';
import { testGpu } from '../harness/gpu';

let gpu: GpuContext;
let counting: CountingGpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Two layers; the first's weight is given. */
const twoLayers =
  (weight: StoredTensor) =>
  (t: Trace): void => {
    t.output(
      'y',
      linear(t, linear(t, t.input('x', [3, 8]), denseWeight(weight)), denseWeight(t.input('v', [4, 8]))),
    );
  };

it('counts what a program takes, runs it, and reads zeros', async () => {
  const scope = new GpuScope(gpu);
  const weight = allocateTensor(scope, 'weight', [8, 8], 'f32');
  const before = gpu.counters.bufferBytes;
  const real = await Program.compile(gpu, 'two', twoLayers(weight));
  const taken = gpu.counters.bufferBytes - before;
  real.destroy();

  counting = countingGpu(gpu);
  const counters = { ...gpu.counters };
  // A weight on the real device is bound as it is.
  const counted = await Program.compile(counting.gpu, 'two', twoLayers(weight));
  expect(counting.gpu.counters.bufferBytes).toBe(taken);
  counted.write('x', new Float32Array(24).fill(1));
  await counted.run();
  expect([...((await counted.read('y')) as Float32Array).subarray(0, 12)]).toEqual(Array(12).fill(0));
  counted.destroy();
  expect(counting.gpu.counters.bufferBytes).toBe(0);
  expect(gpu.counters).toEqual(counters);
  scope.destroy();
});

it('names the buffers that were alive when they took most', () => {
  const { gpu: paper, peak } = countingGpu(gpu);
  const [small, large] = [paper.createBuffer(10, 0, 'small'), paper.createBuffer(1001, 0, 'large')];
  paper.destroyBuffer(small);
  paper.createBuffer(500, 0, 'later');
  paper.destroyBuffer(large);
  paper.createBuffer(700, 0, 'last');
  // 16 + 1004 bytes, then 1004 + 500, then 500 + 700: whole words, and at least 16.
  expect(peak()).toEqual([
    { label: 'large', bytes: 1004 },
    { label: 'later', bytes: 500 },
  ]);
});

it('refuses what the real device would', () => {
  const { gpu: paper } = countingGpu(gpu);
  const bytes = gpu.traits.maxBufferBytes + 4;
  expect(() => paper.createBuffer(bytes, 0, 'huge')).toThrow(/huge needs .* this device allows/);
});
