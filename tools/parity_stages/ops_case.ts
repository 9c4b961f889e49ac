// Holds one case of an `ops` or `sampling` folder: its tensors, and how a few kernels are traced and run once on
// them.

import type { GpuContext } from '../../src/gpu/device';
import type { DType, KernelCall } from '../../src/gpu/kernel';
import { type HostArray, runOnce } from '../../src/tensor/program';
import { type Tensor, Trace } from '../../src/tensor/trace';
import type { FixtureDir, TensorSpec } from './fixture_dir';

/** Inputs of one case, and where its results go. */
export interface Case {
  readonly name: string;
  readonly parts: ReadonlyMap<string, TensorSpec>;
  shape(part: string): readonly number[];
  read(part: string): Promise<Float32Array>;
  integers(part: string): Promise<Int32Array>;
}

/** Results by part name. */
export type Results = Record<string, HostArray | Uint8Array | undefined>;

/** Computes a case's results. */
export type Operator = (gpu: GpuContext, test: Case) => Promise<Results>;

/** Groups tensors into cases by the names they share. */
export function cases(dir: FixtureDir, specs: readonly TensorSpec[]): Case[] {
  const groups = new Map<string, Map<string, TensorSpec>>();
  for (const spec of specs) {
    // `activation.gelu.d` lies beside `activation.gelu`, `clip.g0.clipped` beside `clip.g0`: one case each.
    const name = /^(activation|clip)\./.test(spec.name)
      ? spec.name.slice(0, spec.name.indexOf('.'))
      : spec.name.slice(0, spec.name.lastIndexOf('.'));
    const parts = groups.get(name) ?? new Map<string, TensorSpec>();
    groups.set(name, parts.set(spec.name.slice(name.length + 1), spec));
  }
  return [...groups].map(([name, parts]) => {
    const find = (part: string): TensorSpec => {
      const spec = parts.get(part);
      if (!spec) throw new Error(`${dir.name}: case ${name} has no ${part}`);
      return spec;
    };
    return {
      name,
      parts,
      shape: (part) => find(part).shape,
      read: async (part) => (await dir.read(find(part))) as Float32Array,
      integers: async (part) => (await dir.read(find(part))) as Int32Array,
    };
  });
}

/** Declares inputs, traces, runs once. */
export async function run(
  gpu: GpuContext,
  inputs: Readonly<
    Record<
      string,
      {
        readonly data: HostArray;
        readonly shape: readonly number[];
        readonly dtype?: DType;
        readonly grad?: boolean;
      }
    >
  >,
  build: (trace: Trace, tensors: Record<string, Tensor>) => Record<string, Tensor>,
): Promise<Record<string, Float32Array>> {
  const trace = new Trace(gpu.traits);
  const tensors: Record<string, Tensor> = {};
  for (const [name, { shape, dtype, grad }] of Object.entries(inputs))
    tensors[name] = trace.input(name, shape, dtype ?? 'f32', grad ?? false);
  for (const [name, tensor] of Object.entries(build(trace, tensors))) trace.output(name, tensor);
  const data = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.data]));
  return (await runOnce(gpu, trace, data)) as Record<string, Float32Array>;
}

/** Emits a call whose last operand is a fresh tensor, and returns that. */
export function emit(
  trace: Trace,
  call: KernelCall,
  inputs: readonly Tensor[],
  name: string,
  shape: readonly number[],
  dtype: DType = 'f32',
): Tensor {
  const out = trace.activation(name, shape, dtype);
  trace.emit(call, [...inputs, out]);
  return out;
}

/** Takes a tensor that the trace is known to have. */
export function need(tensors: Record<string, Tensor>, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`no tensor ${name}`);
  return tensor;
}
