// Elementwise activations and their reverse.

import { activationBackward, activation as activationKernel } from '../../kernels/activation';
import { elementwise } from '../../kernels/elementwise';
import { elementCount, type Tensor, type Trace } from '../trace';

/** Activations the models use. */
export type ActivationKind = 'silu' | 'gelu' | 'gelu_tanh' | 'quick_gelu';

/**
 * y = act(x), elementwise.
 * @param x any shape, f32
 */
export function activate(trace: Trace, x: Tensor, kind: ActivationKind): Tensor {
  const count = elementCount(x.shape);
  const y = trace.activation(`${kind}(${x.name})`, x.shape, 'f32', x.requiresGrad);
  trace.emit(activationKernel({ count, kind }, trace.traits), [x, y]);
  trace.record({
    name: kind,
    inputs: [x],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dx = trace.activation(`d${x.name}`, x.shape);
      trace.emit(activationBackward({ count, kind }, trace.traits), [x, dy, dx]);
      gradients.add(x, dx);
    },
  });
  return y;
}

/**
 * a + b, same shapes.
 */
export function add(trace: Trace, a: Tensor, b: Tensor): Tensor {
  const count = elementCount(a.shape);
  const sum = trace.activation(`${a.name}+${b.name}`, a.shape, 'f32', a.requiresGrad || b.requiresGrad);
  trace.emit(elementwise({ kind: 'add', count }, trace.traits), [a, b, sum]);
  trace.record({
    name: 'add',
    inputs: [a, b],
    outputs: [sum],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      gradients.pass(a, dy);
      gradients.pass(b, dy);
    },
  });
  return sum;
}
