// The one place that imports WGSL: builds `Kernel` values from `shaders/<stem>.wgsl` and text parameters.
// Not a cache of GPU objects: pipelines live with the device. Equal requests return the same `Kernel`.

import type { BindingAccess, Kernel } from '../gpu/kernel';
import { expandShader, type ShaderDefines } from '../gpu/shader_source';

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
      source: expandShader(shaderFiles, `${stem}.wgsl`, defines),
      entryPoint: stem.split('/').pop() ?? stem,
      bindings,
      hasParams,
    };
    kernels.set(key, kernel);
  }
  return kernel;
}
