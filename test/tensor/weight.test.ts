// Shards of rows: how a matrix is cut, and views of a part of it.

import { describe, expect, it } from 'vitest';
import type { WeightFormat } from '../../src/kernels/weight_format';
import { externalTensor } from '../../src/tensor/trace';
import { denseWeight, ROW_UNIT, rowsOf, shardRows, type Weight } from '../../src/tensor/weight';

describe('shardRows', () => {
  it('cuts as few shards as the binding allows, each but the last at a multiple of 256 bytes', () => {
    expect(shardRows('w', 'f32', [1000, 10], 1 << 20)).toEqual([{ firstRow: 0, rows: 1000 }]);
    // 300 rows of 40 bytes fit; 32 rows are the fewest whose bytes are a multiple of 256.
    expect(shardRows('w', 'f32', [1000, 10], 12_000)).toEqual([
      { firstRow: 0, rows: 288 },
      { firstRow: 288, rows: 288 },
      { firstRow: 576, rows: 288 },
      { firstRow: 864, rows: 136 },
    ]);
    expect(shardRows('w', 'bf16', [300, 3], 900)).toHaveLength(3);
    expect(shardRows('w', 'f32', [10, 512], 8192)).toEqual([
      { firstRow: 0, rows: 4 },
      { firstRow: 4, rows: 4 },
      { firstRow: 8, rows: 2 },
    ]);
  });

  it('says what does not fit at all', () => {
    expect(() => shardRows('lm_head', 'bf16', [1000, 100], 6399)).toThrow(
      expect.objectContaining({ code: 'gpu/limit', message: expect.stringMatching(/lm_head needs 6400/) }),
    );
  });
});

function stored(format: WeightFormat, rows: number, width: number, limit: number): Weight {
  const shape = [rows, width] as const;
  const shards = shardRows('w', format, shape, limit).map((shard) => {
    const region = { buffer: {} as GPUBuffer, offset: 512, bytes: 4 * shard.rows * width };
    return { ...shard, planes: [externalTensor('w', [shard.rows, width], 'f32', region)] };
  });
  return { name: 'w', shape, format, shards, requiresGrad: false };
}

describe('rowsOf', () => {
  it('gives whole shards as they are, and views of parts', () => {
    const weight = stored('f32', 700, 3, 256 * 12);
    const [first, second] = weight.shards;
    expect(rowsOf(weight, 0, 256)).toEqual([first]);
    const parts = rowsOf(weight, 128, 384);
    expect(parts.map(({ firstRow, rows }) => [firstRow, rows])).toEqual([
      [128, 128],
      [256, 256],
    ]);
    expect(parts[0]!.planes[0]!.region).toMatchObject({ offset: 512 + 128 * 12, bytes: 128 * 12 });
    expect(parts[1]!.planes).toBe(second!.planes);
    for (const { planes } of rowsOf(weight, ROW_UNIT, 500)) expect(planes[0]!.region!.offset % 256).toBe(0);
  });

  it('cannot view what has no memory yet', () => {
    const { activation } = {
      activation: {
        id: 0,
        name: 'made',
        kind: 'activation',
        shape: [256, 2],
        dtype: 'f32',
        requiresGrad: false,
      } as const,
    };
    expect(() => rowsOf(denseWeight(activation), 128, 128)).toThrow(/made must be a stored weight/);
  });
});
