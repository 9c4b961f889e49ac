// A fixture folder as model files and as goldens, in Node and in the browser. For tests only.

import type { ImageInput } from '../../src/model/prompt_packing';
import { memorySource, parseSafetensors, toFloat32 } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { loadFixture } from './fixture';

/** Model files below test/fixtures. */
export function fixtureModel(folder: string, files: readonly string[]): ModelFiles {
  return {
    name: folder,
    open: async (file) =>
      files.includes(file) ? memorySource(file, await loadFixture(`${folder}/${file}`)) : null,
  };
}

/** Golden tensors of a safetensors fixture. */
export interface Goldens {
  floats(name: string): Promise<Float32Array>;
  integers(name: string): Promise<Int32Array>;
  shape(name: string): readonly number[];
}

/** Opens a golden file. */
export async function loadGoldens(path: string): Promise<Goldens> {
  const file = await parseSafetensors(path, await loadFixture(path));
  const entry = (name: string) => {
    const found = file.tensors.get(name);
    if (!found) throw new Error(`${path} has no ${name}`);
    return found;
  };
  return {
    floats: async (name) => toFloat32(entry(name).dtype, await file.read(name)),
    integers: async (name) => new Int32Array((await file.read(name)).buffer),
    shape: (name) => entry(name).shape,
  };
}

/** Largest absolute difference; infinite when lengths differ or a value is not finite. */
export function maxDifference(actual: ArrayLike<number>, golden: ArrayLike<number>): number {
  if (actual.length !== golden.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < golden.length; i++) {
    const difference = Math.abs(actual[i]! - golden[i]!);
    if (!(difference <= worst)) worst = Number.isFinite(difference) ? difference : Number.POSITIVE_INFINITY;
  }
  return worst;
}

/** The preprocessed images of a model fixture. */
export async function fixtureImages(goldens: Goldens): Promise<ImageInput[]> {
  const grids = await goldens.integers('image_grid_thw');
  const pixels = await goldens.floats('pixel_values');
  const width = goldens.shape('pixel_values')[1]!;
  let at = 0;
  return Array.from({ length: grids.length / 3 }, (_, image) => {
    const gridThw = [grids[3 * image]!, grids[3 * image + 1]!, grids[3 * image + 2]!] as const;
    const count = gridThw[0] * gridThw[1] * gridThw[2] * width;
    at += count;
    return { pixelValues: pixels.slice(at - count, at), gridThw };
  });
}
