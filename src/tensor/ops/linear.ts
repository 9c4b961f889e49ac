// Traces y = act(x Wᵀ + b) + residual over a weight of any format, and its reverse. Biases and packed weights are
// frozen: gradients reach x, the residual, and an f32 weight that trains.

import { type GemmActivation, gemm } from '../../kernels/gemm';
import { ShapeError } from '../../lib/errors';
import { anyRequiresGrad, elementCount, type GradientSink, sizeAt, type Tensor, type Trace } from '../trace';
import { trainedTensor, type Weight } from '../weight';
import { activate } from './activation';
import { productByRows, sumOverRows } from './weight_product';

/** Optional parts of a linear layer. */
export interface LinearOptions {
  /** [N] f32 */
  readonly bias?: Tensor | undefined;
  /** [T, N] f32, added after the activation. */
  readonly residual?: Tensor | undefined;
  readonly activation?: GemmActivation;
  readonly name?: string;
  /** [T, N] f32 that takes y, e.g. rows of a larger tensor; by default a new activation. */
  readonly into?: Tensor | undefined;
}

function dimensions(x: Tensor, weight: Weight): { m: number; n: number; k: number } {
  const [n, k] = weight.shape;
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
 * @param weight  [N, K]
 * @returns       [T, N] f32
 * @throws ShapeError when widths differ, or the bias requires a gradient
 */
export function linear(trace: Trace, x: Tensor, weight: Weight, options: LinearOptions = {}): Tensor {
  const { bias, residual, activation = 'none' } = options;
  const { m, n, k } = dimensions(x, weight);
  const trained = trainedTensor(weight);
  if (bias?.requiresGrad)
    throw new ShapeError(`The bias ${bias.name} is frozen: gradients of biases are not implemented.`);
  const needsGrad = anyRequiresGrad(x, trained, residual);
  if (needsGrad && activation !== 'none') {
    // The reverse of the activation needs its argument, which the fused epilogue does not keep.
    if (residual)
      throw new ShapeError('A differentiable linear layer takes an activation or a residual, not both.');
    return activate(trace, linear(trace, x, weight, { bias, name: options.name ?? weight.name }), activation);
  }
  const shape = [...x.shape.slice(0, -1), n];
  const y = options.into
    ? { ...options.into, requiresGrad: needsGrad }
    : trace.activation(options.name ?? weight.name, shape, 'f32', needsGrad);
  const epilogue = { bias: !!bias, residual: !!residual, activation };
  const added = [...(bias ? [bias] : []), ...(residual ? [residual] : [])];
  productByRows(trace, weight.shards, n, { m, k, weight: weight.format, ...epilogue }, (planes) => [
    x,
    ...planes,
    ...added,
    y,
  ]);
  trace.record({
    name: 'linear',
    inputs: [x, ...(trained ? [trained] : []), ...(residual ? [residual] : [])],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      if (residual) gradients.pass(residual, dy);
      if (x.requiresGrad) gradients.add(x, inputGradient(gradients, dy, weight, x, { m, n, k }));
      if (trained) weightGradient(gradients, dy, trained, x, { m, n, k });
    },
  });
  return y;
}

function inputGradient(
  gradients: GradientSink,
  dy: Tensor,
  weight: Weight,
  x: Tensor,
  { m, n, k }: { m: number; n: number; k: number },
): Tensor {
  const { trace } = gradients;
  const dx = trace.activation(`d${x.name}`, x.shape);
  sumOverRows(trace, weight.shards, n, { m, n: k, weight: weight.format }, (planes) => [dy, ...planes, dx]);
  return dx;
}

function weightGradient(
  gradients: GradientSink,
  dy: Tensor,
  weight: Tensor,
  x: Tensor,
  { m, n, k }: { m: number; n: number; k: number },
): void {
  const { trace } = gradients;
  const { into, accumulate } = gradients.sumOf(weight);
  trace.emit(gemm({ m: n, n: k, k: m, mode: 'tn', weight: 'f32', accumulate }, trace.traits), [dy, x, into]);
}
