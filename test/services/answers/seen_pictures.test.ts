// Pictures are decoded and seen once per file content and model.

import { describe, expect, it } from 'vitest';
import type { DecodedImage } from '../../../src/data/image/picture_decoder';
import { type Seeing, SeenPictures } from '../../../src/services/answers/seen_pictures';

const decode = async (file: Blob): Promise<DecodedImage> => {
  const [shade = 0] = new Uint8Array(await file.arrayBuffer());
  const pixels = { width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(shade) };
  return { pixels, sourceWidth: 4, sourceHeight: 4, notes: [] };
};

function model(): Seeing & { seen: number } {
  const own = {
    seen: 0,
    prompts: { modes: {}, knows: '', maxNewTokens: 1 },
    see: ({ width, height }: { width: number; height: number }) => {
      own.seen++;
      return { pixelValues: new Float32Array(0), gridThw: [1, 2, 2] as const, width, height };
    },
  };
  return own as unknown as Seeing & { seen: number };
}

const file = (shade: number): Blob => new Blob([Uint8Array.of(shade)]);

describe('SeenPictures', () => {
  it('gives the same object for the same bytes, whatever Blob holds them', async () => {
    const pictures = new SeenPictures(decode);
    const own = model();
    const [first] = await pictures.see([file(1)], own, 1024);
    expect((await pictures.see([file(1)], own, 1024))[0]).toBe(first);
    expect((await pictures.see([file(2)], own, 1024))[0]?.image).not.toBe(first?.image);
    expect((await pictures.see([file(1)], own, 1024))[0]).toBe(first);
    expect(own.seen).toBe(2);
  });

  it('forgets the oldest of three, and all of them with another model', async () => {
    const pictures = new SeenPictures(decode);
    const [own, other] = [model(), model()];
    const [first] = await pictures.see([file(1)], own, 1024);
    await pictures.see([file(2)], own, 1024);
    await pictures.see([file(3)], own, 1024);
    expect((await pictures.see([file(1)], own, 1024))[0]).not.toBe(first);
    expect(own.seen).toBe(4);
    await pictures.see([file(1)], other, 1024);
    expect(other.seen).toBe(1);
  });

  it('keeps all pictures of a question, each once, whatever their order', async () => {
    const pictures = new SeenPictures(decode);
    const own = model();
    const files = [1, 2, 3, 1].map(file);
    const [a, b, c, again] = await pictures.see(files, own, 1024);
    expect([own.seen, again]).toEqual([3, a]);
    expect(await pictures.see([files[2]!, files[1]!, files[0]!], own, 1024)).toEqual([c, b, a]);
    expect((await pictures.see([files[0]!], own, 1024))[0]).toBe(a);
    expect(own.seen).toBe(3);
  });

  it('keeps nothing of a file that cannot be decoded', async () => {
    let broken = true;
    const pictures = new SeenPictures((blob) =>
      broken ? Promise.reject(new Error('broken')) : decode(blob),
    );
    await expect(pictures.see([file(1)], model(), 1024)).rejects.toThrow('broken');
    broken = false;
    expect((await pictures.see([file(1)], model(), 1024))[0]?.source.sourceWidth).toBe(4);
  });
});
