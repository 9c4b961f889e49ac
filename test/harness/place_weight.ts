// Puts a matrix on the device as a weight, in shards of a chosen size. For tests only.

import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import type { WeightFormat } from '../../src/kernels/weight_format';
import { allocateTensor, writeTensor } from '../../src/tensor/tensor_memory';
import { shardRows, type Weight } from '../../src/tensor/weight';

/** A weight, and how to free it. */
export interface PlacedWeight {
  readonly weight: Weight;
  destroy(): void;
}

/**
 * A frozen f32 weight of these values.
 * @param limit bytes of a binding
 */
export function placeWeight(
  gpu: GpuContext,
  format: WeightFormat & 'f32',
  values: Float32Array,
  shape: readonly [number, number],
  limit: number,
): PlacedWeight {
  const scope = new GpuScope(gpu);
  const shards = shardRows('weight', format, shape, limit).map((shard) => {
    const plane = allocateTensor(scope, 'weight', [shard.rows, shape[1]], format);
    const first = shard.firstRow * shape[1];
    writeTensor(gpu, plane, values.subarray(first, first + shard.rows * shape[1]));
    return { ...shard, planes: [plane] };
  });
  return {
    weight: { name: 'weight', shape, format, shards, requiresGrad: false },
    destroy: () => scope.destroy(),
  };
}
