// Differentiates a trace in reverse: walks op records backwards and appends the reverse nodes that each op brings
// (src/tensor/ops). `checkpoint` trades memory for recomputation. A record's reverse runs once, after all gradients
// of its outputs have arrived.

import { elementwise } from '../kernels/elementwise';
import { packBf16, unpackBf16 } from '../kernels/pack_bf16';
import { InvariantError, ShapeError } from '../lib/errors';
import {
  elementCount,
  type GradientSink,
  type OpRecord,
  rowsView,
  sizesOf,
  type Tensor,
  type Trace,
} from './trace';

class Gradients implements GradientSink {
  readonly trace: Trace;
  readonly #arrived = new Map<number, Tensor>();
  /** Gradients that belong to one tensor alone: sums may be written into them. */
  readonly #own = new Set<number>();
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

  sumOf(tensor: Tensor): { into: Tensor; accumulate: boolean } {
    const before = this.#arrived.get(tensor.id);
    if (before) return { into: before, accumulate: true };
    const into = this.allocate(tensor);
    this.#arrived.set(tensor.id, into);
    this.#own.add(into.id);
    return { into, accumulate: false };
  }

  add(tensor: Tensor, gradient: Tensor): void {
    if (!tensor.requiresGrad) return;
    this.#own.add(gradient.id);
    this.#arrive(tensor, gradient);
  }

  pass(tensor: Tensor, gradient: Tensor): void {
    this.#own.delete(gradient.id);
    this.#arrive(tensor, gradient);
  }

  #arrive(tensor: Tensor, gradient: Tensor): void {
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
    this.#arrived.set(tensor.id, this.#sum(tensor, count, before, gradient));
  }

  /** The sum of two gradients: in the memory of one of them where that is nobody else's. */
  #sum(tensor: Tensor, count: number, a: Tensor, b: Tensor): Tensor {
    const { traits } = this.trace;
    const [into, other] = this.#own.has(b.id) ? [b, a] : [a, b];
    if (a.id !== b.id && this.#own.has(into.id)) {
      this.trace.emit(elementwise({ kind: 'axpy', count }, traits), [other, into]);
      return into;
    }
    const sum = this.trace.activation(`d${tensor.name}`, tensor.shape);
    this.trace.emit(elementwise({ kind: 'add', count }, traits), [a, b, sum]);
    this.#own.add(sum.id);
    return sum;
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
  for (const [tensor, gradient] of seeds) gradients.pass(tensor, gradient);
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
 * @param keep    how the inputs are kept until then: as they are, or rounded to bf16, which takes half the memory and
 *   makes the reverse that of an input rounded to 8 bits; the result is that of the input as it is
 * @source        Chen et al. 2016, arXiv:1604.06174
 */
export function checkpoint(
  trace: Trace,
  inputs: readonly Tensor[],
  part: (inputs: readonly Tensor[]) => readonly Tensor[],
  keep: CheckpointFormat = 'f32',
): readonly Tensor[] {
  const mark = trace.records.length;
  const outputs = part(inputs);
  const inner = trace.records.splice(mark);
  if (inner.length === 0) return outputs;
  const kept = keep === 'f32' ? [] : inputs.map((input) => packed(trace, input));
  trace.record({
    name: 'checkpoint',
    inputs: sourcesOf(inner),
    outputs,
    backward: (gradients, dOutputs) => {
      const again = kept.length === 0 ? inputs : inputs.map((input, at) => unpacked(trace, input, kept[at]));
      replay(gradients, () => part(again), dOutputs);
      if (kept.length === 0) return;
      for (const [at, input] of inputs.entries()) handOver(gradients, again[at], input);
    },
  });
  return outputs;
}

/** How a checkpoint keeps its inputs. */
export type CheckpointFormat = 'f32' | 'bf16';

function packed(trace: Trace, input: Tensor): Tensor {
  const half = trace.activation(`${input.name} kept`, input.shape, 'bf16');
  trace.emit(packBf16({ count: elementCount(input.shape) }, trace.traits), [input, half]);
  return half;
}

function unpacked(trace: Trace, input: Tensor, half: Tensor | undefined): Tensor {
  if (!half) throw new InvariantError(`${input.name} was not kept.`);
  const again = trace.activation(`${input.name} again`, input.shape, 'f32', input.requiresGrad);
  trace.emit(unpackBf16({ count: elementCount(input.shape) }, trace.traits), [half, again]);
  return again;
}

/** Gives the gradient that arrived at a stand-in to what it stands for. */
function handOver(gradients: GradientSink, standIn: Tensor | undefined, tensor: Tensor): void {
  const gradient = standIn && gradients.get(standIn);
  if (gradient) gradients.pass(tensor, gradient);
}

/** Tensors with gradients that records read. */
function sourcesOf(records: readonly OpRecord[]): Tensor[] {
  const sources = new Map<number, Tensor>();
  for (const { inputs } of records)
    for (const tensor of inputs) if (tensor.requiresGrad) sources.set(tensor.id, tensor);
  return [...sources.values()];
}

/** Traces a part again and walks through it in reverse. */
function replay(
  gradients: GradientSink,
  part: () => readonly Tensor[],
  dOutputs: readonly (Tensor | undefined)[],
): void {
  const { records } = gradients.trace;
  const start = records.length;
  const again = part();
  const inner = records.splice(start);
  again.forEach((output, index) => {
    const gradient = dOutputs[index];
    if (gradient) gradients.pass(output, gradient);
  });
  gradients.walk(inner);
}

/**
 * A part of a model that treats every row of its input by itself: writes the results of rows, of which `first` is the number
 * of the first in the whole input, to `into`.
 */
export type RowwisePart = (rows: Tensor, into: Tensor, first: number) => Tensor;

/**
 * Runs a rowwise part slice by slice, so that its inner activations are those of one slice; in the reverse each slice is
 * traced again first, as with {@link checkpoint}.
 * @param x     [T, C] f32
 * @param width columns of the result
 * @param size  rows of a slice, a multiple of 64; with T rows or more the part runs once
 * @param part  returns the tensor that it was given as `into`, marked as differentiable where it is
 * @returns     [T, width] f32
 */
export function byRows(trace: Trace, x: Tensor, width: number, size: number, part: RowwisePart): Tensor {
  const [count, columns] = sizesOf(x, 2);
  const slices = Array.from({ length: Math.ceil(count / size) }, (_, index) => {
    const first = index * size;
    return [first, Math.min(size, count - first)] as const;
  });
  const whole = trace.activation('rows', [count, width]);
  if (slices.length === 1) return part(x, whole, 0);
  const mark = trace.records.length;
  for (const [first, rows] of slices) {
    part(rowsView(x, first, rows), rowsView(whole, first, rows), first);
  }
  const inner = trace.records.splice(mark);
  if (inner.length === 0) return whole;
  const y: Tensor = { ...whole, requiresGrad: true };
  trace.record({
    name: 'by_rows',
    inputs: [x, ...sourcesOf(inner).filter((tensor) => tensor.view === undefined)],
    outputs: [y],
    backward: (gradients, [dy]) => {
      if (!dy) return;
      const dx = trace.activation(`d${x.name}`, x.shape);
      for (const [first, rows] of slices) {
        const slice = rowsView(x, first, rows);
        const into = trace.activation('rows again', [rows, width]);
        replay(gradients, () => [part(slice, into, first)], [rowsView(dy, first, rows)]);
        const gradient = gradients.get(slice);
        if (!gradient) continue;
        const call = elementwise({ kind: 'copy', count: rows * columns }, trace.traits);
        trace.emit(call, [gradient, rowsView(dx, first, rows)]);
      }
      if (x.requiresGrad) gradients.add(x, dx);
    },
  });
  return y;
}
