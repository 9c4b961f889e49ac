// Shape checks that the attention wrappers share.
import { expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import {
  checkBindings,
  checkHeads,
  checkPositive,
  MAX_HEAD_SIZE,
  paddedHeadSize,
} from '../../src/kernels/attention_shape';

it('accepts what models have', () => {
  for (const [heads, kvHeads, headSize] of [
    [1, 1, 4],
    [4, 2, 32],
    [28, 4, 128],
    [16, 16, 80],
    [8, 1, MAX_HEAD_SIZE],
  ] as const) {
    checkHeads('attention', { heads, kvHeads, headSize });
  }
});

it('pads heads to the next size that it accepts', () => {
  for (const headSize of [2, 4, 6, 10, 126, 128, 254]) {
    const padded = paddedHeadSize(headSize);
    checkHeads('attention', { heads: 1, kvHeads: 1, headSize: padded });
    expect(padded - headSize).toBe(headSize % 4 === 0 ? 0 : 2);
  }
});

it('names the operator and the number that is wrong', () => {
  expect(() => checkHeads('attention', { heads: 5, kvHeads: 2, headSize: 8 })).toThrow(
    /attention: 5 heads.*2/,
  );
  expect(() => checkHeads('attention', { heads: 2, kvHeads: 2, headSize: 6 })).toThrow(/headSize 6/);
  expect(() => checkHeads('attention', { heads: 2, kvHeads: 2, headSize: 260 })).toThrow(/headSize 260/);
  expect(() => checkHeads('attention', { heads: 0, kvHeads: 2, headSize: 8 })).toThrow(/heads.*0/);
  expect(() => checkPositive('attention', { tokens: 1.5 })).toThrow(/tokens.*1\.5/);
});

it('says what to leave out when bindings run short', () => {
  const traits = { maxStorageBuffers: 8 } as DeviceTraits;
  checkBindings('attention', 8, traits, 'Drop one.');
  expect(() => checkBindings('attention', 9, traits, 'Drop one.')).toThrow(/9.*8.*Drop one\./);
});
