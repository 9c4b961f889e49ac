// A linear layer under adapters of its parts, with every epilogue that towers and projectors use, against f64.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { adaptedLinear } from '../../src/model/adapted_linear';
import type { WeightSource } from '../../src/model/weights';
import type { LinearOptions } from '../../src/tensor/ops/linear';
import type { LoraModule } from '../../src/tensor/ops/lora';
import { type Tensor, Trace } from '../../src/tensor/trace';
import { denseWeight } from '../../src/tensor/weight';
import { checkOp, noise } from '../harness/check_op';
import { testGpu } from '../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

const NAME = 'block.fc1.weight';

function source(weight: Tensor, modules: readonly LoraModule[]): WeightSource {
  return {
    cacheFormat: 'f32',
    vector: () => {
      throw new Error('no vectors here');
    },
    matrix: () => denseWeight(weight),
    lora: (name) => (name === NAME ? modules : []),
  };
}

/** tanh form and logistic form as transformers has them; erf by its series, which is exact to f64 for the values here. */
function erf(x: number): number {
  let [sum, term] = [0, x];
  for (let n = 0; n < 200; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const ACTIVATIONS = {
  none: (x: number) => x,
  gelu: (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick_gelu: (x: number) => x / (1 + Math.exp(-1.702 * x)),
};

interface Sizes {
  readonly t: number;
  readonly width: number;
  readonly out: number;
  readonly r: number;
}

function reference(
  { t, width, out, r }: Sizes,
  { x, w, bias, a, b, residual }: Readonly<Record<string, ArrayLike<number>>>,
  scale: number,
  activation: keyof typeof ACTIVATIONS,
): Float64Array {
  return Float64Array.from({ length: t * out }, (_, index) => {
    const [row, column] = [Math.floor(index / out), index % out];
    let sum = bias![column]!;
    for (let k = 0; k < width; k++) sum += x![row * width + k]! * w![column * width + k]!;
    for (let j = 0; j < r; j++) {
      let inner = 0;
      for (let k = 0; k < width; k++) inner += x![row * width + k]! * a![j * width + k]!;
      sum += scale * inner * b![column * r + j]!;
    }
    return ACTIVATIONS[activation](sum) + (residual?.[index] ?? 0);
  });
}

describe('adaptedLinear', () => {
  it.each([
    [{ t: 9, width: 10, out: 17, r: 3 }, 'gelu_tanh', false],
    [{ t: 1, width: 7, out: 5, r: 1 }, 'gelu', false],
    [{ t: 33, width: 65, out: 3, r: 6 }, 'quick_gelu', false],
    [{ t: 5, width: 12, out: 8, r: 2 }, 'none', true],
    [{ t: 130, width: 3, out: 129, r: 5 }, 'none', false],
  ] as const)('%j with %s, residual %s', async (sizes, activation, withResidual) => {
    const { t, width, out, r } = sizes;
    await checkOp(gpu, {
      inputs: {
        x: { shape: [t, width], data: noise(t * width, 1) },
        w: { shape: [out, width], data: noise(out * width, 2) },
        bias: { shape: [out], data: noise(out, 3) },
        a: { shape: [r, width], data: noise(r * width, 4) },
        b: { shape: [out, r], data: noise(out * r, 5) },
        s: { shape: [1], data: Float32Array.of(0.75) },
        ...(withResidual ? { residual: { shape: [t, out], data: noise(t * out, 6) } } : {}),
      },
      build: (trace, { x, w, bias, a, b, s, residual }) => {
        const module = { a: a!, b: b!, scale: 2, strength: s!, first: 0 };
        const options: LinearOptions = { bias, residual, activation };
        return adaptedLinear(trace, source(w!, [module]), x!, NAME, options);
      },
      reference: (values) => reference(sizes, values, 1.5, activation),
      // f32 sums of up to 65 products of noise, and the polynomial of erf in the exact GELU.
      tolerance: 1e-5,
    });
  });

  it('refuses an activation with a residual, which would be added before it', () => {
    const trace = new Trace(gpu.traits);
    const [x, y] = [trace.activation('x', [2, 3]), trace.activation('residual', [2, 4])];
    const module = {
      ...{ a: trace.activation('a', [1, 3]), b: trace.activation('b', [4, 1]) },
      ...{ scale: 1, strength: trace.activation('s', [1]), first: 0 },
    };
    const weights = source(trace.activation('w', [4, 3]), [module]);
    const options = { residual: y, activation: 'gelu' } as const;
    expect(() => adaptedLinear(trace, weights, x, NAME, options)).toThrow(/not both/);
  });
});
