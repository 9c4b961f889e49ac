// decodeImage in a real browser: pixels bit for bit, and hostile files (not a picture, one pixel, animated, CMYK).
import { describe, expect, it } from 'vitest';
import { addsNoise, decodeImage, encodePng } from '../../../src/data/image/decode_image';
import { loadFixture } from '../../harness/fixture';
import { loadPictureCases } from '../../harness/pictures';

const inBrowser = typeof OffscreenCanvas !== 'undefined';
const blob = (...parts: BlobPart[]) => new Blob(parts);

async function draw(
  width: number,
  height: number,
  type: string,
  colour: (x: number, y: number) => string,
): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no canvas');
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      context.fillStyle = colour(x, y);
      context.fillRect(x, y, 1, 1);
    }
  }
  return canvas.convertToBlob({ type });
}

/** A one-pixel-wide GIF with a frame per colour. */
function gif(colours: readonly (readonly [number, number, number])[]): Blob {
  const table = [...colours, ...Array<readonly number[]>(4 - colours.length).fill([0, 0, 0])].flat();
  const frames = colours.flatMap((_, i) => [
    ...[0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0],
    // Clear, the pixel, end: 3-bit codes 4, i, 5.
    ...[2, 2, 4 | (i << 3) | ((5 << 6) & 255), 5 >> 2, 0],
  ]);
  return blob(
    Uint8Array.from([0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0x91, 0, 0, ...table, ...frames, 0x3b]),
  );
}

/** A PNG whose header claims a size that its data does not have. */
function claim(width: number, height: number): Blob {
  const bytes = new Uint8Array(60);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set([8, 2, 0, 0, 0], 24);
  return blob(bytes);
}

/** A JPEG of 8 × 8 pixels in CMYK: no cyan, full magenta and yellow, no black. */
const CMYK_RED =
  '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJT' +
  'UjI+WmFaUGBKUVJP/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/AE4YDAnP/9k=';

describe.runIf(inBrowser)('addsNoise', () => {
  it('tells a canvas that gives back what it was given from one that does not', () => {
    const honest = new OffscreenCanvas(32, 32).getContext('2d') as OffscreenCanvasRenderingContext2D;
    expect(addsNoise(honest)).toBe(false);
    const noisy = {
      putImageData: (data: ImageData) => honest.putImageData(data, 0, 0),
      getImageData: () => {
        const found = honest.getImageData(0, 0, 32, 32);
        found.data[7] = (found.data[7] ?? 0) ^ 1;
        found.data[20] = (found.data[20] ?? 0) ^ 1;
        return found;
      },
    };
    expect(addsNoise(noisy)).toBe(true);
  });
});

describe.runIf(inBrowser)('decodeImage', () => {
  it('gives the pixels of Pillow for every kind of file', async () => {
    for (const { name, file, width, height, rgb } of await loadPictureCases()) {
      const { pixels } = await decodeImage(new File([file], name));
      expect([name, pixels.width, pixels.height]).toEqual([name, width, height]);
      expect(pixels.data, name).toEqual(rgb);
    }
  });

  it('gives the pixels of a PNG as they are', async () => {
    const found = await decodeImage(await draw(5, 3, 'image/png', (x, y) => `rgb(${x * 40} ${y * 90} 7)`));
    expect(found).toMatchObject({ sourceWidth: 5, sourceHeight: 3, notes: [] });
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 5; x++) {
        const at = (y * 5 + x) * 3;
        expect([...found.pixels.data.slice(at, at + 3)]).toEqual([x * 40, y * 90, 7]);
      }
    }
  });

  it('reads a picture of one pixel', async () => {
    const { pixels } = await decodeImage(await draw(1, 1, 'image/png', () => 'rgb(1 2 3)'));
    expect([...pixels.data]).toEqual([1, 2, 3]);
  });

  it('reads a sheet of the world as Node does', async () => {
    const { pixels } = await decodeImage(blob(await loadFixture('pocket/test-2026-0.png')));
    expect([pixels.width, pixels.height, pixels.data.length]).toEqual([64, 64, 64 * 64 * 3]);
  });

  it('takes the first frame of an animation and says so', async () => {
    const { pixels, notes } = await decodeImage(
      gif([
        [255, 0, 0],
        [0, 255, 0],
      ]),
    );
    expect([...pixels.data]).toEqual([255, 0, 0]);
    expect(notes.join()).toMatch(/first frame/);
  });

  it('reads a CMYK JPEG as colours', async () => {
    const { pixels } = await decodeImage(blob(Uint8Array.from(atob(CMYK_RED), (char) => char.charCodeAt(0))));
    const [red = 0, green = 255, blue = 255] = pixels.data;
    // Browsers convert by a press profile or by plain complement; both call this red.
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green, blue)).toBeLessThan(80);
  });

  it('says that transparency is ignored', async () => {
    const { notes } = await decodeImage(await draw(2, 1, 'image/png', (x) => `rgb(9 9 9 / ${x})`));
    expect(notes).toEqual(['Transparency is ignored.']);
  });

  it('reduces what no model could use, and says so', async () => {
    const canvas = new OffscreenCanvas(6000, 5000);
    canvas.getContext('2d')?.fillRect(0, 0, 6000, 5000);
    const { pixels, sourceWidth, notes } = await decodeImage(
      await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.1 }),
    );
    expect(sourceWidth).toBe(6000);
    expect(pixels.width * pixels.height).toBeLessThanOrEqual(24_000_000);
    expect(notes.join()).toMatch(/reduced from 6000 × 5000/);
  });

  it.each<[string, () => Blob]>([
    ['text', () => blob('not a picture')],
    ['a broken PNG', () => claim(10, 10)],
    ['a cut JPEG', () => blob(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16))],
    ['HTML that calls itself a PNG', () => new Blob(['<img src=x onerror=alert(1)>'], { type: 'image/png' })],
  ])('refuses %s', async (_, file) => {
    await expect(decodeImage(file())).rejects.toMatchObject({ code: 'data/image' });
  });
});

describe.skipIf(!inBrowser)('encodePng', () => {
  it('gives back the pixels that it was given', async () => {
    const data = Uint8Array.from({ length: 2 * 3 * 3 }, (_, at) => at * 13);
    const file = await encodePng({ width: 3, height: 2, channels: 3, data });
    expect(file.type).toBe('image/png');
    const { pixels } = await decodeImage(file);
    expect([pixels.width, pixels.height, ...pixels.data]).toEqual([3, 2, ...data]);
  });
});
