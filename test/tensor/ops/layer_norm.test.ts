// LayerNorm as an op: values, the gradient of x, and what it refuses.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { layerNorm } from '../../../src/tensor/ops/layer_norm';
import { Trace } from '../../../src/tensor/trace';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { layerNormReference } from '../../reference/layer_norm';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

describe('layerNorm', () => {
  it.each([
    [1, 7],
    [13, 40],
  ])('passes values and gradients of %i×%i', async (rows, cols) => {
    await checkOp(gpu, {
      inputs: {
        x: { shape: [rows, cols], data: noise(rows * cols, 1), grad: true },
        w: { shape: [cols], data: noise(cols, 2) },
        b: { shape: [cols], data: noise(cols, 3) },
      },
      build: (trace, t) => layerNorm(trace, t.x!, t.w!, t.b!, 1e-6),
      reference: ({ x, w, b }) => layerNormReference(x!, w!, b!, 1e-6).y,
      tolerance: 1e-5,
    });
  });

  it('refuses other widths, and weights that train', () => {
    const trace = new Trace(gpu.traits);
    const [x, w] = [trace.input('x', [2, 4]), trace.input('w', [4])];
    expect(() => layerNorm(trace, x, w, trace.input('b', [5]), 1e-6)).toThrow(/b has 5 entries/);
    expect(() => layerNorm(trace, x, w, trace.input('c', [4], 'f32', true), 1e-6)).toThrow(/frozen/);
  });
});
