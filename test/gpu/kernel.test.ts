// What a kernel call is made of: uniform bit patterns and grids.
import { describe, expect, it } from 'vitest';
import { foldGrid, MAX_GRID_DIMENSION, packParams } from '../../src/gpu/kernel';

describe('packParams', () => {
  it('lays members out in order and pads with zeros to 16 bytes', () => {
    const words = packParams([{ u32: 7 }, { i32: -1 }, { f32: 1 }, { u32: 0xffffffff }, { f32: -0 }]);
    expect([...words]).toEqual([7, 0xffffffff, 0x3f800000, 0xffffffff, 0x80000000, 0, 0, 0]);
    expect(packParams([])).toHaveLength(4);
  });

  it('names the index and value of an integer that does not fit', () => {
    expect(() => packParams([{ u32: 1 }, { u32: -1 }])).toThrow(/parameter 1 is -1/);
    expect(() => packParams([{ u32: 2 ** 32 }])).toThrow(/4294967296/);
    expect(() => packParams([{ i32: 2 ** 31 }])).toThrow(/2147483648/);
    expect(() => packParams([{ u32: 1.5 }])).toThrow(/1\.5/);
    expect(() => packParams([{ u32: Number.NaN }])).toThrow(/NaN/);
  });
});

describe('foldGrid', () => {
  it('covers every count within the limit of each dimension', () => {
    const counts = [1, 2, 65534, MAX_GRID_DIMENSION, 65536, 131070, 131071, 1_000_003, 65535 * 65535];
    for (const count of counts) {
      const [x, y, z] = foldGrid(count);
      expect(x * y * z).toBeGreaterThanOrEqual(count);
      expect(Math.max(x, y, z)).toBeLessThanOrEqual(MAX_GRID_DIMENSION);
      // Fewer than one workgroup per row is wasted.
      expect(x * y - count).toBeLessThan(y);
    }
    expect(foldGrid(0)).toEqual([1, 1, 1]);
  });
});
