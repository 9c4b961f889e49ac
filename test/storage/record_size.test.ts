// Sizes of records: what counts and how much, and buffers of their own.
import { describe, expect, it } from 'vitest';
import { ownBytes, recordSize } from '../../src/storage/record_size';

describe('recordSize', () => {
  it.each([
    ['abc', 3],
    [3.5, 8],
    [null, 1],
    [undefined, 1],
    [true, 1],
    [new Float32Array(5), 20],
    [new Uint8Array(7).subarray(2), 5],
    [new ArrayBuffer(11), 11],
    [new Blob(['12345']), 5],
    [['ab', 1], 10],
    [{ id: 'x', step: 2 }, 2 + 1 + 4 + 8],
    [{ deep: { list: [new Uint8Array(3)] } }, 4 + 4 + 3],
  ])('counts %j as %i', (value, bytes) => {
    expect(recordSize(value)).toBe(bytes);
  });
});

describe('ownBytes', () => {
  it('copies a view of a larger buffer, and only that', () => {
    const whole = Uint8Array.of(1, 2, 3, 4);
    expect(ownBytes(whole)).toBe(whole);
    const part = ownBytes(whole.subarray(1, 3));
    expect([...part]).toEqual([2, 3]);
    expect(part.buffer.byteLength).toBe(2);
  });
});
