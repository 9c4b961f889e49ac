// Planes and bytes of the storage formats of weights.

import { expect, it } from 'vitest';
import { weightOperands, weightRowBytes } from '../../src/kernels/weight_format';

it('counts the bytes of a row', () => {
  expect((['f32', 'bf16', 'f16'] as const).map((format) => weightRowBytes(format, 33))).toEqual([
    132, 66, 66,
  ]);
});

it('lists what a kernel binds', () => {
  expect(weightOperands('B', 'bf16', 7, 33)).toMatchObject([
    { name: 'B', access: 'read', dtype: 'bf16', count: 231 },
  ]);
});
