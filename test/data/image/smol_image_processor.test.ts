// Numbers and order of tiles; pixels are compared by the parity fixtures.
import { describe, expect, it } from 'vitest';
import type { PixelArray } from '../../../src/data/image/pillow_resize';
import { processSmolImage, withinTokens } from '../../../src/data/image/smol_image_processor';

function noise(width: number, height: number, channels = 3): PixelArray {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (i * 73 + (i >> 3) * 31) % 256,
  );
  return { width, height, channels, data };
}

describe('processSmolImage', () => {
  const config = {
    doImageSplitting: true,
    longestEdge: 64,
    tileEdge: 16,
    patchSize: 4,
    mergeSize: 2,
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.5, 0.5, 0.5],
    rescaleFactor: 1 / 255,
  } as const;

  it('cuts tiles row by row with the whole image last', () => {
    const { gridThw, rows, cols, pixelValues } = processSmolImage(noise(53, 37), config);
    expect([rows, cols, pixelValues.length]).toEqual([3, 4, 13 * 3 * 16 * 16]);
    expect(gridThw).toEqual([13, 4, 4]);
  });

  it('keeps one tile for small sizes and without splitting', () => {
    expect(processSmolImage(noise(40, 40), { ...config, longestEdge: 16 })).toMatchObject({
      gridThw: [1, 4, 4],
      rows: 0,
      cols: 0,
    });
    expect(processSmolImage(noise(53, 37), { ...config, doImageSplitting: false })).toMatchObject({
      gridThw: [1, 4, 4],
      rows: 0,
    });
  });

  it('survives a line one pixel high', () => {
    expect(processSmolImage(noise(300, 1), config).rows).toBe(1);
  });

  it('orders the patches of a tile block by block', () => {
    // Every pixel of an 8 × 8 picture is 16 · y + x: as one tile of 2 × 2 blocks of 2 × 2 patches of 2 × 2 pixels.
    const data = Uint8Array.from(
      { length: 192 },
      (_, i) => 16 * Math.floor(i / 24) + (Math.floor(i / 3) % 8),
    );
    const small = { ...config, longestEdge: 8, tileEdge: 8, patchSize: 2, imageMean: [0, 0, 0] as const };
    const { pixelValues } = processSmolImage(
      { width: 8, height: 8, channels: 3, data },
      { ...small, imageStd: [1, 1, 1] },
    );
    const corners = Array.from({ length: 16 }, (_, patch) =>
      Math.round((pixelValues[12 * patch] ?? 0) * 255),
    );
    expect(corners).toEqual([0, 2, 32, 34, 4, 6, 36, 38, 64, 66, 96, 98, 68, 70, 100, 102]);
    expect([...pixelValues.subarray(0, 4)].map((value) => Math.round(value * 255))).toEqual([0, 1, 16, 17]);
  });
});

describe('withinTokens', () => {
  const config = {
    doImageSplitting: true,
    longestEdge: 2048,
    tileEdge: 512,
    patchSize: 16,
    mergeSize: 4,
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.5, 0.5, 0.5],
    rescaleFactor: 1 / 255,
  } as const;
  const edgeFor = (size: { height: number; width: number }, tokens: number): number =>
    withinTokens(size, config, tokens).longestEdge;

  it('takes away tiles until the picture fits, and never the last', () => {
    // 64 tokens a tile: 17 tiles of a square, 13 of 4 : 3, and one alone.
    const square = { height: 700, width: 700 };
    expect(edgeFor(square, 17 * 64)).toBe(2048);
    expect(edgeFor(square, 17 * 64 - 1)).toBe(1536);
    expect(edgeFor({ height: 480, width: 640 }, 1024)).toBe(2048);
    expect(edgeFor(square, 10 * 64 - 1)).toBe(1024);
    expect(edgeFor(square, 64)).toBe(512);
    expect(edgeFor(square, 1)).toBe(512);
  });

  it('leaves a longer edge that is less than a tile', () => {
    expect(withinTokens({ height: 5, width: 9 }, { ...config, longestEdge: 384 }, 64).longestEdge).toBe(384);
  });
});
