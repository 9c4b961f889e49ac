// decodePicture with the PNG decoder and with codecs of the test: guards, notes and reduction.
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import {
  decodePicture,
  dropAlpha,
  type PictureCodec,
  REDUCE_ABOVE_PIXELS,
  reducedSize,
} from '../../../src/data/image/picture_decoder';
import { loadPictureCases } from '../../harness/pictures';

const never: PictureCodec = async () => {
  throw new Error('no codec');
};

function png(width: number, height: number): Blob {
  const channels = 3;
  const data = new Uint8Array(width * height * channels);
  return new Blob([new Uint8Array(encode({ width, height, channels, data }))]);
}

describe('decodePicture', () => {
  it('keeps white under full transparency and says that transparency is ignored', async () => {
    const [white] = await loadPictureCases();
    const found = await decodePicture(new Blob([white?.file as Uint8Array<ArrayBuffer>]), 'a.png', never);
    expect([...found.pixels.data].every((value) => value === 255)).toBe(true);
    expect(found.notes).toEqual(['Transparency is ignored.']);
  });

  it('reduces what no model could use, in bounded memory, and says so', async () => {
    const wide = { width: 65_500, height: 370, channels: 3, data: new Uint8Array(65_500 * 370 * 3) };
    const codec: PictureCodec = async () => ({ pixels: wide, translucent: false });
    const [webp] = (await loadPictureCases()).filter(({ name }) => name === 'photo.webp');
    const file = new Blob([webp?.file as Uint8Array<ArrayBuffer>]);
    const found = await decodePicture(file, 'wide.webp', codec);
    expect([found.sourceWidth, found.sourceHeight]).toEqual([65_500, 370]);
    expect(found.pixels.width * found.pixels.height).toBeLessThanOrEqual(REDUCE_ABOVE_PIXELS);
    expect(found.notes.join()).toMatch(/reduced from 65500 × 370/);
    const narrow = await decodePicture(png(1, 20_000), 'narrow.png', never);
    expect([narrow.pixels.width, narrow.pixels.height]).toEqual([1, 20_000]);
  });

  it('names the file that a codec cannot decode, and never asks it for half a JPEG', async () => {
    const jpeg = (await loadPictureCases()).find(({ name }) => name === 'photo.jpg')?.file;
    const whole = new Blob([jpeg as Uint8Array<ArrayBuffer>]);
    await expect(decodePicture(whole, 'a.jpg', never)).rejects.toThrow('a.jpg cannot be decoded (no codec)');
    await expect(decodePicture(whole.slice(0, whole.size - 9), 'b.jpg', never)).rejects.toThrow(
      /b\.jpg.*cut off/,
    );
  });
});

describe('reducedSize', () => {
  it('keeps the shape of a reduced picture', () => {
    expect(reducedSize(100, 50, 5000)).toEqual([100, 50]);
    expect(reducedSize(100, 50, 1250)).toEqual([50, 25]);
    expect(reducedSize(1_000_000, 1, 1000)).toEqual([31622, 1]);
    const [width, height] = reducedSize(8191, 4099, 1_000_000);
    expect(width * height).toBeLessThanOrEqual(1_000_000);
    expect(width / height).toBeCloseTo(8191 / 4099, 2);
  });
});

describe('dropAlpha', () => {
  it('takes both orders of colours', () => {
    const four = Uint8Array.of(1, 2, 3, 255);
    expect([...dropAlpha(four, 1, 1).pixels.data]).toEqual([1, 2, 3]);
    expect([...dropAlpha(four, 1, 1, 'bgra').pixels.data]).toEqual([3, 2, 1]);
    expect(dropAlpha(four, 1, 1).translucent).toBe(false);
    expect(dropAlpha(Uint8Array.of(1, 2, 3, 254), 1, 1).translucent).toBe(true);
  });
});
