// Decodes the first frame of a GIF to RGB as Pillow's convert("RGB") does: a transparent pixel has the colour that the
// palette names for it, which neither a canvas nor the browser's own decoder gives back.

import type { PixelArray } from './pillow_resize';

/**
 * The first frame [height, width, 3] and whether it is transparent anywhere. Rejects for a damaged file. The caller
 * checks the size beforehand.
 */
export async function decodeGif(bytes: Uint8Array): Promise<{ pixels: PixelArray; translucent: boolean }> {
  const { GifReader } = await import('omggif');
  const reader = new GifReader(bytes);
  if (reader.numFrames() === 0) throw new Error('the GIF holds no picture');
  const { width, height } = reader;
  const frame = reader.frameInfo(0);
  const inside = frame.x + frame.width <= width && frame.y + frame.height <= height;
  if (!inside) throw new Error('the GIF has a frame outside its picture');
  const painted = new Uint8Array(width * height * 4);
  reader.decodeAndBlitFrameRGBA(0, painted);
  let translucent = false;
  if (frame.transparent_index !== null) {
    for (let at = 3; at < painted.length && !translucent; at += 4) translucent = painted[at] === 0;
    frame.transparent_index = null;
    reader.decodeAndBlitFrameRGBA(0, painted);
  }
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = painted[from]!;
    data[to + 1] = painted[from + 1]!;
    data[to + 2] = painted[from + 2]!;
  }
  return { pixels: { width, height, channels: 3, data }, translucent };
}
