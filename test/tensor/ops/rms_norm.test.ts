// RMSNorm as an op: values, gradients of x and of the weight.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { rmsNorm } from '../../../src/tensor/ops/rms_norm';
import { Trace } from '../../../src/tensor/trace';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { rmsNormReference } from '../../reference/rms_norm';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

describe('rmsNorm', () => {
  it.each([
    [1, 7],
    [13, 40],
  ])('passes values and gradients of %i×%i', async (rows, cols) => {
    await checkOp(gpu, {
      inputs: {
        x: { shape: [rows, cols], data: noise(rows * cols, 1), grad: true },
        w: { shape: [cols], data: noise(cols, 2), grad: true },
      },
      build: (trace, t) => rmsNorm(trace, t.x!, t.w!, 1e-6),
      reference: ({ x, w }) => rmsNormReference(x!, w!, 1e-6).y,
      tolerance: 1e-5,
    });
  });

  it('refuses a weight of another width', () => {
    const trace = new Trace(gpu.traits);
    expect(() => rmsNorm(trace, trace.input('x', [2, 4]), trace.input('w', [5]), 1e-6)).toThrow(
      /w has 5 entries; rows of x have 4/,
    );
  });
});
