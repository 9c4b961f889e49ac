// Element-wise kernels: exact results, in the vec4 and the scalar form.
import { expect, it } from 'vitest';
import { type ElementwiseKind, elementwise } from '../../src/kernels/elementwise';
import { testGpu } from '../harness/gpu';
import { dirty, normals, runTwice } from './support';

const EXPECTED: Record<ElementwiseKind, (a: number, b: number, y: number) => number> = {
  add: (a, b) => a + b,
  multiply: (a, b) => a * b,
  // Powers of two scale exactly, so even a fused multiply-add rounds once.
  axpy: (a, _, y) => y + 0.25 * a,
  scale: (a) => 0.25 * a,
  copy: (a) => a,
  fill: () => 0.25,
};

it.each(Object.keys(EXPECTED) as ElementwiseKind[])('%s is exact', async (kind) => {
  const gpu = await testGpu();
  for (const count of [1, 3, 4, 257, 1028]) {
    const [a, b, before] = [normals(count, 1, 100), normals(count, 2), normals(count, 3)];
    const call = elementwise({ kind, count, scale: 0.25 }, gpu.traits);
    const inputs = call.kernel.bindings.length - 1;
    const y = kind === 'axpy' ? before : dirty(count);
    const results = await runTwice(gpu, call, [...[a, b].slice(0, inputs), y]);
    expect(results[inputs]).toEqual(a.map((value, i) => EXPECTED[kind](value, b[i]!, before[i]!)));
  }
});

it('names the field of a bad shape', async () => {
  const { traits } = await testGpu();
  expect(() => elementwise({ kind: 'add', count: 0 }, traits)).toThrow(/elementwise add: count is 0/);
});
