// Root-mean-square normalisation of rows, forward and reverse side by side.

import { rmsNormBackward, rmsNorm as rmsNormKernel, rmsNormWeightGradient } from '../../kernels/rms_norm';
import { ShapeError } from '../../lib/errors';
import { anyRequiresGrad, elementCount, sizeAt, type Tensor, type Trace } from '../trace';

/**
 * y = x · rsqrt(mean(x²) + eps) ∘ w per row.
 * @param x      [..., C] f32
 * @param weight [C] f32
 * @source Zhang & Sennrich 2019, eq. 4 (arXiv:1910.07467); Qwen2RMSNorm
 */
export function rmsNorm(trace: Trace, x: Tensor, weight: Tensor, eps: number): Tensor {
  const cols = sizeAt(x, -1);
  if (elementCount(weight.shape) !== cols)
    throw new ShapeError(
      `${weight.name} has ${elementCount(weight.shape)} entries; rows of ${x.name} have ${cols}.`,
    );
  const rows = elementCount(x.shape) / cols;
  const needsGrad = anyRequiresGrad(x, weight);
  const y = trace.activation(weight.name, x.shape, 'f32', needsGrad);
  if (!needsGrad) {
    trace.emit(rmsNormKernel({ rows, cols, eps }, trace.traits), [x, weight, y]);
    return y;
  }
  const rstd = trace.activation(`${weight.name} rstd`, [rows]);
  trace.emit(rmsNormKernel({ rows, cols, eps, saveRstd: true }, trace.traits), [x, weight, y, rstd]);
  trace.record({
    name: 'rms_norm',
    inputs: [x, weight],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dx = trace.activation(`d${x.name}`, x.shape);
      trace.emit(rmsNormBackward({ rows, cols }, trace.traits), [x, weight, rstd, dy, dx]);
      gradients.add(x, dx);
      if (!weight.requiresGrad) return;
      const dw = gradients.allocate(weight);
      trace.emit(rmsNormWeightGradient({ rows, cols }, trace.traits), [dy, x, rstd, dw]);
      gradients.add(weight, dw);
    },
  });
  return y;
}
