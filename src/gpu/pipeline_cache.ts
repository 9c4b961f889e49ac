// Makes pipelines and bind-group layouts once per device and kernel, with explicit layouts so that bind groups can be
// shared. A key is compiled at most once, also when it is asked for concurrently.

import { GpuError } from '../lib/errors';
import type { GpuCounters } from './counters';
import type { BindingAccess, Kernel } from './kernel';

/** A compiled kernel with the layout its bind groups need. */
export interface CompiledKernel {
  readonly kernel: Kernel;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Where pipelines come from. */
export interface Pipelines {
  /**
   * The pipeline of a kernel, compiled on first use.
   * @throws GpuError `gpu/shader` with the compiler's first message and its source line
   */
  get(kernel: Kernel): Promise<CompiledKernel>;
}

/** Compiles kernels once per device. */
export class PipelineCache implements Pipelines {
  readonly #device: GPUDevice;
  readonly #counters: GpuCounters;
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();

  constructor(device: GPUDevice, counters: GpuCounters) {
    this.#device = device;
    this.#counters = counters;
  }

  /** See {@link Pipelines.get}. */
  get(kernel: Kernel): Promise<CompiledKernel> {
    const key = `${kernel.entryPoint}\n${kernel.source}`;
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#compile(kernel);
      this.#compiled.set(key, compiled);
      // A failure may have been one of the moment, such as memory: it is not remembered.
      compiled.catch(() => this.#compiled.delete(key));
    }
    return compiled;
  }

  async #compile(kernel: Kernel): Promise<CompiledKernel> {
    const layout = this.#layout(kernel.bindings, kernel.hasParams);
    this.#counters.shaderModules++;
    const module = this.#device.createShaderModule({ label: kernel.name, code: kernel.source });
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: kernel.name,
        layout: layout.pipeline,
        compute: { module, entryPoint: kernel.entryPoint },
      });
      this.#counters.pipelines++;
      return { kernel, pipeline, layout: layout.group };
    } catch (error) {
      throw await describeFailure(kernel, module, error);
    }
  }

  #layout(bindings: readonly BindingAccess[], hasParams: boolean) {
    const key = `${bindings.join()}|${hasParams}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries: GPUBindGroupLayoutEntry[] = bindings.map((access, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      }));
      if (hasParams) {
        entries.push({
          binding: bindings.length,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: 'uniform' },
        });
      }
      const group = this.#device.createBindGroupLayout({ label: key, entries });
      const pipeline = this.#device.createPipelineLayout({ label: key, bindGroupLayouts: [group] });
      this.#counters.bindGroupLayouts++;
      this.#counters.pipelineLayouts++;
      layout = { group, pipeline };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

async function describeFailure(kernel: Kernel, module: GPUShaderModule, error: unknown): Promise<GpuError> {
  const info = await module.getCompilationInfo().catch(() => undefined);
  const first = info?.messages.find((message) => message.type === 'error');
  const line = first ? kernel.source.split('\n')[first.lineNum - 1]?.trim() : undefined;
  const detail = first ? `line ${first.lineNum}: ${first.message} — ${line}` : String(error);
  return new GpuError('gpu/shader', `Kernel ${kernel.name} does not compile on this device: ${detail}`);
}
