// The checksum of the standard.
import { expect, it } from 'vitest';
import { crc32 } from '../../../src/data/dataset/crc32';

it('has the check value of the standard, in any pieces', () => {
  const text = new TextEncoder().encode('123456789');
  expect(crc32(text)).toBe(0xcbf43926);
  expect(crc32(text.subarray(4), crc32(text.subarray(0, 4)))).toBe(0xcbf43926);
});
