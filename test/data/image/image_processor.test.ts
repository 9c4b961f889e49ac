// Target sizes and rounding as in the released processors; pixels are compared by the parity fixtures.
import { describe, expect, it } from 'vitest';
import {
  cropToSquare,
  lookBackEvalSize,
  processQwenImages,
  type QwenImageConfig,
  roundHalfEven,
  smartResize,
  toRgb,
} from '../../../src/data/image/image_processor';
import type { PixelArray } from '../../../src/data/image/pillow_resize';

// Equality with the Python processors is in test/tools/parity_stages/cpu.test.ts.

function noise(width: number, height: number, channels = 3): PixelArray {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (i * 73 + (i >> 3) * 31) % 256,
  );
  return { width, height, channels, data };
}

const CONFIG: QwenImageConfig = {
  patchSize: 4,
  temporalPatchSize: 2,
  mergeSize: 2,
  minPixels: 64,
  maxPixels: 6400,
  imageMean: [0.5, 0.25, 0],
  imageStd: [0.5, 1, 2],
  rescaleFactor: 1 / 255,
};

describe('smartResize', () => {
  // Vectors computed with the Python processor: [h, w] → [H, W].
  const released: [number, number, number, number][] = [
    [70, 70, 56, 56],
    [42, 42, 56, 56],
    [98, 126, 112, 112],
    [480, 640, 476, 644],
    [1080, 1920, 1092, 1932],
    [3000, 4000, 2996, 4004],
    [200, 30, 196, 28],
    [1400, 10, 672, 28],
  ];
  it.each(released)('%i×%i with the released limits', (h, w, oh, ow) => {
    expect(smartResize(h, w, 28, 3136, 12845056)).toEqual([oh, ow]);
  });

  it('follows other limits', () => {
    expect(smartResize(1080, 1920, 28, 3136, 1003520)).toEqual([728, 1316]);
    expect(smartResize(200, 30, 28, 262144, 1000000)).toEqual([1344, 224]);
    expect(smartResize(333, 1000, 32, 65536, 16777216)).toEqual([320, 992]);
  });

  it('refuses aspects over 200 and sizes that are no size', () => {
    expect(smartResize(1, 200, 28, 3136, 12845056)[1]).toBeGreaterThan(0);
    expect(() => smartResize(1, 201, 28, 3136, 12845056)).toThrow(
      '201×1: its aspect ratio must not exceed 200',
    );
    expect(() => smartResize(0, 5, 28, 3136, 12845056)).toThrow('aspect');
    expect(() => smartResize(0, 0, 28, 3136, 12845056)).toThrow('aspect');
  });
});

describe('roundHalfEven', () => {
  it('rounds halves to even', () => {
    expect([0.5, 1.5, 2.5, 3.5, 4.5, 2.4999, 2.5001, 7].map(roundHalfEven)).toEqual([0, 2, 2, 4, 4, 2, 3, 7]);
  });
});

describe('lookBackEvalSize', () => {
  it('keeps what lies between the limits', () => {
    expect(lookBackEvalSize(600, 700)).toEqual([600, 700]);
    expect(lookBackEvalSize(1080, 1920)).toEqual([750, 1333]);
    expect(lookBackEvalSize(200, 300)).toEqual([418, 627]);
  });
});

describe('toRgb', () => {
  it('replicates grey, drops alpha', () => {
    expect([...toRgb({ width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 9) }).data]).toEqual([
      7, 7, 7, 9, 9, 9,
    ]);
    expect([...toRgb({ width: 1, height: 1, channels: 2, data: Uint8Array.of(7, 0) }).data]).toEqual([
      7, 7, 7,
    ]);
    expect([...toRgb({ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 0) }).data]).toEqual([
      1, 2, 3,
    ]);
  });

  it('refuses bytes that do not fit', () => {
    expect(() => toRgb({ width: 2, height: 2, channels: 3, data: new Uint8Array(11) })).toThrow(
      'does not fit 11 bytes',
    );
    expect(() => toRgb({ width: 1, height: 1, channels: 5, data: new Uint8Array(5) })).toThrow('1×1×5');
    expect(() => toRgb({ width: 0, height: 1, channels: 3, data: new Uint8Array(0) })).toThrow('0×1×3');
  });
});

describe('processQwenImages', () => {
  it('puts every pixel where the row order says', () => {
    const image = noise(16, 24);
    const { pixelValues, rowLength, gridThw } = processQwenImages([image], CONFIG);
    expect(gridThw).toEqual([[1, 6, 4]]);
    expect(rowLength).toBe(96);
    const cols = 4;
    for (let y = 0; y < 24; y++) {
      for (let x = 0; x < 16; x++) {
        const [py, px] = [Math.floor(y / 4), Math.floor(x / 4)];
        const block = Math.floor(py / 2) * (cols / 2) + Math.floor(px / 2);
        const row = block * 4 + (py % 2) * 2 + (px % 2);
        for (let c = 0; c < 3; c++) {
          const byte = image.data[(y * 16 + x) * 3 + c]!;
          const expected = (byte / 255 - CONFIG.imageMean[c]!) / CONFIG.imageStd[c]!;
          for (let t = 0; t < 2; t++) {
            const column = ((c * 2 + t) * 4 + (y % 4)) * 4 + (x % 4);
            // f32 steps against f64: a few units in the last place of values below 1.
            expect(pixelValues[row * 96 + column]).toBeCloseTo(expected, 6);
          }
        }
      }
    }
  });

  it('appends images in order, and takes none at all', () => {
    const [a, b] = [noise(8, 8), noise(16, 8, 4)];
    const both = processQwenImages([a, b], CONFIG);
    const alone = [processQwenImages([a], CONFIG), processQwenImages([b], CONFIG)];
    expect(both.gridThw).toEqual(alone.flatMap((each) => each.gridThw));
    expect([...both.pixelValues]).toEqual(alone.flatMap((each) => [...each.pixelValues]));
    expect(processQwenImages([], CONFIG).pixelValues).toHaveLength(0);
  });
});

describe('cropToSquare', () => {
  it('takes the middle of the longer side, an odd pixel right or below', () => {
    const tall = cropToSquare({ width: 1, height: 4, channels: 1, data: Uint8Array.of(1, 2, 3, 4) });
    expect(tall).toEqual({ width: 1, height: 1, channels: 3, data: Uint8Array.of(2, 2, 2) });
    const levels = Uint8Array.from({ length: 10 }, (_, i) => i);
    const wide = cropToSquare({ width: 5, height: 2, channels: 1, data: levels });
    expect([...wide.data]).toEqual([1, 1, 1, 2, 2, 2, 6, 6, 6, 7, 7, 7]);
  });

  it('leaves a square as it is', () => {
    const image = noise(5, 5);
    expect(cropToSquare(image)).toEqual(image);
  });
});
