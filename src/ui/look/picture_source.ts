// Fetches and decodes pictures for display, scaled down, and the example pictures that come with the page. The engine
// prepares the model's input from the same file by itself.

import type { PictureFacts } from '../../data/world/question';
import { DataError } from '../../lib/errors';
import type { KnownQuestion, PictureChoice } from '../../state/look_picture';

/** Longest side of a decoded picture, in pixels. */
const DISPLAY_SIDE = 1024;

/** Decodes the first frame for display. Rejects when the browser cannot read the file. */
export async function decodePicture(blob: Blob): Promise<ImageBitmap> {
  const full = await createImageBitmap(blob);
  const scale = DISPLAY_SIDE / Math.max(full.width, full.height);
  if (scale >= 1) return full;
  const resizeWidth = Math.max(1, Math.round(full.width * scale));
  const resizeHeight = Math.max(1, Math.round(full.height * scale));
  try {
    return await createImageBitmap(full, { resizeWidth, resizeHeight, resizeQuality: 'high' });
  } finally {
    full.close();
  }
}

/** An example picture, questions that suit it, and what is drawn on it; null for a photograph. */
export interface Example {
  readonly file: string;
  readonly name: string;
  readonly questions: readonly KnownQuestion[];
  readonly facts: PictureFacts | null;
}

/** The example pictures, in order; empty when the list cannot be fetched. */
export async function fetchExamples(): Promise<readonly Example[]> {
  const response = await fetch('./examples/examples.json');
  return response.ok ? ((await response.json()) as Example[]) : [];
}

/** The bytes of one example. Throws DataError `data/image` when it cannot be fetched. */
export async function fetchExample(example: Example): Promise<Blob> {
  const response = await fetch(`./examples/${example.file}`);
  if (!response.ok) {
    throw new DataError('data/image', `The example ${example.name} could not be fetched.`, {
      name: example.name,
    });
  }
  return response.blob();
}

/** Files that were picked, dropped or pasted, as choices. */
export function picturesOf(files: Iterable<File> | null | undefined): PictureChoice[] {
  return Array.from(files ?? [], (file) => ({ source: file, name: file.name || 'pasted picture' }));
}
