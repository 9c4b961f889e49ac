// LoRA on a block of a fused projection: values and gradients of x, A and B; strength and dropout's masks as data.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { activate } from '../../../src/tensor/ops/activation';
import { linear } from '../../../src/tensor/ops/linear';
import { addLora } from '../../../src/tensor/ops/lora';
import { Trace } from '../../../src/tensor/trace';
import { denseWeight } from '../../../src/tensor/weight';
import { checkOp, noise } from '../../harness/check_op';
import { testGpu } from '../../harness/gpu';
import { dropoutReference } from '../../reference/dropout';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const [T, IN, N, OUT, R, FIRST] = [9, 10, 17, 6, 3, 8];

function product(x: ArrayLike<number>, w: ArrayLike<number>, rows: number, k: number): Float64Array {
  const n = w.length / k;
  return Float64Array.from({ length: rows * n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += x[Math.floor(i / n) * k + j]! * w[(i % n) * k + j]!;
    return sum;
  });
}

describe('addLora', () => {
  it.each([0.75, 0])('updates its columns and passes gradients, strength %d', async (strength) => {
    const grad = strength !== 0;
    await checkOp(gpu, {
      inputs: {
        x: { shape: [T, IN], data: noise(T * IN, 1), grad: true },
        w: { shape: [N, IN], data: noise(N * IN, 2) },
        a: { shape: [R, IN], data: noise(R * IN, 3), grad },
        b: { shape: [OUT, R], data: noise(OUT * R, 4), grad },
        s: { shape: [1], data: Float32Array.of(strength) },
      },
      build: (trace, t) => {
        const y = linear(trace, t.x!, denseWeight(t.w!));
        return addLora(trace, t.x!, y, { a: t.a!, b: t.b!, scale: 2, strength: t.s!, first: FIRST });
      },
      reference: ({ x, w, a, b }) => {
        const y = product(x!, w!, T, IN);
        const update = product(product(x!, a!, T, IN), b!, T, R);
        update.forEach((value, i) => {
          y[Math.floor(i / OUT) * N + FIRST + (i % OUT)]! += 2 * strength * value;
        });
        return y;
      },
      tolerance: 1e-5,
    });
  });

  it.each([
    [0.4, 0.5],
    [0.8, 1],
  ])('drops what A sees and what comes back through it, p %d', async (p, strength) => {
    const words = [2026, 1, 17, 3];
    await checkOp(gpu, {
      inputs: {
        x: { shape: [T, IN], data: noise(T * IN, 1), grad: true },
        w: { shape: [N, IN], data: noise(N * IN, 2) },
        a: { shape: [R, IN], data: noise(R * IN, 3), grad: true },
        b: { shape: [OUT, R], data: noise(OUT * R, 4), grad: true },
        s: { shape: [1], data: Float32Array.of(strength) },
        draw: { shape: [4], data: Uint32Array.from(words), dtype: 'u32' },
      },
      build: (trace, t) => {
        const y = linear(trace, t.x!, denseWeight(t.w!));
        const dropout = { p, draw: t.draw!, stream: 6 };
        const module = { a: t.a!, b: t.b!, scale: 2, strength: t.s!, first: FIRST, dropout };
        return addLora(trace, t.x!, y, module);
      },
      reference: ({ x, w, a, b }) => {
        // The frozen product sees all of x.
        const y = product(x!, w!, T, IN);
        const dropped = dropoutReference(x!, p, { words, stream: 6 });
        const update = product(product(dropped, a!, T, IN), b!, T, R);
        update.forEach((value, i) => {
          y[Math.floor(i / OUT) * N + FIRST + (i % OUT)]! += 2 * strength * value;
        });
        return y;
      },
      tolerance: 1e-5,
    });
  });

  it('trains where nothing else does', async () => {
    await checkOp(gpu, {
      inputs: {
        x: { shape: [T, IN], data: noise(T * IN, 1) },
        w: { shape: [N, IN], data: noise(N * IN, 2) },
        a: { shape: [R, IN], data: noise(R * IN, 3), grad: true },
        b: { shape: [N, R], data: noise(N * R, 4), grad: true },
        s: { shape: [1], data: Float32Array.of(1) },
      },
      build: (trace, t) => {
        const y = linear(trace, t.x!, denseWeight(t.w!));
        const updated = addLora(trace, t.x!, y, { a: t.a!, b: t.b!, scale: 1, strength: t.s!, first: 0 });
        return activate(trace, updated, 'silu');
      },
      reference: ({ x, w, a, b }) => {
        const update = product(product(x!, a!, T, IN), b!, T, R);
        return product(x!, w!, T, IN).map((value, i) => {
          const sum = value + update[i]!;
          return sum / (1 + Math.exp(-sum));
        });
      },
      tolerance: 1e-5,
    });
  });

  it('refuses a module that does not fit', () => {
    const trace = new Trace(gpu.traits);
    const [x, y] = [trace.input('x', [2, 4]), trace.activation('y', [2, 6])];
    const module = {
      a: trace.input('a', [3, 4]),
      b: trace.input('b', [5, 3]),
      scale: 1,
      strength: trace.input('s', [1]),
      first: 2,
    };
    expect(() => addLora(trace, x, y, module)).toThrow(/do not fit y/);
  });
});
