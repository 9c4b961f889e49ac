// SwiGLU as an op: values and gradients of the fused gate and up projection.

import { afterAll, beforeAll, describe, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { swiglu } from '../../../src/tensor/ops/swiglu';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

describe('swiglu', () => {
  it.each([
    [1, 3],
    [6, 17],
  ])('passes values and gradients of %i×2·%i', async (rows, cols) => {
    await checkOp(gpu, {
      inputs: { gateUp: { shape: [rows, 2 * cols], data: noise(2 * rows * cols, 3), grad: true } },
      build: (trace, t) => swiglu(trace, t.gateUp!),
      reference: ({ gateUp }) =>
        Float64Array.from({ length: rows * cols }, (_, i) => {
          const at = Math.floor(i / cols) * 2 * cols + (i % cols);
          const gate = gateUp![at]!;
          return (gate / (1 + Math.exp(-gate))) * gateUp![at + cols]!;
        }),
      tolerance: 1e-5,
    });
  });
});
