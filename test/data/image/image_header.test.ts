// image_header: sizes and animation of small pictures written byte by byte here, and bytes that lead nowhere.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readImageHeader } from '../../../src/data/image/image_header';
import { loadFixture } from '../../harness/fixture';

const text = (words: string): number[] => [...words].map((char) => char.charCodeAt(0));
const u32 = (value: number): number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
const le16 = (value: number): number[] => [value & 255, value >>> 8];

function chunk(name: string, data: readonly number[]): number[] {
  return [...u32(data.length), ...text(name), ...data, 0, 0, 0, 0];
}

function png(width: number, height: number, before: readonly number[] = []): Uint8Array {
  const header = chunk('IHDR', [...u32(width), ...u32(height), 8, 2, 0, 0, 0]);
  return Uint8Array.from([0x89, ...text('PNG\r\n\x1a\n'), ...header, ...before, ...chunk('IDAT', [0])]);
}

function gif(frames: number, width = 5, height = 3): Uint8Array {
  const frame = [
    0x21,
    0xf9,
    4,
    0,
    0,
    0,
    0,
    0,
    0x2c,
    ...le16(0),
    ...le16(0),
    ...le16(width),
    ...le16(height),
    0,
    2,
    2,
    1,
    1,
    0,
  ];
  const table = Array<number>(6).fill(0);
  const body = Array.from({ length: frames }, () => frame).flat();
  return Uint8Array.from([
    ...text('GIF89a'),
    ...le16(width),
    ...le16(height),
    0x80,
    0,
    0,
    ...table,
    ...body,
    0x3b,
  ]);
}

function webp(kind: string, data: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...text('RIFF'),
    0,
    0,
    0,
    0,
    ...text('WEBP'),
    ...text(kind),
    0,
    0,
    0,
    0,
    ...data,
    ...Array(16).fill(0),
  ]);
}

describe('readImageHeader', () => {
  it('reads a PNG, still and animated', async () => {
    expect(readImageHeader(png(300, 70000))).toEqual({
      format: 'png',
      width: 300,
      height: 70000,
      animated: false,
    });
    expect(readImageHeader(png(3, 4, chunk('acTL', u32(2))))?.animated).toBe(true);
    expect(readImageHeader(await loadFixture('pocket/test-2026-0.png'))).toMatchObject({
      width: 64,
      height: 64,
    });
  });

  it('reads a JPEG past tables, fill bytes and an embedded thumbnail', () => {
    const app = [0xff, 0xe1, ...[0, 8], 0xff, 0xc0, 9, 9, 9, 9];
    const table = [0xff, 0xff, 0xff, 0xc4, 0, 3, 1];
    const frame = [0xff, 0xc2, 0, 11, 8, 1, 2, 3, 4, 1, 0, 0, 0];
    expect(readImageHeader(Uint8Array.from([0xff, 0xd8, ...app, ...table, ...frame]))).toEqual({
      format: 'jpeg',
      width: 0x304,
      height: 0x102,
      animated: false,
    });
  });

  it('reads a GIF and counts its frames', () => {
    expect(readImageHeader(gif(1))).toEqual({ format: 'gif', width: 5, height: 3, animated: false });
    expect(readImageHeader(gif(3))?.animated).toBe(true);
  });

  it('reads the three kinds of WebP', () => {
    const extended = webp('VP8X', [2, 0, 0, 0, 0xff, 0xff, 1, 4, 0, 0]);
    expect(readImageHeader(extended)).toEqual({ format: 'webp', width: 0x20000, height: 5, animated: true });
    const bits = (799 | (599 << 14)) >>> 0;
    const lossless = webp('VP8L', [0x2f, bits & 255, (bits >>> 8) & 255, (bits >>> 16) & 255, bits >>> 24]);
    expect(readImageHeader(lossless)).toMatchObject({ width: 800, height: 600 });
    const lossy = webp('VP8 ', [0, 0, 0, 0x9d, 1, 0x2a, ...le16(640), ...le16(480)]);
    expect(readImageHeader(lossy)).toMatchObject({ width: 640, height: 480, animated: false });
  });

  it('reads a BMP that is stored upside down', () => {
    const bytes = new Uint8Array(30);
    bytes.set(text('BM'));
    new DataView(bytes.buffer).setInt32(18, 640, true);
    new DataView(bytes.buffer).setInt32(22, -480, true);
    expect(readImageHeader(bytes)).toEqual({ format: 'bmp', width: 640, height: 480, animated: false });
  });

  it('says nothing about other files', () => {
    expect(readImageHeader(new Uint8Array(0))).toBeNull();
    expect(readImageHeader(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBeNull();
    expect(readImageHeader(png(3, 4).subarray(0, 20))).toBeNull();
    expect(readImageHeader(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 1, 0, 0, 0, 0, 0, 0, 0]))).toBeNull();
  });

  it('ends on any bytes behind any signature', () => {
    const heads = [png(3, 4), gif(2), webp('VP8X', []), Uint8Array.of(0xff, 0xd8), Uint8Array.of(0x42, 0x4d)];
    fc.assert(
      fc.property(
        fc.constantFrom(...heads),
        fc.nat(40),
        fc.uint8Array({ maxLength: 200 }),
        (head, keep, tail) => {
          const bytes = Uint8Array.from([...head.subarray(0, keep), ...tail]);
          const header = readImageHeader(bytes);
          return header === null || (header.width >= 0 && header.height >= 0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
