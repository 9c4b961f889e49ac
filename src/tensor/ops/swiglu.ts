// Gated activation silu(gate) ∘ up over a fused projection.

import { swigluBackward, swiglu as swigluKernel } from '../../kernels/swiglu';
import { sizesOf, type Tensor, type Trace } from '../trace';

/**
 * @param gateUp [T, 2·C] f32: gate, then up
 * @returns      [T, C] f32
 * @source Shazeer 2020, arXiv:2002.05202
 */
export function swiglu(trace: Trace, gateUp: Tensor): Tensor {
  const [rows, width] = sizesOf(gateUp, 2);
  const shape = { rows, cols: width / 2 };
  const y = trace.activation('swiglu', [rows, width / 2], 'f32', gateUp.requiresGrad);
  trace.emit(swigluKernel(shape, trace.traits), [gateUp, y]);
  trace.record({
    name: 'swiglu',
    inputs: [gateUp],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dGateUp = trace.activation(`d${gateUp.name}`, gateUp.shape);
      trace.emit(swigluBackward(shape, trace.traits), [gateUp, dy, dGateUp]);
      gradients.add(gateUp, dGateUp);
    },
  });
  return y;
}
