// decodeGif against Pillow's pixels, and on damaged files.
import { describe, expect, it } from 'vitest';
import { decodeGif } from '../../../src/data/image/gif_decoder';
import { loadPictureCases } from '../../harness/pictures';

describe('decodeGif', () => {
  it('gives a transparent pixel the colour of its palette, as Pillow does', async () => {
    const found = (await loadPictureCases()).find(({ name }) => name === 'transparent.gif');
    const { pixels, translucent } = await decodeGif(found?.file as Uint8Array);
    expect(pixels.data).toEqual(found?.rgb);
    expect(translucent).toBe(true);
  });

  it('refuses a file without a frame', async () => {
    const empty = Uint8Array.of(0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0, 0, 0, 0x3b);
    await expect(decodeGif(empty)).rejects.toThrow('no picture');
    await expect(decodeGif(empty.subarray(0, 8))).rejects.toThrow();
  });
});
