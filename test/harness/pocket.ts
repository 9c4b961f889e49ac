// Loads pocket models and pictures for tests, in Node and in the browser alike. Pictures are decoded by the code that
// the environment's users meet: the Worker's decoder in a browser, the command lines' in Node.

import { decodeImage } from '../../src/data/image/decode_image';
import type { PixelArray } from '../../src/data/image/pillow_resize';
import { memorySource } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { loadFixture } from './fixture';

/** Files of `public/models/NAME`; an absent file is null, as a model source must say. */
export function pocketFiles(name: string): ModelFiles {
  return {
    name,
    open: async (file) => {
      const bytes = await loadFixture(`/public/models/${name}/${file}`).catch(() => undefined);
      return bytes === undefined ? null : memorySource(file, bytes);
    },
  };
}

/** True when `public/models/NAME` holds weights. */
export async function hasModel(name: string): Promise<boolean> {
  return (await pocketFiles(name).open('model.safetensors')) !== null;
}

/** Decodes a picture of `test/fixtures`. */
export async function loadPicture(path: string): Promise<PixelArray> {
  const bytes = await loadFixture(path);
  if (typeof OffscreenCanvas !== 'undefined') return (await decodeImage(new Blob([bytes]))).pixels;
  const name = '../../tools/node_image';
  const node = (await import(/* @vite-ignore */ name)) as typeof import('../../tools/node_image');
  return node.decodeImage(bytes, path);
}
