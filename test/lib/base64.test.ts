// Base64 of bytes of any length, and texts that are none.
import { describe, expect, it } from 'vitest';
import { base64Of, bytesOfBase64 } from '../../src/lib/base64';

describe('base64', () => {
  it('keeps bytes across the pieces in which they are written', () => {
    for (const length of [0, 1, 2, 3, 8191, 8192, 20_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
      expect(bytesOfBase64(base64Of(bytes))).toEqual(bytes);
      expect(base64Of(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }
  });

  it('says that a text is none', () => {
    expect(bytesOfBase64('a*b')).toBeNull();
  });
});
