// LayerNorm of rows, forward and reverse side by side. Weight and bias are frozen; gradients reach the input.

import { layerNormBackward, layerNorm as layerNormKernel } from '../../kernels/layer_norm';
import { ShapeError } from '../../lib/errors';
import { anyRequiresGrad, elementCount, sizeAt, type Tensor, type Trace } from '../trace';

/**
 * y = (x − mean) · rsqrt(var + eps) ∘ weight + bias per row.
 * @param x      [..., C] f32
 * @param weight [C] f32
 * @param bias   [C] f32
 * @throws ShapeError when widths differ, or weight or bias requires a gradient
 * @source Ba et al. 2016, eq. 4 (arXiv:1607.06450)
 */
export function layerNorm(trace: Trace, x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const cols = sizeAt(x, -1);
  for (const vector of [weight, bias]) {
    if (elementCount(vector.shape) !== cols)
      throw new ShapeError(
        `${vector.name} has ${elementCount(vector.shape)} entries; rows of ${x.name} have ${cols}.`,
      );
  }
  if (anyRequiresGrad(weight, bias))
    throw new ShapeError(`${weight.name} is frozen: gradients of LayerNorm's weights are not implemented.`);
  const rows = elementCount(x.shape) / cols;
  const y = trace.activation(weight.name, x.shape, 'f32', x.requiresGrad);
  if (!x.requiresGrad) {
    trace.emit(layerNormKernel({ rows, cols, eps }, trace.traits), [x, weight, bias, y]);
    return y;
  }
  const stats = trace.activation(`${weight.name} stats`, [rows, 2]);
  trace.emit(layerNormKernel({ rows, cols, eps, saveStats: true }, trace.traits), [
    x,
    weight,
    bias,
    y,
    stats,
  ]);
  trace.record({
    name: 'layer_norm',
    inputs: [x],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dx = trace.activation(`d${x.name}`, x.shape);
      trace.emit(layerNormBackward({ rows, cols }, trace.traits), [x, weight, stats, dy, dx]);
      gradients.add(x, dx);
    },
  });
  return y;
}
