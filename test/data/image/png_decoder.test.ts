// decodePng against Pillow's pixels, and on files that are damaged, cut off, or inflate to more than they say.

import fc from 'fast-check';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { decodePng } from '../../../src/data/image/png_decoder';
import { loadPictureCases } from '../../harness/pictures';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function chunk(name: string, data: Uint8Array): number[] {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return [...length, ...new TextEncoder().encode(name), ...data, 0, 0, 0, 0];
}

/** A grey 8-bit PNG around given scan lines. */
function grey(width: number, height: number, lines: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header[8] = 8;
  return Uint8Array.from([...SIGNATURE, ...chunk('IHDR', header), ...chunk('IDAT', zlibSync(lines))]);
}

describe('decodePng', () => {
  it('gives the pixels of Pillow, transparency dropped', async () => {
    // Turned pictures are turned after decoding.
    const cases = (await loadPictureCases()).filter(({ name }) => /^(?!orientation).*\.png$/.test(name));
    expect(cases.length).toBeGreaterThan(7);
    for (const { name, file, rgb } of cases) {
      const { pixels, translucent } = decodePng(file);
      expect(pixels.data, name).toEqual(rgb);
      expect(translucent, name).toBe(/rgba|transparent|alpha|key/.test(name));
    }
  });

  it('undoes every filter', () => {
    const lines = Uint8Array.from([0, 10, 20, 30, 1, 1, 1, 1, 2, 1, 1, 1, 3, 5, 5, 5, 4, 1, 2, 3]);
    const found = [...decodePng(grey(3, 5, lines)).pixels.data].filter((_, i) => i % 3 === 0);
    expect(found).toEqual([10, 20, 30, 1, 2, 3, 2, 3, 4, 6, 9, 11, 7, 11, 14]);
  });

  it('stops where the picture is full, whatever else the data would inflate to', () => {
    const bomb = new Uint8Array(8_000_000);
    expect(decodePng(grey(2, 2, bomb)).pixels.data.length).toBe(12);
  });

  it('refuses what is cut off, damaged or unknown, with a code', () => {
    const whole = grey(9, 9, new Uint8Array(90));
    const cut = whole.slice(0, 45);
    const filter = grey(1, 1, Uint8Array.of(9, 0));
    const depth = whole.slice();
    depth[24] = 3;
    for (const bytes of [cut, filter, depth, whole.slice(0, 20), grey(9, 9, new Uint8Array(89))]) {
      expect(() => decodePng(bytes)).toThrow(expect.objectContaining({ code: 'data/image' }));
    }
  });

  it('ends with pixels or an error of ours on any change of a byte', async () => {
    const files = (await loadPictureCases()).filter(({ name }) => name.endsWith('.png'));
    const change = fc.tuple(fc.constantFrom(...files), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(change, ([{ file }, where, value]) => {
        const bytes = file.slice();
        // The size is checked before.
        const at = 24 + (where % (bytes.length - 24));
        bytes[at] = value;
        try {
          const { pixels } = decodePng(bytes);
          return pixels.data.length === pixels.width * pixels.height * 3;
        } catch (error) {
          return (error as { code?: string }).code === 'data/image';
        }
      }),
      { numRuns: 500 },
    );
  });
});
