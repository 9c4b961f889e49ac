// What is a picture that will be decoded, by its first bytes: sizes, and other files called by their names.
import { describe, expect, it } from 'vitest';
import {
  checkPicture,
  checkPictureHead,
  MAX_IMAGE_BYTES,
  nameOther,
  requirePicture,
} from '../../../src/data/image/picture_check';
import { loadPictureCases } from '../../harness/pictures';

const text = (words: string) => new TextEncoder().encode(words);
const media = (brand: string) =>
  Uint8Array.from([
    0,
    0,
    0,
    24,
    ...text('ftyp'),
    ...text(brand),
    0,
    0,
    0,
    0,
    ...text('miaf'),
    ...text('MiHB'),
  ]);

/** A PNG's head that claims a size. */
function claim(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(60);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  bytes.set([8, 2, 0, 0, 0], 24);
  return bytes;
}

describe('nameOther', () => {
  it.each<[string, Uint8Array]>([
    ['is a TIFF picture', Uint8Array.of(0x49, 0x49, 0x2a, 0, 8, 0, 0, 0)],
    ['is a TIFF picture', Uint8Array.of(0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8)],
    ['is an ICO icon', Uint8Array.of(0, 0, 1, 0, 1, 0, 16, 16)],
    ['is a HEIC picture', media('heic')],
    ['is a HEIC picture', media('mif1')],
    ['is a video', media('isom')],
    ['is a JPEG XL picture', Uint8Array.of(0xff, 0x0a, 0, 0)],
    ['is a PDF', text('%PDF-1.7')],
    ['is an SVG drawing', text('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['is an SVG drawing', text('\ufeff<?xml version="1.0"?>\n<!-- made by hand -->\n<svg width="1"/>')],
    ['is a web page', text('<!DOCTYPE html><html>')],
    ['is a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n')],
    ['is not a PNG', text('hello')],
  ])('%s', (words, bytes) => {
    expect(nameOther(bytes)).toContain(words);
    const check = checkPictureHead(bytes, bytes.length);
    expect('reason' in check && check.reason).toBe(nameOther(bytes));
  });
});

describe('requirePicture', () => {
  const check = (bytes: Uint8Array<ArrayBuffer>) => requirePicture(new Blob([bytes]), 'x.png');

  it('accepts one pixel and refuses what would exhaust memory, naming file and size', async () => {
    await expect(check(claim(1, 1))).resolves.toMatchObject({ format: 'png' });
    await expect(check(claim(10_000, 10_000))).resolves.toMatchObject({ width: 10_000 });
    await expect(check(claim(60_000, 60_000))).rejects.toMatchObject({
      code: 'data/image-size',
      message: expect.stringMatching(/x\.png is 60000 × 60000 pixels/),
    });
    await expect(check(claim(0xffffffff, 0xffffffff))).rejects.toMatchObject({ code: 'data/image-size' });
    await expect(check(claim(0, 10))).rejects.toMatchObject({ code: 'data/image' });
  });

  it('refuses files by their bytes without reading them', async () => {
    await expect(check(new Uint8Array())).rejects.toMatchObject({ code: 'data/image' });
    const large = { size: MAX_IMAGE_BYTES + 1 } as Blob;
    await expect(requirePicture(large, 'x.png')).rejects.toMatchObject({ code: 'data/image-size' });
  });
});

describe('checkPicture', () => {
  it('finds the size of a JPEG behind 3 MB of profiles, and reads little of others', async () => {
    const jpeg = (await loadPictureCases()).find(({ name }) => name === 'photo.jpg')?.file as Uint8Array;
    const profiles = 48 * 0x10001;
    const large = new Uint8Array(jpeg.length + profiles);
    large.set(jpeg.subarray(0, 2));
    for (let at = 2; at < 2 + profiles; at += 0x10001) large.set([0xff, 0xe2, 0xff, 0xff], at);
    large.set(jpeg.subarray(2), 2 + profiles);
    const lengths: number[] = [];
    const read = async (length: number): Promise<Uint8Array> => {
      lengths.push(length);
      return large.subarray(0, length);
    };
    expect(await checkPicture(large.length, read)).toMatchObject({ header: { format: 'jpeg', width: 21 } });
    expect(lengths.at(-1)).toBeGreaterThan(3_000_000);
    lengths.length = 0;
    expect(
      await checkPicture(5_000_000, async (length) => {
        lengths.push(length);
        return claim(5, 5);
      }),
    ).toMatchObject({
      header: { width: 5 },
    });
    expect(lengths).toEqual([2048]);
  });
});
