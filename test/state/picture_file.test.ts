// Chosen files: one pixel passes, what would exhaust memory is refused in words, the rest is left to the decoder.
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { checkPicture, MAX_BYTES } from '../../src/state/picture_file';

/** A one-pixel PNG whose header claims another size. */
function claimedPng(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3 }));
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

describe('checkPicture', () => {
  const check = (bytes: Uint8Array<ArrayBuffer>) => checkPicture(new Blob([bytes]), 'x.png');

  it('accepts one pixel and refuses what would exhaust memory, naming file and size', async () => {
    await expect(check(claimedPng(1, 1))).resolves.toBeUndefined();
    await expect(check(claimedPng(60_000, 60_000))).rejects.toMatchObject({
      code: 'data/image-size',
      message: expect.stringMatching(/x\.png is 60000 × 60000 pixels/),
    });
    await expect(check(claimedPng(0xffffffff, 0xffffffff))).rejects.toMatchObject({
      code: 'data/image-size',
    });
    await expect(check(claimedPng(0, 10))).rejects.toMatchObject({ code: 'data/image' });
  });

  it('refuses files by their bytes without reading them', async () => {
    await expect(check(new Uint8Array())).rejects.toMatchObject({ code: 'data/image' });
    const large = { size: MAX_BYTES + 1 } as Blob;
    await expect(checkPicture(large, 'x.png')).rejects.toMatchObject({ code: 'data/image-size' });
  });

  it('leaves what has no known header to the decoder', async () => {
    await expect(check(Uint8Array.from('{"a": 1}', (c) => c.charCodeAt(0)))).resolves.toBeUndefined();
  });
});
