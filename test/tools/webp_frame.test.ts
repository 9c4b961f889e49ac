// The first frame of an animated WebP, wrapped by hand around a still, on a canvas that it does not fill.
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../tools/node_image';
import { firstFrame } from '../../tools/webp_frame';
import { loadPictureCases, type PictureCase } from '../harness/pictures';

const u24 = (value: number): number[] => [value & 255, (value >> 8) & 255, value >> 16];
const text = (words: string): number[] => [...words].map((char) => char.charCodeAt(0));

function chunk(name: string, body: readonly number[]): number[] {
  const length = [...u24(body.length), 0];
  return [...text(name), ...length, ...body, ...(body.length % 2 ? [0] : [])];
}

/** An animation of one frame on a canvas that is larger by `right` and `below`. */
function animation(still: PictureCase, [left, top]: [number, number], right: number, below: number) {
  const { width, height, file } = still;
  const canvas = [...u24(left + width + right - 1), ...u24(top + height + below - 1)];
  const frame = [...u24(left / 2), ...u24(top / 2), ...u24(width - 1), ...u24(height - 1), ...u24(100), 0];
  const chunks = [
    ...chunk('VP8X', [2, 0, 0, 0, ...canvas]),
    ...chunk('ANIM', [0, 0, 0, 0, 0, 0]),
    ...chunk('ANMF', [...frame, ...file.subarray(12)]),
  ];
  return Uint8Array.from([...text('RIFF'), ...u24(chunks.length + 4), 0, ...text('WEBP'), ...chunks]);
}

async function photo(): Promise<PictureCase> {
  return (await loadPictureCases()).find(({ name }) => name === 'photo.webp')!;
}

describe('firstFrame', () => {
  it('is decoded at its place on a black canvas', async () => {
    const still = await photo();
    const { width, height, data } = await decodeImage(animation(still, [4, 2], 3, 5), 'a.webp');
    expect([width, height]).toEqual([still.width + 7, still.height + 7]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [u, v] = [x - 4, y - 2];
        const inside = u >= 0 && v >= 0 && u < still.width && v < still.height;
        const at = 3 * (v * still.width + u);
        const wanted = inside ? [...still.rgb.subarray(at, at + 3)] : [0, 0, 0];
        expect([...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]).toEqual(wanted);
      }
    }
  });

  it('is refused where the file is cut off or holds none', async () => {
    const file = animation(await photo(), [0, 0], 0, 0);
    expect(() => firstFrame(file.subarray(0, file.length - 20))).toThrow('cut off');
    expect(() => firstFrame(file.subarray(0, 44))).toThrow('no frame');
    await expect(decodeImage(file.subarray(0, file.length - 20), 'a.webp')).rejects.toMatchObject({
      code: 'data/image',
    });
  });
});
