// Differentiates a trace in reverse: walks op records backwards and appends the reverse nodes that each op brings
// (src/tensor/ops). `checkpoint` trades memory for recomputation. A record's reverse runs once, after all gradients
// of its outputs have arrived.

import { elementwise } from '../kernels/elementwise';
import { ShapeError } from '../lib/errors';
import { elementCount, type GradientSink, type OpRecord, type Tensor, type Trace } from './trace';

class Gradients implements GradientSink {
  readonly trace: Trace;
  readonly #arrived = new Map<number, Tensor>();
  readonly #destinations: Map<number, Tensor>;

  constructor(trace: Trace, destinations: ReadonlyMap<Tensor, Tensor>) {
    this.trace = trace;
    this.#destinations = new Map([...destinations].map(([tensor, into]) => [tensor.id, into]));
  }

  allocate(tensor: Tensor): Tensor {
    const into = this.#destinations.get(tensor.id);
    this.#destinations.delete(tensor.id);
    return into ?? this.trace.activation(`d${tensor.name}`, tensor.shape);
  }

  get(tensor: Tensor): Tensor | undefined {
    return this.#arrived.get(tensor.id);
  }

  add(tensor: Tensor, gradient: Tensor): void {
    if (!tensor.requiresGrad) return;
    const count = elementCount(tensor.shape);
    if (elementCount(gradient.shape) !== count) {
      throw new ShapeError(
        `The gradient of ${tensor.name} has ${elementCount(gradient.shape)} elements instead of ${count}.`,
      );
    }
    const before = this.#arrived.get(tensor.id);
    if (!before) {
      this.#arrived.set(tensor.id, gradient);
      return;
    }
    const sum = this.trace.activation(`d${tensor.name}`, tensor.shape);
    this.trace.emit(elementwise({ kind: 'add', count }, this.trace.traits), [before, gradient, sum]);
    this.#arrived.set(tensor.id, sum);
  }

  walk(records: readonly OpRecord[]): void {
    for (let index = records.length - 1; index >= 0; index--) {
      const record = records[index]!;
      const dOutputs = record.outputs.map((output) => this.get(output));
      if (dOutputs.some((gradient) => gradient !== undefined)) record.backward(this, dOutputs);
    }
  }
}

/**
 * Appends the reverse nodes of everything recorded so far.
 * @param seeds gradients of the results, e.g. `[loss, ones]`; same shapes as their tensors
 * @param into  external tensors that receive the gradient of a tensor that is used once, e.g. parts of an arena
 * @returns     gradient per tensor of `wrt`, in order
 * @throws ShapeError when nothing connects a tensor of `wrt` to the seeds
 */
export function backward(
  trace: Trace,
  seeds: readonly (readonly [Tensor, Tensor])[],
  wrt: readonly Tensor[],
  into: ReadonlyMap<Tensor, Tensor> = new Map(),
): Tensor[] {
  const gradients = new Gradients(trace, into);
  const records = trace.records.splice(0);
  for (const [tensor, gradient] of seeds) gradients.add(tensor, gradient);
  gradients.walk(records);
  return wrt.map((tensor) => {
    const gradient = gradients.get(tensor);
    if (!gradient)
      throw new ShapeError(
        `No gradient reaches ${tensor.name}; does it require one, and does the result depend on it?`,
      );
    return gradient;
  });
}

/**
 * Runs a part of the model without keeping its inner activations: the reverse walk emits it again first.
 * `part` must emit the same nodes for the same inputs each time (random numbers are counter-based).
 * @param inputs  tensors that the part depends on and that gradients should reach, weights with gradients excepted
 * @param part    traces the part
 * @source        Chen et al. 2016, arXiv:1604.06174
 */
export function checkpoint(
  trace: Trace,
  inputs: readonly Tensor[],
  part: (inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const mark = trace.records.length;
  const outputs = part(inputs);
  const inner = trace.records.splice(mark);
  if (inner.length === 0) return outputs;
  const sources = new Map<number, Tensor>();
  for (const record of inner)
    for (const tensor of record.inputs) if (tensor.requiresGrad) sources.set(tensor.id, tensor);
  trace.record({
    name: 'checkpoint',
    inputs: [...sources.values()],
    outputs,
    backward: (gradients, dOutputs) => {
      const start = trace.records.length;
      const again = part(inputs);
      const records = trace.records.splice(start);
      again.forEach((output, index) => {
        const gradient = dOutputs[index];
        if (gradient) gradients.add(output, gradient);
      });
      gradients.walk(records);
    },
  });
  return outputs;
}
