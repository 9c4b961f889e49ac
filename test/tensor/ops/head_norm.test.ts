// Normalised heads as an op: values, the gradient of the projection, and what it refuses.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { headNorm } from '../../../src/tensor/ops/head_norm';
import { Trace } from '../../../src/tensor/trace';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { headNormReference } from '../../reference/head_norm';

const LAYOUT = { heads: 3, kvHeads: 1, headSize: 6, eps: 1e-6 };

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

describe('headNorm', () => {
  it('passes values and gradients', async () => {
    await checkOp(gpu, {
      inputs: {
        qkv: { shape: [4, 30], data: noise(120, 1), grad: true },
        q: { shape: [6], data: noise(6, 2) },
        k: { shape: [6], data: noise(6, 3) },
      },
      build: (trace, t) => headNorm(trace, t.qkv!, t.q!, t.k!, LAYOUT),
      reference: ({ qkv, q, k }) => headNormReference(qkv!, q!, k!, LAYOUT),
      tolerance: 1e-5,
    });
  });

  it('refuses other widths, and weights that train', () => {
    const trace = new Trace(gpu.traits);
    const [qkv, w] = [trace.input('qkv', [2, 30]), trace.input('w', [6])];
    expect(() => headNorm(trace, trace.input('x', [2, 24]), w, w, LAYOUT)).toThrow(/does not split/);
    expect(() => headNorm(trace, qkv, w, trace.input('k', [5]), LAYOUT)).toThrow(/k has 5 entries/);
    expect(() => headNorm(trace, qkv, trace.input('q', [6], 'f32', true), w, LAYOUT)).toThrow(/frozen/);
  });
});
