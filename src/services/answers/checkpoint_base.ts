// Describes what lies beside a checkpoint's arrays: the device and kernels that made it, the base model, and the
// adapter's shape, so that an adapter can be cut out of the arena without a model. The modules are in the arena's
// order, each factor on a 256-byte boundary, as LoraAdapter lays them out.

import type { DeviceTraits } from '../../gpu/device';
import type { AdapterStart } from '../../lookback/training';
import { loraRank, type ShapedModule } from '../../model/lora';
import type { WeightPrecision } from '../../model/weight_layout';
import type { StoredLoraConfig } from '../../storage/records';

/** Plain data kept with each checkpoint of a run. */
export interface CheckpointBase {
  readonly device: string;
  /** Everything that decides which kernels run; equal profiles on equal devices give equal bits. */
  readonly profile: string;
  readonly modelId: string;
  /** SHA-256 of the base model's weights, hexadecimal. */
  readonly fingerprint: string;
  /** How these weights are kept on the device; null for a checkpoint of a time that did not note it. */
  readonly precision: WeightPrecision | null;
  readonly config: StoredLoraConfig;
  /** Adapted modules in the arena's order. */
  readonly modules: readonly ShapedModule[];
  /**
   * The adapter that the run continues, as it was when the run began: the run goes on, and GRPO keeps its reference,
   * also when the adapter was deleted from the library. Null for a new adapter.
   */
  readonly start: AdapterStart | null;
}

/** What of a device decides which kernels run there. */
export function kernelTraits(traits: DeviceTraits): string {
  const { shaderF16, subgroups, software, maxInvocations, maxStorageBuffers, maxWorkgroupBytes } = traits;
  return JSON.stringify({
    ...{ shaderF16, subgroups, software, maxInvocations, maxStorageBuffers, maxWorkgroupBytes },
    maxBindingBytes: traits.maxBindingBytes,
    disabled: [...traits.disabledVariants].sort(),
  });
}

/** Elements of A and B of all modules, padding left out. */
export function countParameters({ config, modules }: Pick<CheckpointBase, 'config' | 'modules'>): number {
  return modules.reduce((sum, { module, shape: [out, width] }) => {
    return sum + loraRank(config, module) * (out + width);
  }, 0);
}
