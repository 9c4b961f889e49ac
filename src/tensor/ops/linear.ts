// Traces y = act(x Wᵀ + b) + residual over a dense weight of any stored format, and its reverse. Biases and packed
// weights are frozen: gradients reach x, the residual, and an f32 weight.

import { type GemmActivation, gemm } from '../../kernels/gemm';
import { ShapeError } from '../../lib/errors';
import {
  anyRequiresGrad,
  elementCount,
  type GradientSink,
  sizeAt,
  sizesOf,
  type Tensor,
  type Trace,
} from '../trace';
import { activate } from './activation';

/** Optional parts of a linear layer. */
export interface LinearOptions {
  /** [N] f32 */
  readonly bias?: Tensor | undefined;
  /** [T, N] f32, added after the activation. */
  readonly residual?: Tensor | undefined;
  readonly activation?: GemmActivation;
  readonly name?: string;
}

function weightFormat(weight: Tensor): 'f32' | 'bf16' | 'f16' {
  if (weight.dtype === 'f32' || weight.dtype === 'bf16' || weight.dtype === 'f16') return weight.dtype;
  throw new ShapeError(`Weight ${weight.name} is ${weight.dtype}; a linear layer takes f32, bf16 or f16.`);
}

function dimensions(x: Tensor, weight: Tensor): { m: number; n: number; k: number } {
  const [n, k] = sizesOf(weight, 2);
  if (k !== sizeAt(x, -1)) {
    throw new ShapeError(
      `${weight.name} [${weight.shape.join(', ')}] does not apply to ${x.name} [${x.shape.join(', ')}].`,
    );
  }
  return { m: elementCount(x.shape) / k, n, k };
}

/**
 * Linear layer.
 * @param x       [T, K] f32
 * @param weight  [N, K] f32, bf16 or f16
 * @returns       [T, N] f32
 * @throws ShapeError when widths differ, or a frozen-only operand requires a gradient
 */
export function linear(trace: Trace, x: Tensor, weight: Tensor, options: LinearOptions = {}): Tensor {
  const { bias, residual, activation = 'none' } = options;
  const { m, n, k } = dimensions(x, weight);
  const format = weightFormat(weight);
  if (bias?.requiresGrad)
    throw new ShapeError(`The bias ${bias.name} is frozen: gradients of biases are not implemented.`);
  if (weight.requiresGrad && format !== 'f32')
    throw new ShapeError(`${weight.name} is ${format}; only f32 weights train.`);
  const needsGrad = anyRequiresGrad(x, weight, residual);
  if (needsGrad && activation !== 'none') {
    // The reverse of the activation needs its argument, which the fused epilogue does not keep.
    if (residual)
      throw new ShapeError('A differentiable linear layer takes an activation or a residual, not both.');
    return activate(trace, linear(trace, x, weight, { bias, name: options.name ?? weight.name }), activation);
  }
  const y = trace.activation(options.name ?? weight.name, [...x.shape.slice(0, -1), n], 'f32', needsGrad);
  const call = gemm(
    { m, n, k, mode: 'nt', weight: format, bias: !!bias, residual: !!residual, activation },
    trace.traits,
  );
  trace.emit(call, [x, weight, ...(bias ? [bias] : []), ...(residual ? [residual] : []), y]);
  trace.record({
    name: 'linear',
    inputs: residual ? [x, weight, residual] : [x, weight],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      if (residual) gradients.add(residual, dy);
      if (x.requiresGrad) gradients.add(x, inputGradient(gradients, dy, weight, x, { m, n, k }));
      if (weight.requiresGrad) gradients.add(weight, weightGradient(gradients, dy, weight, x, { m, n, k }));
    },
  });
  return y;
}

function inputGradient(
  gradients: GradientSink,
  dy: Tensor,
  weight: Tensor,
  x: Tensor,
  { m, n, k }: { m: number; n: number; k: number },
): Tensor {
  const { trace } = gradients;
  const dx = trace.activation(`d${x.name}`, x.shape);
  trace.emit(gemm({ m, n: k, k: n, mode: 'nn', weight: weightFormat(weight) }, trace.traits), [
    dy,
    weight,
    dx,
  ]);
  return dx;
}

function weightGradient(
  gradients: GradientSink,
  dy: Tensor,
  weight: Tensor,
  x: Tensor,
  { m, n, k }: { m: number; n: number; k: number },
): Tensor {
  const { trace } = gradients;
  const dw = gradients.allocate(weight);
  trace.emit(gemm({ m: n, n: k, k: m, mode: 'tn', weight: 'f32' }, trace.traits), [dy, x, dw]);
  return dw;
}
