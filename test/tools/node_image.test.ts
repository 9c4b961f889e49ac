// Pictures on the command line: the pixels of Pillow, and errors for what cannot be read.
import { execFileSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode as encodePng } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { decodeImage, readPicture } from '../../tools/node_image';
import { loadPictureCases } from '../harness/pictures';

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

// Written by Pillow: 10×2 in one bit, 3×2 with a palette in two bits, 3×2 in sixteen bits, 4×4 red as CMYK.
const BITS =
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAACAQAAAABJGnB9AAAADklEQVR4nGPcxMey4xoABhACVEwZ1zQAAAAASUVORK5CYII=';
const PALETTE =
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACAgMAAADgGo6JAAAADFBMVEX/AAAA/wAAAP8AAAD7vkbkAAAADElEQVR4nGOQYJgAAADcAKls58AjAAAAAElFTkSuQmCC';
const SIXTEEN =
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACEAAAAADoj+WFAAAAFklEQVR4nGNkYFAXUBdgLDVQF1AXAAAJJwGEYMDtvwAAAABJRU5ErkJggg==';
const CMYK =
  '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAIBgYHBgUIBwcHCQkICgwUDQwLCwwZEhMPFB0aHx4dGhwcICQuJyAiLCMcHCg3KSwwMTQ0NB8nOT04MjwuMzQy/8AAFAgABAAEBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD3+vn+vn+vf6//2Q==';
const BLACK_GIF = 'R0lGODdhAQABAIAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw==';

describe('decodeImage', () => {
  it('gives the pixels of Pillow for every kind of file, as the page does', async () => {
    for (const { name, file, width, height, rgb } of await loadPictureCases()) {
      const pixels = await decodeImage(file, name);
      expect([name, pixels.width, pixels.height]).toEqual([name, width, height]);
      expect(pixels.data, name).toEqual(rgb);
    }
  });

  it('unpacks bits, palettes and sixteen-bit samples', async () => {
    const bits = await decodeImage(fromBase64(BITS), 'bits.png');
    expect([...bits.data].filter((_, i) => i % 3 === 0)).toEqual(
      [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1].map((bit) => bit * 255),
    );
    const palette = await decodeImage(fromBase64(PALETTE), 'palette.png');
    const [r, g, b] = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ] as const;
    expect([...palette.data]).toEqual([r, g, b, b, g, r].flat());
    const deep = await decodeImage(fromBase64(SIXTEEN), 'deep.png');
    const bytes = [0, 10000, 20000, 30000, 40000, 50000].map((value) => value >> 8);
    expect([...deep.data]).toEqual(bytes.flatMap((value) => [value, value, value]));
  });

  it('reads a CMYK JPEG and a GIF of one pixel', async () => {
    const cmyk = await decodeImage(fromBase64(CMYK), 'cmyk.jpg');
    expect([cmyk.width, cmyk.height, cmyk.channels]).toEqual([4, 4, 3]);
    const [red = 0, green = 0, blue = 0] = cmyk.data;
    expect(red).toBeGreaterThan(240);
    expect(Math.max(green, blue)).toBeLessThan(15);
    expect([...(await decodeImage(fromBase64(BLACK_GIF), 'a.gif')).data]).toEqual([0, 0, 0]);
  });

  it('names what it cannot read', async () => {
    const text = new TextEncoder();
    await expect(decodeImage(text.encode('hello'), 'a.txt')).rejects.toThrow(
      'a.txt is not a PNG, JPEG, GIF, WebP, BMP or AVIF picture',
    );
    await expect(decodeImage(new Uint8Array(0), 'empty.png')).rejects.toThrow('empty.png is empty');
    const tiff = Uint8Array.of(0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    await expect(decodeImage(tiff, 'a.tif')).rejects.toThrow('a.tif is a TIFF picture: save it as PNG');
  });

  it('refuses broken and enormous files with an error of its own', async () => {
    const pixels = { width: 9, height: 9, channels: 3, depth: 8, data: new Uint8Array(243).fill(9) } as const;
    const png = new Uint8Array(encodePng(pixels));
    for (let length = 8; length < png.length - 20; length += 5) {
      await expect(decodeImage(png.slice(0, length), 'cut.png'), String(length)).rejects.toThrow(
        /^cut\.png /,
      );
    }
    const huge = png.slice();
    new DataView(huge.buffer).setUint32(16, 60_000);
    new DataView(huge.buffer).setUint32(20, 60_000);
    await expect(decodeImage(huge, 'huge.png')).rejects.toThrow('huge.png is 60000 × 60000 pixels');
    await expect(decodeImage(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9, 0, 0), 'bad.jpg')).rejects.toThrow(
      /^bad\.jpg /,
    );
    const [jpeg] = (await loadPictureCases()).filter(({ name }) => name === 'photo.jpg');
    const half = jpeg?.file.slice(0, jpeg.file.length >> 1) as Uint8Array;
    await expect(decodeImage(half, 'half.jpg')).rejects.toThrow(/half\.jpg .*cut off/);
  });
});

describe('readPicture', () => {
  it('reads regular files alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pictures-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const [file, reason] of [
      ['/dev/zero', 'a device'],
      [pipe, 'a pipe'],
      [folder, 'a folder'],
      [join(folder, 'none.png'), 'no such file'],
    ] as const) {
      await expect(readPicture(file)).rejects.toMatchObject({
        code: 'data/file',
        message: expect.stringContaining(reason),
      });
    }
    const [png] = await loadPictureCases();
    await writeFile(join(folder, 'a.png'), png?.file as Uint8Array);
    expect((await readPicture(join(folder, 'a.png'))).data).toEqual(png?.rgb);
  });
});
