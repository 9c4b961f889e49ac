// Linear layers: values and gradients in f64, stored formats, epilogues, refusals.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { linear } from '../../../src/tensor/ops/linear';
import { Trace } from '../../../src/tensor/trace';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

function product(x: ArrayLike<number>, w: ArrayLike<number>, rows: number, k: number): Float64Array {
  const n = w.length / k;
  return Float64Array.from({ length: rows * n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += x[Math.floor(i / n) * k + j]! * w[(i % n) * k + j]!;
    return sum;
  });
}

/** bf16 words of values that bf16 holds exactly. */
function packBf16(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.buffer);
  return Uint32Array.from(
    { length: Math.ceil(values.length / 2) },
    (_, i) => (bits[2 * i]! >>> 16) | ((bits[2 * i + 1] ?? 0) & 0xffff0000),
  );
}

const silu = (x: number): number => x / (1 + Math.exp(-x));

describe('linear', () => {
  it.each([
    [1, 8, 4],
    [5, 37, 11],
    [17, 12, 33],
  ])('passes values and gradients, %i×%i → %i', async (rows, k, n) => {
    await checkOp(gpu, {
      inputs: {
        x: { shape: [rows, k], data: noise(rows * k, 1), grad: true },
        w: { shape: [n, k], data: noise(n * k, 2), grad: true },
        b: { shape: [n], data: noise(n, 3) },
        r: { shape: [rows, n], data: noise(rows * n, 4), grad: true },
      },
      build: (trace, t) => linear(trace, t.x!, t.w!, { bias: t.b, residual: t.r }),
      reference: ({ x, w, b, r }) => product(x!, w!, rows, k).map((v, i) => v + b![i % n]! + r![i]!),
      tolerance: 1e-5,
    });
  });

  it('differentiates through its activation', async () => {
    await checkOp(gpu, {
      inputs: {
        x: { shape: [6, 10], data: noise(60, 1), grad: true },
        w: { shape: [7, 10], data: noise(70, 2), grad: true },
      },
      build: (trace, t) => linear(trace, t.x!, t.w!, { activation: 'silu' }),
      reference: ({ x, w }) => product(x!, w!, 6, 10).map(silu),
      tolerance: 1e-5,
    });
  });

  it('reads packed weights and passes gradients through them', async () => {
    const weights = noise(9 * 14, 8).map((v) => Math.round(v * 64) / 64);
    await checkOp(gpu, {
      inputs: {
        x: { shape: [3, 14], data: noise(42, 1), grad: true },
        w: { shape: [9, 14], data: packBf16(weights), dtype: 'bf16' },
      },
      build: (trace, t) => linear(trace, t.x!, t.w!),
      reference: ({ x }) => product(x!, weights, 3, 14),
      tolerance: 1e-5,
    });
  });

  it('refuses widths that differ and operands that cannot train', () => {
    const trace = new Trace(gpu.traits);
    const x = trace.input('x', [2, 4], 'f32', true);
    expect(() => linear(trace, x, trace.input('w', [3, 5]))).toThrow(
      /w \[3, 5\] does not apply to x \[2, 4\]/,
    );
    const w = trace.input('ok', [3, 4]);
    expect(() => linear(trace, x, w, { bias: trace.input('b', [3], 'f32', true) })).toThrow(
      /bias b is frozen/,
    );
    expect(() => linear(trace, x, trace.input('p', [3, 4], 'bf16', true))).toThrow(/only f32 weights train/);
    expect(() => linear(trace, x, trace.input('i', [3, 4], 'u32'))).toThrow(/takes f32, bf16 or f16/);
  });
});
