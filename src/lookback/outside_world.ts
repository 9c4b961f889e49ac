// Tells whether a picture could be a sheet of the shapes world, by its background: pocket knows nothing else.
// A heuristic for a note on the page, never a gate: the model answers either way.
// How: the sheet's background slopes from (205, 236, 205) by +48 in red to the right and in blue downwards, with a
// shift of at most 4 and noise of 4. Nine of the largest shapes leave over half of it free. So a picture is taken for
// a sheet when at least 40 % of its pixels lie within 20 levels of that slope in every channel. A photograph, a flat
// white page or a wide picture padded with grey do not.

import type { PixelArray } from '../data/image/pillow_resize';

const TOLERANCE = 20;
const LEAST_BACKGROUND = 0.4;
/** Samples per side: enough for a share that is good to a few percent. */
const SAMPLES = 48;

/** Share of sampled pixels that fit the sheet's background, in [0, 1]. Reads three channels or more of `image`. */
export function sheetBackgroundShare(image: PixelArray): number {
  const { width, height, channels, data } = image;
  // The picture is padded to a square, so its own corner is not the sheet's; the slope is that of the whole square.
  const edge = Math.max(width, height);
  const [left, top] = [Math.floor((edge - width) / 2), Math.floor((edge - height) / 2)];
  let fitting = 0;
  for (let j = 0; j < SAMPLES; j++) {
    for (let i = 0; i < SAMPLES; i++) {
      const u = (i + 0.5) / SAMPLES;
      const v = (j + 0.5) / SAMPLES;
      const x = Math.floor(u * edge) - left;
      const y = Math.floor(v * edge) - top;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const at = (y * width + x) * channels;
      const off = Math.max(
        Math.abs((data[at] ?? 0) - (205 + 48 * u)),
        Math.abs((data[at + 1] ?? 0) - 236),
        Math.abs((data[at + 2] ?? 0) - (205 + 48 * v)),
      );
      if (off <= TOLERANCE) fitting++;
    }
  }
  return fitting / SAMPLES ** 2;
}

/** True when a picture does not look like a sheet of the shapes world. */
export function isOutsideShapesWorld(image: PixelArray): boolean {
  return image.channels < 3 || sheetBackgroundShare(image) < LEAST_BACKGROUND;
}
