// Planes and bytes of the storage formats of weights.

import { expect, it } from 'vitest';
import { weightDefines, weightOperands, weightRowBytes } from '../../src/kernels/weight_format';

it('counts the bytes of a row', () => {
  const formats = ['f32', 'bf16', 'f16', 'int8', 'int4'] as const;
  // Two groups of 32 or 16 bytes and a scale of two bytes each.
  expect(formats.map((format) => weightRowBytes(format, 33))).toEqual([132, 66, 66, 68, 36]);
});

it('lists what a kernel binds', () => {
  expect(weightOperands('B', 'bf16', 7, 33)).toMatchObject([
    { name: 'B', access: 'read', dtype: 'bf16', count: 231 },
  ]);
  expect(weightOperands('B', 'int4', 7, 33)).toMatchObject([
    { name: 'B quants', dtype: 'u32', count: 56 },
    { name: 'B scales', dtype: 'bf16', count: 14 },
  ]);
  expect(weightDefines('int4')).toEqual({ WEIGHT: 'int4', QUANTISED: true, GROUP_WORDS: 4 });
});
