// Reads what pocket sees of a picture from its pixels on a canvas. Fetched with the first picture: the page is there before
// anything is chosen.

import { clearCells, seenColours, suggestQuestions } from '../../data/world/seen_colours';
import type { SeenCells } from '../../state/look_picture';

/**
 * The colour words of a decoded picture's cells and questions that suit them: nearly those of the pixels that the model
 * receives, as it is decoded by the browser and scaled down. Null where its pixels cannot be read.
 */
export function seenCells(bitmap: ImageBitmap): SeenCells | null {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (context === null) return null;
  // Models see transparent pixels as black; a fresh canvas is transparent black.
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const colours = seenColours({ width, height, channels: 4, data: new Uint8Array(data.buffer) });
  return { words: clearCells(colours), questions: suggestQuestions(colours) };
}
