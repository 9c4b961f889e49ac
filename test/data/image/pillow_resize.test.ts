// Properties that any correct resize has; bit-for-bit agreement with Pillow is in the parity fixtures.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pillowResize, type ResizeFilter } from '../../../src/data/image/pillow_resize';

// Equality with Pillow itself is in test/tools/parity_stages/cpu.test.ts (sizes, filters and hashes of the fixtures).

const FILTERS: ResizeFilter[] = ['bicubic', 'lanczos'];
const size = fc.integer({ min: 1, max: 40 });

describe('pillowResize', () => {
  it('keeps a constant image constant: the weights sum to one after rounding', () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.nat(255),
        fc.constantFrom(...FILTERS),
        (w, h, ow, oh, value, filter) => {
          const data = new Uint8Array(w * h).fill(value);
          const out = pillowResize({ width: w, height: h, channels: 1, data }, ow, oh, filter);
          expect(out.data.every((byte) => byte === value)).toBe(true);
          expect([out.width, out.height, out.data.length]).toEqual([ow, oh, ow * oh]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('commutes with mirroring and treats channels alike', () => {
    fc.assert(
      fc.property(size, size, fc.constantFrom(...FILTERS), fc.nat(1000), (w, ow, filter, seed) => {
        const row = Uint8Array.from({ length: w }, (_, i) => (seed * 31 + i * i * 57 + i * 11) % 256);
        const plain = pillowResize({ width: w, height: 1, channels: 1, data: row }, ow, 1, filter).data;
        const mirrored = pillowResize(
          { width: w, height: 1, channels: 1, data: row.slice().reverse() },
          ow,
          1,
          filter,
        ).data;
        const tripled = Uint8Array.from([...row].flatMap((value) => [value, value, value]));
        const rgb = pillowResize({ width: w, height: 1, channels: 3, data: tripled }, ow, 1, filter).data;
        expect([...rgb].filter((_, i) => i % 3 === 1)).toEqual([...plain]);
        const upright = pillowResize({ width: 1, height: w, channels: 1, data: row }, 1, ow, filter).data;
        expect(upright).toEqual(plain);
        // Fixed point rounds x.5 up on both sides, so a mirror image may differ by one level.
        for (const [i, value] of mirrored.reverse().entries()) {
          expect(Math.abs(value - plain[i]!)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('overshoots at an edge and clamps, as bicubic does', () => {
    const data = Uint8Array.from([0, 0, 0, 200, 200, 200]);
    const out = pillowResize({ width: 6, height: 1, channels: 1, data }, 12, 1, 'bicubic').data;
    expect(Math.max(...out)).toBeGreaterThan(200);
    expect(Math.min(...out)).toBe(0);
  });

  it('returns the image itself at its own size', () => {
    const image = { width: 2, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4) };
    expect(pillowResize(image, 2, 2, 'lanczos')).toBe(image);
  });

  it('refuses sizes that make no image', () => {
    const image = { width: 2, height: 2, channels: 1, data: new Uint8Array(4) };
    expect(() => pillowResize(image, 0, 2, 'bicubic')).toThrow('cannot resize 2×2 to 0×2');
    expect(() => pillowResize(image, 2, 1.5, 'bicubic')).toThrow('cannot resize');
    expect(() => pillowResize({ ...image, data: new Uint8Array(3) }, 4, 4, 'bicubic')).toThrow(
      'do not fit 3 bytes',
    );
  });
});
