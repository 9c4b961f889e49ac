// What lies beside a checkpoint's arrays: the device and kernels that made it, the base model, and the adapter's shape,
// so that an adapter can be cut out of the arena without a model. Not the arrays themselves (the trainer's).
// Invariant: the modules are in the arena's order, each factor on a 256-byte boundary, as LoraAdapter lays them out.

import { alignUp } from '../gpu/buffer_region';
import type { DeviceTraits } from '../gpu/device';
import { invariant } from '../lib/invariant';
import type { ModelConfig } from '../model/config';
import { adaptableModules, type LoraWeights } from '../model/lora';
import type { StoredLoraConfig } from '../storage/records';

/** Plain data kept with each checkpoint of a run. */
export interface CheckpointBase {
  readonly device: string;
  /** Everything that decides which kernels run; equal profiles on equal devices give equal bits. */
  readonly profile: string;
  readonly modelId: string;
  /** SHA-256 of the base model's weights, hexadecimal. */
  readonly fingerprint: string;
  readonly config: StoredLoraConfig;
  /** Adapted modules in the arena's order, with the shape of the weight that each adapts: [out, in]. */
  readonly modules: readonly { readonly module: string; readonly shape: readonly [number, number] }[];
}

/** What of a device decides which kernels run there. */
export function kernelProfile(traits: DeviceTraits): string {
  const { shaderF16, subgroups, software, maxInvocations, maxStorageBuffers, maxWorkgroupBytes } = traits;
  return JSON.stringify({
    ...{ shaderF16, subgroups, software, maxInvocations, maxStorageBuffers, maxWorkgroupBytes },
    maxBindingBytes: traits.maxBindingBytes,
    disabled: [...traits.disabledVariants].sort(),
  });
}

/** Modules with their shapes. Throws InvariantError for a name that is none of the model's. */
export function shapedModules(names: readonly string[], model: ModelConfig): CheckpointBase['modules'] {
  const shapes = adaptableModules(model);
  return names.map((module) => {
    const shape = shapes.get(module);
    invariant(shape !== undefined, `${module} is no module of this model`);
    return { module, shape };
  });
}

/** Elements of A and B of all modules, padding left out. */
export function countParameters({ config, modules }: Pick<CheckpointBase, 'config' | 'modules'>): number {
  return modules.reduce((sum, { shape: [out, width] }) => sum + config.r * (out + width), 0);
}

/** Cuts an adapter's arena into its factors. */
export function weightsOfArena(
  arena: Float32Array,
  { config, modules }: Pick<CheckpointBase, 'config' | 'modules'>,
): LoraWeights[] {
  let offset = 0;
  const take = (count: number): Float32Array => {
    const part = arena.slice(offset, offset + count);
    invariant(part.length === count, `the arena of ${arena.length} elements ends within a module`);
    offset += alignUp(count * 4, 256) / 4;
    return part;
  };
  const weights = modules.map(({ module, shape: [out, width] }) => ({
    module,
    a: take(config.r * width),
    b: take(out * config.r),
  }));
  invariant(offset === arena.length, `the arena has ${arena.length} elements, its modules ${offset}`);
  return weights;
}
