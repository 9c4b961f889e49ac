// Argument checks and grids that the kernel wrappers share.
import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import type { DType } from '../../src/gpu/kernel';
import {
  checkBinding,
  checkDimensions,
  checkGrid,
  ELEMENTWISE_WORKGROUP,
  elementGrid,
  rowGrid,
  rowLayout,
} from '../../src/kernels/check';
import { ShapeError } from '../../src/lib/errors';

const device = (software: boolean, maxInvocations = 256): DeviceTraits =>
  ({ software, maxInvocations, maxBindingBytes: 1024 }) as unknown as DeviceTraits;

describe('checks', () => {
  it('name kernel and field of a dimension that is no positive integer', () => {
    for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
      expect(() => checkDimensions('rmsNorm', { rows: 1, cols: bad })).toThrow(ShapeError);
      expect(() => checkDimensions('rmsNorm', { rows: 1, cols: bad })).toThrow(/rmsNorm: cols/);
    }
    checkDimensions('rmsNorm', { rows: 1, cols: 2 ** 32 - 1 });
  });

  it('allow a binding up to the last byte', () => {
    const operand = (count: number, dtype: DType) => ({ name: 'A', count, dtype });
    checkBinding('gemm', operand(256, 'f32'), device(true));
    checkBinding('gemm', operand(512, 'bf16'), device(true));
    for (const [count, dtype, bytes] of [
      [257, 'f32', 1028],
      [514, 'f16', 1028],
    ] as const) {
      expect(() => checkBinding('gemm', operand(count, dtype), device(true))).toThrow(
        expect.objectContaining({
          code: 'gpu/limit',
          message: expect.stringMatching(new RegExp(`gemm: A takes ${bytes} bytes.*1024`)),
        }),
      );
    }
  });

  it('allow as many workgroups as WebGPU guarantees', () => {
    expect(checkGrid('rotary', 65535)).toBe(65535);
    expect(() => checkGrid('rotary', 65536)).toThrow(/rotary: 65536/);
  });
});

describe('grids', () => {
  it('cover every element and every row', () => {
    for (const count of [1, 63, 64, 65, 4_194_241]) {
      const [x, y, z] = elementGrid(count);
      expect(x * y * z * ELEMENTWISE_WORKGROUP).toBeGreaterThanOrEqual(count);
    }
    for (const traits of [device(true), device(false), device(false, 128)]) {
      for (const cols of [1, 512, 513]) {
        const layout = rowLayout(cols, traits);
        expect(layout.WG).toBeLessThanOrEqual(traits.maxInvocations);
        // Several invocations per row meet at barriers, which rows of different length could not share.
        expect(layout.WG === 1 || layout.ROWS === 1).toBe(true);
        const [x, y] = rowGrid(7, layout);
        expect(x * y * layout.ROWS).toBeGreaterThanOrEqual(7);
      }
    }
  });
});
