// Decoding of PNG and JPEG for command lines, and errors for what cannot be read.
import { encode as encodePng } from 'fast-png';
import { encode as encodeJpeg } from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../tools/node_image';

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
const GIF = 'R0lGODdhAQABAIAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw==';

describe('decodeImage', () => {
  it.each([1, 2, 3, 4] as const)('reads a PNG of %i channels as it is', (channels) => {
    const data = Uint8Array.from({ length: 5 * 3 * channels }, (_, i) => (i * 37) % 256);
    const png = encodePng({ width: 5, height: 3, channels, depth: 8, data });
    expect(decodeImage(png, 'x.png')).toEqual({ width: 5, height: 3, channels, data });
  });

  it('unpacks bits, palettes and sixteen-bit samples', () => {
    const bits = decodeImage(fromBase64(BITS), 'bits.png');
    expect([...bits.data]).toEqual(
      [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1].map((bit) => bit * 255),
    );
    const palette = decodeImage(fromBase64(PALETTE), 'palette.png');
    const [r, g, b] = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ] as const;
    expect([...palette.data]).toEqual([r, g, b, b, g, r].flat());
    const deep = decodeImage(fromBase64(SIXTEEN), 'deep.png');
    expect([...deep.data]).toEqual([0, 10000, 20000, 30000, 40000, 50000].map((value) => value >> 8));
  });

  it('reads JPEG, in grey-free RGB and in CMYK', () => {
    const data = new Uint8Array(16 * 16 * 4).fill(200);
    const jpeg = decodeImage(new Uint8Array(encodeJpeg({ width: 16, height: 16, data }, 95).data), 'x.jpg');
    expect([jpeg.width, jpeg.height, jpeg.channels, jpeg.data.length]).toEqual([16, 16, 3, 16 * 16 * 3]);
    // Decoders round the colour conversion by a level or two.
    expect([...jpeg.data].every((value) => Math.abs(value - 200) <= 2)).toBe(true);
    const cmyk = decodeImage(fromBase64(CMYK), 'cmyk.jpg');
    expect([cmyk.width, cmyk.height, cmyk.channels]).toEqual([4, 4, 3]);
    const [red = 0, green = 0, blue = 0] = cmyk.data;
    expect(red).toBeGreaterThan(240);
    expect(Math.max(green, blue)).toBeLessThan(15);
  });

  it('names what it cannot read', () => {
    expect(() => decodeImage(fromBase64(GIF), 'a.gif')).toThrow('a.gif: GIF is not supported here: convert');
    expect(() => decodeImage(new TextEncoder().encode('hello'), 'a.txt')).toThrow(
      'a.txt: this is not supported',
    );
    expect(() => decodeImage(new Uint8Array(0), 'empty.png')).toThrow('empty.png: this is not supported');
  });

  it('refuses broken and enormous files with an error of its own', () => {
    const png = encodePng({ width: 9, height: 9, channels: 3, depth: 8, data: new Uint8Array(243).fill(9) });
    for (let length = 8; length < png.length - 12; length += 5) {
      expect(() => decodeImage(png.slice(0, length), 'cut.png'), String(length)).toThrow(/^cut\.png: /);
    }
    const huge = png.slice();
    new DataView(huge.buffer).setUint32(16, 60_000);
    new DataView(huge.buffer).setUint32(20, 60_000);
    expect(() => decodeImage(huge, 'huge.png')).toThrow('60000×60000 pixels are too many');
    expect(() => decodeImage(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9, 0, 0), 'bad.jpg')).toThrow(/^bad\.jpg: /);
    const interlaced = fromBase64(BITS);
    interlaced[28] = 1;
    expect(() => decodeImage(interlaced, 'i.png')).toThrow('without interlacing');
  });
});
