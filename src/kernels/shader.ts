// Builds `Kernel` values from `shaders/<stem>.wgsl` and text parameters; the one place that imports WGSL. Equal
// requests return the same `Kernel`.

import type { DeviceTraits } from '../gpu/device';
import {
  type BindingAccess,
  type DType,
  type Kernel,
  type KernelCall,
  type OperandSpec,
  type ParamValue,
  packParams,
} from '../gpu/kernel';
import { expandShader, type ShaderDefines } from '../gpu/shader_source';
import { checkBinding } from './check';
import { STATE_DEFINES } from './sequence_words';

const modules = import.meta.glob<string>('/shaders/**/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Every WGSL file by its path below `shaders/`. */
export const shaderFiles: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(modules).map(([path, text]) => [path.replace(/^\/shaders\//, ''), text]),
);

const kernels = new Map<string, Kernel>();

/**
 * Builds (or returns the same) kernel from a shader file.
 * @param stem      file name below `shaders/` without extension; also the entry point's name
 * @param variant   distinguishes expansions of one file in labels, e.g. `tiled_32x32`; '' for the only one
 * @param defines   text parameters of the expansion
 * @param bindings  storage bindings in order
 * @param hasParams whether the uniform struct follows at binding `bindings.length`
 */
export function shaderKernel(
  stem: string,
  variant: string,
  defines: ShaderDefines,
  bindings: readonly BindingAccess[],
  hasParams = true,
): Kernel {
  const key = JSON.stringify([stem, variant, defines, bindings, hasParams]);
  let kernel = kernels.get(key);
  if (!kernel) {
    kernel = {
      name: variant ? `${stem}/${variant}` : stem,
      source: expandShader(shaderFiles, `${stem}.wgsl`, { ...STATE_DEFINES, ...defines }),
      entryPoint: stem.split('/').pop() ?? stem,
      bindings,
      hasParams,
    };
    kernels.set(key, kernel);
  }
  return kernel;
}

/** An operand that a kernel reads; `count` elements. */
export function reads(name: string, count: number, dtype: DType = 'f32'): OperandSpec {
  return { name, access: 'read', dtype, count, orMore: false };
}

/** An operand that a kernel writes, or reads and writes; `count` elements. */
export function writes(name: string, count: number, dtype: DType = 'f32'): OperandSpec {
  return { name, access: 'read_write', dtype, count, orMore: false };
}

/** The operand, of which the tensor may hold more than the call uses. */
export function orMore(operand: OperandSpec): OperandSpec {
  return { ...operand, orMore: true };
}

/** The operand, of which the call reads or writes so many elements. */
export function touching(operand: OperandSpec, touched: number): OperandSpec {
  return { ...operand, touched };
}

/** The operand, of which the call reads so many elements and writes others. */
export function readingBeside(operand: OperandSpec, readBeside: number): OperandSpec {
  return { ...operand, readBeside };
}

/** Everything that makes a call of a shader's kernel. */
export interface ShaderCall extends Pick<KernelCall, 'grid' | 'flops' | 'bytes'> {
  /** See {@link shaderKernel}. */
  readonly stem: string;
  readonly variant?: string;
  readonly defines?: ShaderDefines;
  /** Storage bindings in order. */
  readonly operands: readonly OperandSpec[];
  /** Members of the uniform struct. */
  readonly params: readonly ParamValue[];
}

/**
 * A call of a shader's kernel.
 * @throws GpuError `gpu/limit` naming an operand that exceeds a binding of the device
 */
export function shaderCall(
  { stem, variant = '', defines = {}, operands, params, ...cost }: ShaderCall,
  traits: DeviceTraits,
): KernelCall {
  const kernel = shaderKernel(
    stem,
    variant,
    defines,
    operands.map(({ access }) => access),
  );
  for (const operand of operands) checkBinding(kernel.name, operand, traits);
  return { kernel, operands, params: packParams(params), ...cost };
}
