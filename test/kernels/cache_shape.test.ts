// Places of a cache with two capacities, what its operands take, and the words of each format.
import { describe, expect, it } from 'vitest';
import {
  cacheOperand,
  cachePositions,
  cacheWords,
  checkCache,
  slotCapacity,
  slotStart,
  unsharedCache,
} from '../../src/kernels/cache_shape';

const SHAPE = { slots: 3, capacity: 5, prefixes: 2, prefixCapacity: 11, format: 'f16' } as const;

describe('a cache with two capacities', () => {
  it('puts the slots of sequences first, and leaves no gap', () => {
    const slots = [0, 1, 2, 3, 4];
    expect(slots.map((slot) => slotStart(SHAPE, slot))).toEqual([0, 5, 10, 15, 26]);
    expect(slots.map((slot) => slotCapacity(SHAPE, slot))).toEqual([5, 5, 5, 11, 11]);
    expect(cachePositions(SHAPE)).toBe(slotStart(SHAPE, 4) + slotCapacity(SHAPE, 4));
    expect(cachePositions(unsharedCache(4, 7, 'f32'))).toBe(28);
  });

  it('takes an operand of its format, exactly as large', () => {
    const heads = { kvHeads: 2, headSize: 8 };
    expect(cacheOperand('kCache', 'read', SHAPE, heads)).toEqual({
      ...{ name: 'kCache', access: 'read', dtype: 'f16', count: 37 * 16, orMore: false },
    });
  });

  it('refuses sizes that cannot be, by name', () => {
    expect(() => checkCache('k', { ...SHAPE, capacity: 0 })).toThrow(/k: capacity is 0/);
    expect(() => checkCache('k', { ...SHAPE, prefixCapacity: 0 })).toThrow(/prefixCapacity is 0/);
    expect(() => checkCache('k', { ...SHAPE, prefixes: 0 })).toThrow(/prefixes is 0/);
    expect(() => checkCache('k', unsharedCache(1, 1, 'f32'))).not.toThrow();
  });
});

describe('cacheWords', () => {
  it('holds two neighbours in a word, the first in its low half', () => {
    expect([...cacheWords(Float32Array.of(1, -2, 0.5, 0), 'f16')]).toEqual([0xc0003c00, 0x00003800]);
    expect(cacheWords(Float32Array.of(1, 2), 'f32')).toEqual(Float32Array.of(1, 2));
  });
});
