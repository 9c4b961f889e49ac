// Numbers and order of tiles; pixels are compared by the parity fixtures.
import { describe, expect, it } from 'vitest';
import type { PixelArray } from '../../../src/data/image/pillow_resize';
import { processSmolImage } from '../../../src/data/image/smol_image_processor';

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
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.5, 0.5, 0.5],
    rescaleFactor: 1 / 255,
  } as const;

  it('cuts tiles row by row with the whole image last', () => {
    const { count, rows, cols, pixelValues } = processSmolImage(noise(53, 37), config);
    expect([count, rows, cols, pixelValues.length]).toEqual([13, 3, 4, 13 * 3 * 16 * 16]);
  });

  it('keeps one tile for small sizes and without splitting', () => {
    expect(processSmolImage(noise(40, 40), { ...config, longestEdge: 16 })).toMatchObject({
      count: 1,
      rows: 0,
      cols: 0,
    });
    expect(processSmolImage(noise(53, 37), { ...config, doImageSplitting: false })).toMatchObject({
      count: 1,
      rows: 0,
    });
  });

  it('survives a line one pixel high', () => {
    expect(processSmolImage(noise(300, 1), config).count).toBeGreaterThan(1);
  });
});
