// Tensors with memory of their own: zeroed, written in part, read back.
import { beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { inPassingScope } from '../../src/gpu/gpu_scope';
import { allocateTensor, readTensor, writeTensor } from '../../src/tensor/tensor_memory';
import { testGpu } from '../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('a stored tensor', () => {
  it('is zero until it is written, and holds what was written where', async () => {
    await inPassingScope(gpu, async (scope) => {
      const tensor = allocateTensor(scope, 'x', [2, 3], 'f32');
      expect([...(await readTensor(gpu, tensor))]).toEqual([0, 0, 0, 0, 0, 0]);
      writeTensor(gpu, tensor, Float32Array.of(1, 2), 3);
      expect([...(await readTensor(gpu, tensor))]).toEqual([0, 0, 0, 1, 2, 0]);
    });
  });

  it('is read back whole where it is larger than a staging buffer', async () => {
    await inPassingScope(gpu, async (scope) => {
      // A word more than 16 MiB, the size of a piece.
      const count = 2 ** 22 + 1;
      const tensor = allocateTensor(scope, 'large', [count], 'f32');
      writeTensor(gpu, tensor, Float32Array.of(5, 6), 2 ** 22 - 1);
      const values = await readTensor(gpu, tensor);
      expect(values).toHaveLength(count);
      expect([...values.subarray(-3)]).toEqual([0, 5, 6]);
    });
  });

  it('refuses values past its end and reading what is not f32', async () => {
    await inPassingScope(gpu, async (scope) => {
      const ids = allocateTensor(scope, 'ids', [4], 'u32');
      expect(() => writeTensor(gpu, ids, new Uint32Array(3), 2)).toThrow(/ids has 16 bytes; 3 values at 2/);
      await expect(readTensor(gpu, ids)).rejects.toThrow(/ids is u32/);
    });
  });
});
