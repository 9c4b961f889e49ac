// outside_world: sheets of the shapes world at several sizes are inside; photographs' stand-ins are not.
import { describe, expect, it } from 'vitest';
import { padToSquare } from '../../src/data/image/image_processor';
import { type PixelArray, pillowResize } from '../../src/data/image/pillow_resize';
import { drawSample } from '../../src/data/world/shapes_world';
import { createPrng } from '../../src/lib/prng';
import { isOutsideShapesWorld, sheetBackgroundShare } from '../../src/lookback/outside_world';

function sheet(index: number): PixelArray {
  const sample = drawSample({ split: 'test', seed: 8, index });
  return { width: 48, height: 48, channels: 3, data: sample.image() };
}

function picture(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly number[],
): PixelArray {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.set(colour(x, y), 3 * (y * width + x));
  return { width, height, channels: 3, data };
}

describe('isOutsideShapesWorld', () => {
  it('knows every sheet, also enlarged', () => {
    for (let index = 0; index < 200; index++) {
      const image = sheet(index);
      expect(sheetBackgroundShare(image)).toBeGreaterThan(0.45);
      if (index < 10) expect(isOutsideShapesWorld(pillowResize(image, 480, 480, 'bicubic'))).toBe(false);
    }
  });

  it.each([
    ['white', () => [255, 255, 255]],
    ['black', () => [0, 0, 0]],
    ['grey', () => [127, 127, 127]],
    ['a sky over grass', (_: number, y: number) => (y < 60 ? [140, 180, 230] : [70, 120, 50])],
    ['the slope turned by 180 degrees', (x: number, y: number) => [253 - x / 2, 236, 253 - y / 2]],
  ] as const)('takes %s for something else', (_, colour) => {
    expect(isOutsideShapesWorld(picture(97, 97, colour as (x: number, y: number) => readonly number[]))).toBe(
      true,
    );
  });

  it('takes noise, a single pixel and a grey-scale picture for something else', () => {
    const prng = createPrng(3);
    expect(
      isOutsideShapesWorld(picture(64, 64, () => [prng.nextInt(256), prng.nextInt(256), prng.nextInt(256)])),
    ).toBe(true);
    expect(isOutsideShapesWorld(picture(1, 1, () => [12, 80, 40]))).toBe(true);
    expect(
      isOutsideShapesWorld({ width: 2, height: 2, channels: 1, data: new Uint8Array(4).fill(230) }),
    ).toBe(true);
  });

  it('measures a wide picture as the square that the model gets', () => {
    const wide = pillowResize(sheet(3), 480, 96, 'bicubic');
    const padded = padToSquare(wide, [127, 127, 127]).image;
    expect(sheetBackgroundShare(wide)).toBeCloseTo(sheetBackgroundShare(padded), 9);
    expect(isOutsideShapesWorld(wide)).toBe(true);
  });
});
