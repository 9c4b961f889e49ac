// Linear layers: values and gradients in f64, stored formats, epilogues, refusals.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { GpuScope } from '../../../src/gpu/gpu_scope';
import { dequantiseRows, quantiseRows } from '../../../src/model/quantization';
import { backward } from '../../../src/tensor/autodiff';
import { linear } from '../../../src/tensor/ops/linear';
import { rmsNorm } from '../../../src/tensor/ops/rms_norm';
import { Program } from '../../../src/tensor/program';
import { allocateTensor, readTensor } from '../../../src/tensor/tensor_memory';
import { type Tensor, Trace } from '../../../src/tensor/trace';
import { denseWeight } from '../../../src/tensor/weight';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { placeWeight } from '../../harness/place_weight';

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
      build: (trace, t) => linear(trace, t.x!, denseWeight(t.w!), { bias: t.b, residual: t.r }),
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
      build: (trace, t) => linear(trace, t.x!, denseWeight(t.w!), { activation: 'silu' }),
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
      build: (trace, t) => linear(trace, t.x!, denseWeight(t.w!)),
      reference: ({ x }) => product(x!, weights, 3, 14),
      tolerance: 1e-5,
    });
  });

  it.each(['int8', 'int4'] as const)('reads %s weights and passes gradients through them', async (format) => {
    // Part of a second group of 32 along the inputs, and of a third along the outputs.
    const [rows, k, n] = [3, 45, 70];
    const values = noise(n * k, 8);
    const weights = dequantiseRows(quantiseRows(values, k, format)!, k, format);
    const placed = placeWeight(gpu, format, values, [n, k], Number.POSITIVE_INFINITY);
    await checkOp(gpu, {
      inputs: { x: { shape: [rows, k], data: noise(rows * k, 1), grad: true } },
      build: (trace, t) => linear(trace, t.x!, placed.weight),
      // Dequantised values are exact, so what is left is the rounding of f32 sums.
      reference: ({ x }) => product(x!, weights, rows, k),
      tolerance: 1e-5,
    });
    placed.destroy();
  });

  it('leaves gradients of its weight, and of a norm before it, where the caller wants them', async () => {
    const [rows, k, n] = [7, 12, 5];
    const [x, w, dy] = [noise(rows * k, 1), noise(n * k, 2), noise(rows * n, 3)];
    const memory = new GpuScope(gpu);
    const dw = allocateTensor(memory, 'dw', [n, k], 'f32');
    const dNorm = allocateTensor(memory, 'dn', [k], 'f32');
    const program = await Program.compile(gpu, 'into', (trace) => {
      const weight = trace.input('w', [n, k], 'f32', true);
      const norm = trace.input('norm', [k], 'f32', true);
      const y = linear(trace, rmsNorm(trace, trace.input('x', [rows, k]), norm, 0), denseWeight(weight));
      const into = new Map<Tensor, Tensor>([
        [weight, dw],
        [norm, dNorm],
      ]);
      backward(trace, [[y, trace.input('dy', [rows, n])]], [weight, norm], into);
    });
    for (const [name, data] of Object.entries({ x, w, dy, norm: new Float32Array(k).fill(1) }))
      program.write(name, data);
    await program.run();
    const unit = Float64Array.from(x, (value, i) => {
      const row = x.subarray(Math.floor(i / k) * k, (Math.floor(i / k) + 1) * k);
      return value / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / k);
    });
    const sum = (count: number, term: (i: number) => number): number =>
      Array.from({ length: count }, (_, i) => term(i)).reduce((a, b) => a + b, 0);
    const column = (c: number, row: number): number => sum(n, (j) => dy[row * n + j]! * w[j * k + c]!);
    const gotW = await readTensor(gpu, dw);
    const gotNorm = await readTensor(gpu, dNorm);
    // Sums of at most 35 f32 products of values below 4.
    gotW.forEach((value, i) => {
      const truth = sum(rows, (row) => dy[row * n + Math.floor(i / k)]! * unit[row * k + (i % k)]!);
      expect(Math.abs(value - truth)).toBeLessThan(2e-5);
    });
    gotNorm.forEach((value, c) => {
      const truth = sum(rows, (row) => column(c, row) * unit[row * k + c]!);
      expect(Math.abs(value - truth)).toBeLessThan(2e-5);
    });
    program.destroy();
    memory.destroy();
  });

  it('refuses widths that differ and operands that cannot train', () => {
    const trace = new Trace(gpu.traits);
    const x = trace.input('x', [2, 4], 'f32', true);
    expect(() => linear(trace, x, denseWeight(trace.input('w', [3, 5])))).toThrow(
      /w \[3, 5\] does not apply to x \[2, 4\]/,
    );
    const w = denseWeight(trace.input('ok', [3, 4]));
    expect(() => linear(trace, x, w, { bias: trace.input('b', [3], 'f32', true) })).toThrow(
      /bias b is frozen/,
    );
    expect(() => denseWeight(trace.input('p', [3, 4], 'bf16', true))).toThrow(/only f32 weights train/);
    expect(() => denseWeight(trace.input('i', [3, 4], 'u32'))).toThrow(/takes f32, bf16 or f16/);
  });
});
