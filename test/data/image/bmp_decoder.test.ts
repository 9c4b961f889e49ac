// decodeBmp against Pillow's pixels, with masks written by hand, and on files that it refuses.
import { describe, expect, it } from 'vitest';
import { decodeBmp } from '../../../src/data/image/bmp_decoder';
import { loadPictureCases } from '../../harness/pictures';

/** One row of 16-bit pixels. */
function masked(pixels: readonly number[], masks: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(54 + 4 * masks.length + 4 * Math.ceil(pixels.length / 2));
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(10, 54 + 4 * masks.length, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, pixels.length, true);
  view.setInt32(22, -1, true);
  view.setUint16(28, 16, true);
  view.setUint32(30, masks.length > 0 ? 3 : 0, true);
  for (const [i, mask] of masks.entries()) view.setUint32(54 + 4 * i, mask, true);
  for (const [i, pixel] of pixels.entries()) view.setUint16(54 + 4 * masks.length + 2 * i, pixel, true);
  return bytes;
}

describe('decodeBmp', () => {
  it('gives the pixels of Pillow', async () => {
    const cases = (await loadPictureCases()).filter(({ name }) => name.endsWith('.bmp'));
    expect(cases.length).toBeGreaterThan(2);
    for (const { name, file, width, height, rgb } of cases) {
      const found = decodeBmp(file);
      expect([name, found.width, found.height]).toEqual([name, width, height]);
      expect(found.data, name).toEqual(rgb);
    }
  });

  it('reads 16 bits with the usual masks and with its own', () => {
    expect([...decodeBmp(masked([0x7fff, 0x7c00, 0x1f], [])).data]).toEqual([
      255, 255, 255, 255, 0, 0, 0, 0, 255,
    ]);
    expect([...decodeBmp(masked([0x07e0], [0xf800, 0x7e0, 0x1f])).data]).toEqual([0, 255, 0]);
  });

  it('refuses what is cut off or compressed', () => {
    const whole = masked([1, 2, 3], []);
    expect(() => decodeBmp(whole.subarray(0, 56))).toThrow('cut off');
    expect(() => decodeBmp(whole.subarray(0, 20))).toThrow('cut off');
    whole[30] = 1;
    expect(() => decodeBmp(whole)).toThrow('run-length');
  });
});
