// Puts a matrix on the device as a weight, in shards of a chosen size. For tests only.

import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { isQuantised, type WeightFormat, weightPlanes } from '../../src/kernels/weight_format';
import { f32ToBf16, f32ToF16 } from '../../src/lib/float_bits';
import { quantiseRows } from '../../src/model/quantization';
import { allocateTensor, writeTensor } from '../../src/tensor/tensor_memory';
import { shardRows, type Weight } from '../../src/tensor/weight';

/** A weight, and how to free it. */
export interface PlacedWeight {
  readonly weight: Weight;
  destroy(): void;
}

/**
 * A frozen weight of these values, rounded to its format.
 * @param limit bytes of a binding
 */
export function placeWeight(
  gpu: GpuContext,
  format: WeightFormat,
  values: Float32Array,
  shape: readonly [number, number],
  limit: number,
): PlacedWeight {
  const scope = new GpuScope(gpu);
  const shards = shardRows('weight', format, shape, limit).map((shard) => {
    const first = shard.firstRow * shape[1];
    const data = encode(values.subarray(first, first + shard.rows * shape[1]), shape[1], format);
    const planes = weightPlanes(format, shape[1]).map(({ dtype, columns }, index) => {
      const plane = allocateTensor(scope, 'weight', [shard.rows, columns], dtype);
      writeTensor(gpu, plane, data[index]!);
      return plane;
    });
    return { ...shard, planes };
  });
  return {
    weight: { name: 'weight', shape, format, shards, requiresGrad: false },
    destroy: () => scope.destroy(),
  };
}

function words(halves: Uint16Array): Uint32Array {
  const padded = new Uint16Array(2 * Math.ceil(halves.length / 2));
  padded.set(halves);
  return new Uint32Array(padded.buffer);
}

/** The planes of rows, as words. */
function encode(values: Float32Array, width: number, format: WeightFormat): (Float32Array | Uint32Array)[] {
  if (isQuantised(format)) {
    const { quants, scales } = quantiseRows(values, width, format)!;
    return [quants, words(scales)];
  }
  if (format === 'f32') return [values];
  return [words(format === 'bf16' ? f32ToBf16(values) : f32ToF16(values))];
}
