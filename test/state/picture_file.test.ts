// File headers: sizes of the common formats, refusals in words, and no crash on any bytes.
import fc from 'fast-check';
import { encode } from 'fast-png';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { checkPicture, readHeader } from '../../src/state/picture_file';

function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode({ width, height, data: new Uint8Array(width * height * 3), channels: 3 }));
}

/** A PNG whose header claims another size than its data has. */
function claimedPng(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = png(1, 1);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

const latin = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('readHeader', () => {
  it('reads PNG and JPEG', () => {
    expect(readHeader(png(7, 3))).toEqual({ format: 'png', width: 7, height: 3 });
    const encoded = jpeg.encode({ width: 17, height: 5, data: new Uint8Array(17 * 5 * 4) }, 80).data;
    expect(readHeader(new Uint8Array(encoded))).toEqual({ format: 'jpeg', width: 17, height: 5 });
  });

  it('reads GIF, BMP and the three kinds of WebP', () => {
    const gif = new Uint8Array([...latin('GIF89a'), 0x2c, 0x01, 0x0a, 0x00, 0, 0, 0]);
    expect(readHeader(gif)).toEqual({ format: 'gif', width: 300, height: 10 });
    const bmp = new Uint8Array(30);
    bmp.set(latin('BM'));
    new DataView(bmp.buffer).setInt32(18, 12, true);
    // A negative height means that the rows run downwards.
    new DataView(bmp.buffer).setInt32(22, -9, true);
    expect(readHeader(bmp)).toEqual({ format: 'bmp', width: 12, height: 9 });
    const webp = (chunk: string, ...words: [offset: number, value: number][]) => {
      const bytes = new Uint8Array(40);
      bytes.set(latin('RIFF'));
      bytes.set(latin(`WEBP${chunk}`), 8);
      for (const [offset, value] of words) new DataView(bytes.buffer).setUint32(offset, value, true);
      return readHeader(bytes);
    };
    const size = { width: 100, height: 50 };
    // VP8X holds both sizes less one in 24 bits each, VP8L less one in 14 bits each, VP8 as they are.
    expect(webp('VP8X', [24, 99], [27, 49])).toMatchObject(size);
    expect(webp('VP8L', [21, 99 | (49 << 14)])).toMatchObject(size);
    expect(webp('VP8 ', [26, 100 | (50 << 16)])).toMatchObject(size);
  });

  it('knows AVIF without its size, and nothing else', () => {
    expect(readHeader(latin('\0\0\0\x1cftypavif'))).toEqual({ format: 'avif', width: null, height: null });
    expect(readHeader(latin('hello, I am text'))).toBeNull();
    expect(readHeader(latin('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBeNull();
    expect(readHeader(new Uint8Array())).toBeNull();
  });

  it('survives any bytes, also behind a true beginning', () => {
    const beginnings = [
      [],
      [0xff, 0xd8, 0xff],
      [...latin('GIF89a')],
      [0x89, ...latin('PNG')],
      [...latin('BM')],
    ];
    beginnings.push([...latin('RIFF....WEBPVP8X')]);
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 200 }), (beginning, rest) => {
        const header = readHeader(new Uint8Array([...beginning, ...rest]));
        if (header === null || header.width === null) return;
        expect(Number.isInteger(header.width)).toBe(true);
      }),
    );
  });
});

describe('checkPicture', () => {
  const check = (bytes: Uint8Array<ArrayBuffer>) => checkPicture(new Blob([bytes]), 'x.png');

  it('accepts one pixel and refuses what would exhaust memory', async () => {
    await expect(check(png(1, 1))).resolves.toMatchObject({ width: 1, height: 1 });
    await expect(check(claimedPng(60_000, 60_000))).rejects.toMatchObject({ code: 'data/picture-too-large' });
    await expect(check(claimedPng(0xffffffff, 0xffffffff))).rejects.toMatchObject({
      code: 'data/picture-too-large',
    });
    await expect(check(claimedPng(0, 10))).rejects.toMatchObject({ code: 'data/not-a-picture' });
  });

  it('refuses empty files and other files, naming them', async () => {
    await expect(check(new Uint8Array())).rejects.toMatchObject({ code: 'data/empty-file' });
    await expect(check(new Uint8Array(latin('{"a": 1}')))).rejects.toThrow(/x\.png is not a PNG/);
  });
});
