// Defines what a kernel is to the rest of the engine: finished WGSL with its binding list, and one call of it.
// Storage bindings are @group(0) @binding(0..n-1) in the order of `bindings`; the uniform, if any, is binding n.

import { GpuError } from '../lib/errors';

/** How a dispatch uses a storage binding. `read` binds as read-only-storage, `read_write` as storage. */
export type BindingAccess = 'read' | 'read_write';

/** Element types on the device. bf16 and f16 are packed two per 32-bit word. */
export type DType = 'f32' | 'u32' | 'i32' | 'bf16' | 'f16';

/** Bytes of one element. */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { f32: 4, u32: 4, i32: 4, bf16: 2, f16: 2 };

/** What one call takes at a storage binding. */
export interface OperandSpec {
  /** As the wrapper's docstring names it. */
  readonly name: string;
  readonly access: BindingAccess;
  readonly dtype: DType;
  /** Elements. */
  readonly count: number;
  /** The tensor may hold more, e.g. a cache of more slots or a table of more rows. */
  readonly orMore: boolean;
  /** Elements that the call reads or writes, where they are fewer: rows of a table, one layer's part. */
  readonly touched?: number;
  /** Elements that a call reads of what it writes to in other places, e.g. of a cache to which it appends. */
  readonly readBeside?: number;
}

/** One compute entry point, ready to compile. `source` identifies it: equal sources share a pipeline. */
export interface Kernel {
  /** Stem of the shader and the variant, e.g. `gemm/tiled_64x64_nt`; label in profiles and errors. */
  readonly name: string;
  readonly source: string;
  readonly entryPoint: string;
  readonly bindings: readonly BindingAccess[];
  /** True when the shader has a uniform struct at binding `bindings.length`. */
  readonly hasParams: boolean;
}

/** One dispatch of a kernel, without its buffers: tensors are supplied in the order of `operands`. */
export interface KernelCall {
  readonly kernel: Kernel;
  /** What each storage binding takes, in order. */
  readonly operands: readonly OperandSpec[];
  /** Bit pattern of the uniform struct (multiple of 16 bytes after padding), or undefined without one. */
  readonly params: Uint32Array | undefined;
  /** Workgroups in x, y, z; each ≤ 65535. */
  readonly grid: readonly [number, number, number];
  /** Floating-point operations of the dispatch, for cutting programs into submits and for benches. */
  readonly flops: number;
  /** Bytes that must move at least once. */
  readonly bytes: number;
  /** Makes a tiny case of the same kernel with its expected result; see self_check.ts. Absent where no choice exists. */
  readonly check?: () => KernelCheck;
}

/** A tiny case of a kernel variant. */
export interface KernelCheck {
  /** What to disable when the result is wrong. */
  readonly variant: string;
  readonly call: KernelCall;
  readonly operands: readonly (Float32Array | Uint32Array)[];
  /** Index of the operand that holds the f32 result. */
  readonly output: number;
  readonly expected: ArrayLike<number>;
  /** Largest allowed absolute difference. */
  readonly tolerance: number;
}

/** A member of a uniform struct: unsigned, signed or float, 4 bytes each. */
export type ParamValue = { readonly u32: number } | { readonly i32: number } | { readonly f32: number };

/**
 * Packs scalar members into the bit pattern of a uniform struct of 4-byte scalars, zero-padded to 16 bytes.
 * @throws GpuError `gpu/params` when an integer is out of range or not an integer.
 */
export function packParams(values: readonly ParamValue[]): Uint32Array {
  const words = new Uint32Array(Math.max(4, Math.ceil(values.length / 4) * 4));
  const floats = new Float32Array(words.buffer);
  values.forEach((value, index) => {
    if ('f32' in value) {
      floats[index] = value.f32;
      return;
    }
    const integer = 'u32' in value ? value.u32 : value.i32;
    const low = 'u32' in value ? 0 : -0x80000000;
    const high = 'u32' in value ? 0xffffffff : 0x7fffffff;
    if (!Number.isInteger(integer) || integer < low || integer > high) {
      throw new GpuError('gpu/params', `Kernel parameter ${index} is ${integer}, outside [${low}, ${high}].`);
    }
    words[index] = integer >>> 0;
  });
  return words;
}

/** Largest workgroup count that WebGPU guarantees in one dimension. */
export const MAX_GRID_DIMENSION = 65535;

/**
 * Folds a one-dimensional count of workgroups into x and y.
 * The shader recovers the index as `workgroup_id.y * num_workgroups.x + workgroup_id.x` and must skip the excess.
 */
export function foldGrid(count: number): [number, number, number] {
  if (count <= MAX_GRID_DIMENSION) return [Math.max(1, count), 1, 1];
  const rows = Math.ceil(count / MAX_GRID_DIMENSION);
  return [Math.ceil(count / rows), rows, 1];
}
