// Records what model code, written once, calls: a list of kernel calls over tensors. autodiff.ts appends reverse
// nodes, planner.ts assigns memory, program.ts runs it. What changes from step to step is data in a tensor, never
// baked into a call.

import { BINDING_ALIGNMENT, type BufferRegion } from '../gpu/buffer_region';
import type { DeviceTraits } from '../gpu/device';
import { BYTES_PER_ELEMENT, type DType, type KernelCall, type OperandSpec } from '../gpu/kernel';
import { GpuError, ShapeError } from '../lib/errors';

/**
 * Where a tensor lives: `activation` is planned into an arena and may share memory with others over time,
 * `input` is written by the host before a run, `external` is a region that somebody else owns (weights, caches, state).
 */
export type TensorKind = 'activation' | 'input' | 'external';

/** A symbolic tensor, contiguous and row-major. */
export interface Tensor {
  readonly id: number;
  readonly name: string;
  readonly kind: TensorKind;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Whether gradients flow to it. */
  readonly requiresGrad: boolean;
  /** The region of an external tensor. */
  readonly region?: BufferRegion;
  /** Of a part of an activation or input: the whole, and where in its memory the part begins. See {@link rowsView}. */
  readonly view?: { readonly of: Tensor; readonly bytes: number };
}

/** A tensor with memory of its own. */
export interface StoredTensor extends Tensor {
  readonly kind: 'external';
  readonly region: BufferRegion;
}

/** One dispatch with its tensors in binding order. */
export interface TraceNode {
  readonly call: KernelCall;
  readonly operands: readonly Tensor[];
}

/** What autodiff needs to know of one op. */
export interface OpRecord {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Emits the reverse nodes: receives gradients of `outputs` (undefined where none arrived), adds to those of `inputs`. */
  readonly backward: (gradients: GradientSink, dOutputs: readonly (Tensor | undefined)[]) => void;
}

/** Collects gradients during the reverse walk; see autodiff.ts. */
export interface GradientSink {
  readonly trace: Trace;
  /**
   * Adds `gradient` (same shape) to what has arrived for `tensor`; ignored when it needs none.
   * @param gradient computed for this alone and not read any more by who gives it: it may take the sum
   */
  add(tensor: Tensor, gradient: Tensor): void;
  /** As {@link add}, with a gradient that is another tensor's, too, and keeps its values. */
  pass(tensor: Tensor, gradient: Tensor): void;
  /** Where to write a gradient of `tensor`: the destination its caller gave, if still unused, or a fresh activation. */
  allocate(tensor: Tensor): Tensor;
  /** Where a gradient of `tensor` is summed up. The caller writes there, and adds to what is there with `accumulate`. */
  sumOf(tensor: Tensor): { readonly into: Tensor; readonly accumulate: boolean };
  /** Walks further records in reverse, e.g. those re-emitted by a checkpoint. */
  walk(records: readonly OpRecord[]): void;
  /** Gradient that has arrived so far. */
  get(tensor: Tensor): Tensor | undefined;
}

let nextId = 1;

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * One size of a shape.
 * @param axis from 0, or from the end: -1 is the last
 * @throws ShapeError when there is no such axis
 */
export function sizeAt(
  tensor: { readonly name: string; readonly shape: readonly number[] },
  axis: number,
): number {
  const size = tensor.shape.at(axis);
  if (size === undefined)
    throw new ShapeError(`${tensor.name} [${tensor.shape.join(', ')}] has no axis ${axis}.`);
  return size;
}

/**
 * All sizes of a tensor that has as many axes as are wanted.
 * @throws ShapeError when it has more or fewer
 */
export function sizesOf(tensor: Tensor, rank: 2): readonly [number, number];
export function sizesOf(tensor: Tensor, rank: 3): readonly [number, number, number];
export function sizesOf(tensor: Tensor, rank: 4): readonly [number, number, number, number];
export function sizesOf({ name, shape }: Tensor, rank: number): readonly number[] {
  if (shape.length === rank) return shape;
  throw new ShapeError(`${name} [${shape.join(', ')}] has ${shape.length} axes; ${rank} are wanted.`);
}

/** Bytes of a tensor's contents, without padding. */
export function tensorBytes(tensor: { readonly shape: readonly number[]; readonly dtype: DType }): number {
  return elementCount(tensor.shape) * BYTES_PER_ELEMENT[tensor.dtype];
}

function checkShape(name: string, shape: readonly number[]): void {
  if (!shape.every((size) => Number.isInteger(size) && size > 0)) {
    throw new ShapeError(
      `Tensor ${name} has shape [${shape.join(', ')}]; every size must be a positive integer.`,
    );
  }
}

/**
 * A tensor over memory that exists already. Usable in any trace of the same device.
 * @throws ShapeError when the region is smaller than the shape needs
 */
export function externalTensor(
  name: string,
  shape: readonly number[],
  dtype: DType,
  region: BufferRegion,
  requiresGrad = false,
): StoredTensor {
  checkShape(name, shape);
  const need = tensorBytes({ shape, dtype });
  if (region.bytes < need)
    throw new ShapeError(`Tensor ${name} needs ${need} bytes; its region has ${region.bytes}.`);
  return { id: nextId++, name, kind: 'external', shape: [...shape], dtype, requiresGrad, region };
}

/** Records kernel calls over symbolic tensors. */
export class Trace {
  readonly traits: DeviceTraits;
  readonly nodes: TraceNode[] = [];
  readonly records: OpRecord[] = [];
  readonly inputs = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();

  constructor(traits: DeviceTraits) {
    this.traits = traits;
  }

  /**
   * A tensor that the host writes before a run.
   * @throws ShapeError when the name is taken
   */
  input(name: string, shape: readonly number[], dtype: DType = 'f32', requiresGrad = false): Tensor {
    if (this.inputs.has(name)) throw new ShapeError(`The trace has an input named ${name} already.`);
    checkShape(name, shape);
    const tensor: Tensor = { id: nextId++, name, kind: 'input', shape: [...shape], dtype, requiresGrad };
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** A fresh tensor for an op to write. */
  activation(name: string, shape: readonly number[], dtype: DType = 'f32', requiresGrad = false): Tensor {
    checkShape(name, shape);
    return { id: nextId++, name, kind: 'activation', shape: [...shape], dtype, requiresGrad };
  }

  /**
   * Appends a dispatch.
   * @param tensors one per operand of the call, in order
   * @throws ShapeError naming kernel and operand when number, element type or number of elements differ from what the
   *   call takes, or a host-written input would be overwritten; GpuError `gpu/limit` when a tensor exceeds a binding
   */
  emit(call: KernelCall, tensors: readonly Tensor[]): void {
    const { kernel, operands } = call;
    if (tensors.length !== operands.length)
      throw new ShapeError(`${kernel.name} takes ${operands.length} operands, got ${tensors.length}.`);
    operands.forEach((operand, index) => {
      this.#check(kernel.name, operand, tensors[index]!);
    });
    this.nodes.push({ call, operands: [...tensors] });
  }

  #check(kernel: string, { name, access, dtype, count, orMore }: OperandSpec, tensor: Tensor): void {
    const place = `${kernel}: operand ${name} is given ${tensor.name} [${tensor.shape.join(', ')}]`;
    if (tensor.kind === 'input' && access === 'read_write')
      throw new ShapeError(`${kernel} would overwrite the input ${tensor.name}.`);
    if (tensor.dtype !== dtype) throw new ShapeError(`${place} of ${tensor.dtype}; it takes ${dtype}.`);
    const given = elementCount(tensor.shape);
    if (orMore ? given < count : given !== count) {
      const expected = `${orMore ? 'at least ' : ''}${count}`;
      throw new ShapeError(`${place}, ${given} elements; it takes ${expected}.`, {
        kernel,
        name,
        given,
        count,
      });
    }
    const [bytes, limit] = [tensorBytes(tensor), this.traits.maxBindingBytes];
    if (bytes <= limit) return;
    const message = `${place}, ${bytes} bytes; one binding of this device holds ${limit}.`;
    throw new GpuError('gpu/limit', message, { kernel, operand: name, bytes, limit });
  }

  /** Tells autodiff about an op; dropped when none of its inputs needs a gradient. */
  record(record: OpRecord): void {
    if (record.inputs.some((input) => input.requiresGrad)) this.records.push(record);
  }

  /** Keeps a tensor until the end of the run, readable by name. */
  output(name: string, tensor: Tensor): void {
    if (this.outputs.has(name)) throw new ShapeError(`The trace has an output named ${name} already.`);
    this.outputs.set(name, tensor);
  }
}

/** True when a gradient can flow to any of the tensors. */
export function anyRequiresGrad(...tensors: readonly (Tensor | undefined)[]): boolean {
  return tensors.some((tensor) => tensor?.requiresGrad === true);
}

/**
 * The rows [first, first + rows) of a tensor as a tensor of its own, over the same memory. Gradients of the part do not
 * reach the whole by themselves.
 * @throws ShapeError when they are none of its rows, or do not begin where a binding may
 */
export function rowsView(tensor: Tensor, first: number, rows: number): Tensor {
  const [count = 0, ...inner] = tensor.shape;
  const at = tensorBytes({ shape: [first, ...inner], dtype: tensor.dtype });
  if (first < 0 || rows < 1 || first + rows > count || at % BINDING_ALIGNMENT !== 0)
    throw new ShapeError(
      `${tensor.name} [${tensor.shape.join(', ')}] has no part of ${rows} rows from ${first} on.`,
    );
  const part = { ...tensor, id: nextId++, name: `${tensor.name} from ${first}`, shape: [rows, ...inner] };
  if (tensor.region) return { ...part, region: { ...tensor.region, offset: tensor.region.offset + at } };
  return { ...part, view: { of: wholeOf(tensor), bytes: (tensor.view?.bytes ?? 0) + at } };
}

/** The tensor whose memory a tensor lies in: itself, or what it is a part of. */
export function wholeOf(tensor: Tensor): Tensor {
  return tensor.view?.of ?? tensor;
}

/**
 * The same memory and gradient under another shape.
 * @throws ShapeError when the number of elements differs
 */
export function reshape(tensor: Tensor, shape: readonly number[]): Tensor {
  if (elementCount(shape) !== elementCount(tensor.shape)) {
    throw new ShapeError(`${tensor.name} [${tensor.shape.join(', ')}] cannot become [${shape.join(', ')}].`);
  }
  return { ...tensor, shape: [...shape] };
}
