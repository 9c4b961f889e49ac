// Runs the images of a fixture folder through the folder's own image processor, and lays tiles out as transformers does.
import type { PromptImage } from '../../src/data/image/prompt_image';
import { parseImageProcessor, parseModelConfig } from '../../src/model/config';
import { patchPositions } from '../../src/model/rope_index';
import type { VisionSpec } from '../../src/model/spec';
import type { FixtureDir } from './fixture_dir';

const IO = 'io.safetensors';

/** The images `image.0`, `image.1`, … of a folder, processed; none where the folder has none. */
export async function promptImages(dir: FixtureDir): Promise<PromptImage[]> {
  const specs = dir.tensors.filter((spec) => spec.file === IO && /^image\.\d+$/.test(spec.name));
  if (specs.length === 0) return [];
  specs.sort((a, b) => Number(a.name.slice(6)) - Number(b.name.slice(6)));
  const model = parseModelConfig(dir.json('config.json'));
  const settings = dir.json('preprocessor_config.json') as Record<string, unknown>;
  return Promise.all(
    specs.map(async (spec) => {
      const [height = 0, width = 0, channels = 1] = spec.shape;
      // An image may be processed with splitting on or off, whatever the folder's file says; its note tells.
      const splitting = /do_image_splitting=(True|False)/.exec(spec.note)?.[1];
      const own = splitting === undefined ? {} : { do_image_splitting: splitting === 'True' };
      const processor = parseImageProcessor({ ...settings, ...own }, model);
      return processor.process({ width, height, channels, data: (await dir.read(spec)) as Uint8Array });
    }),
  );
}

/** Rows of a matrix of patches, given block by block, in reading order within each frame. */
export function rasterRows(
  values: Float32Array,
  images: readonly Pick<PromptImage, 'gridThw'>[],
  mergeSize: number,
): Float32Array {
  const grids = images.map(({ gridThw }) => gridThw);
  const places = patchPositions(grids, mergeSize);
  const width = values.length / (places.length / 2);
  const out = new Float32Array(values.length);
  let first = 0;
  for (const [frames, height, columns] of grids) {
    for (let frame = 0; frame < frames; frame++) {
      for (let at = first; at < first + height * columns; at++) {
        const to = first + (places[2 * at] ?? 0) * columns + (places[2 * at + 1] ?? 0);
        out.set(values.subarray(at * width, (at + 1) * width), to * width);
      }
      first += height * columns;
    }
  }
  return out;
}

/** Patch rows of tiles as [tiles, channels, edge, edge]. */
export function tileValues(images: readonly PromptImage[], vision: VisionSpec): Float32Array {
  const { patchSize: edge, inChannels, spatialMergeSize } = vision;
  const tiles = images.flatMap((image) => {
    const [, rows, cols] = image.gridThw;
    const raster = rasterRows(image.pixelValues, [image], spatialMergeSize);
    const [height, width, row] = [rows * edge, cols * edge, inChannels * edge * edge];
    return raster.map((_, index) => {
      const tile = Math.floor(index / (inChannels * height * width));
      const [x, y] = [index % width, Math.floor(index / width) % height];
      const channel = Math.floor(index / (height * width)) % inChannels;
      const patch = (tile * rows + Math.floor(y / edge)) * cols + Math.floor(x / edge);
      return raster[patch * row + (channel * edge + (y % edge)) * edge + (x % edge)] ?? 0;
    });
  });
  return joined(tiles);
}

/** Arrays one after another. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    out.set(part, at);
    return at + part.length;
  }, 0);
  return out;
}
