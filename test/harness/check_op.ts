// Checks one differentiable op: its values against an f64 reference, its gradients against finite differences of it.
// For tests only.

import { expect } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { DType } from '../../src/gpu/kernel';
import { backward } from '../../src/tensor/autodiff';
import { type HostArray, runOnce } from '../../src/tensor/program';
import { type Tensor, Trace } from '../../src/tensor/trace';

/** One input of the op under test. */
export interface OpInput {
  readonly shape: readonly number[];
  readonly data: HostArray;
  readonly dtype?: DType;
  /** Check the gradient with respect to it. */
  readonly grad?: boolean;
}

/** An op under test. */
export interface OpCase {
  readonly inputs: Readonly<Record<string, OpInput>>;
  readonly build: (trace: Trace, tensors: Readonly<Record<string, Tensor>>) => Tensor;
  /** The same in f64; gradients are differentiated from it. */
  readonly reference: (values: Readonly<Record<string, ArrayLike<number>>>) => ArrayLike<number>;
  /** Largest difference relative to the largest value. */
  readonly tolerance: number;
}

/** Reproducible values in (-1, 1). */
export function noise(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2;
  });
}

/** Runs the case forward and backward and compares. */
export async function checkOp(
  gpu: GpuContext,
  { inputs, build, reference, tolerance }: OpCase,
): Promise<void> {
  const values = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
  const expected = Float64Array.from(reference(values));
  const dy = noise(expected.length, 4711);
  const trace = new Trace(gpu.traits);
  const tensors: Record<string, Tensor> = {};
  for (const [name, { shape, dtype, grad }] of Object.entries(inputs)) {
    tensors[name] = trace.input(name, shape, dtype ?? 'f32', grad ?? false);
  }
  const y = build(trace, tensors);
  trace.output('y', y);
  const wrt = Object.entries(inputs).filter(([, { grad }]) => grad);
  if (wrt.length > 0) {
    const seed = trace.input('dy', y.shape);
    const gradients = backward(
      trace,
      [[y, seed]],
      wrt.map(([name]) => tensors[name]!),
    );
    gradients.forEach((gradient, index) => {
      trace.output(`d ${wrt[index]![0]}`, gradient);
    });
  }
  const results = await runOnce(gpu, trace, wrt.length > 0 ? { ...values, dy } : values);
  const peak = Math.max(1e-6, ...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - results.y![i]!))) / peak;
  expect(worst, 'values').toBeLessThan(tolerance);
  for (const [name, { data }] of wrt) {
    const direction = noise(data.length, 99);
    const step = 1e-4;
    const loss = (sign: number): number => {
      const shifted = {
        ...values,
        [name]: Float64Array.from(data, (v, i) => v + sign * step * direction[i]!),
      };
      return Array.from(reference(shifted)).reduce((sum, value, i) => sum + value * dy[i]!, 0);
    };
    const numeric = (loss(1) - loss(-1)) / (2 * step);
    const gradient = results[`d ${name}`]! as Float32Array;
    const analytic = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
    const scale = Math.hypot(...gradient) * Math.hypot(...direction);
    expect(scale, `gradient of ${name} is not zero`).toBeGreaterThan(0);
    // The central difference of a smooth f64 function is good to step² ≈ 1e-8 of its curvature.
    expect(Math.abs(numeric - analytic) / scale, `gradient of ${name}`).toBeLessThan(
      Math.max(tolerance, 1e-5),
    );
  }
}
