// Activations and addition: values and gradients against f64.

import { afterAll, beforeAll, describe, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { activate, add } from '../../../src/tensor/ops/activation';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const FUNCTIONS = {
  silu: (x: number) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick_gelu: (x: number) => x / (1 + Math.exp(-1.702 * x)),
} as const;

describe('activation ops', () => {
  it.each(Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[])('%s', async (kind) => {
    await checkOp(gpu, {
      inputs: { x: { shape: [3, 31], data: noise(93, 5).map((v) => 4 * v), grad: true } },
      build: (trace, t) => activate(trace, t.x!, kind),
      reference: ({ x }) => Array.from(x!, FUNCTIONS[kind]),
      tolerance: 1e-5,
    });
  });

  it('adds, also a tensor to itself', async () => {
    await checkOp(gpu, {
      inputs: {
        a: { shape: [29], data: noise(29, 1), grad: true },
        b: { shape: [29], data: noise(29, 2), grad: true },
      },
      build: (trace, t) => add(trace, add(trace, t.a!, t.b!), t.a!),
      reference: ({ a, b }) => Array.from(a!, (v, i) => 2 * v + b![i]!),
      tolerance: 1e-6,
    });
  });
});
