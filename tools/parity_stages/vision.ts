// Computes the vision stage of a fixture folder: every block of the tower over its images, and over a video.

import { DataError } from '../../src/lib/errors';
import { type ImageInput, packVision } from '../../src/model/prompt_packing';
import { buildVisionProgram, type ModelOnDevice, type VisionProgram } from '../../src/model/prompt_program';
import { getWindowIndex } from '../../src/model/rope_index';
import { featureRows, type ModelSpec } from '../../src/model/spec';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir } from './fixture_dir';
import { rasterRows } from './prompt_images';
import { IO, type Prompt } from './prompt_run';

/** Runs the tower over images; with `tapped` its intermediate tensors become outputs, named there with their shapes. */
export async function runTower(
  model: ModelOnDevice,
  images: readonly ImageInput[],
  tapped?: Map<string, readonly number[]>,
): Promise<VisionProgram> {
  const rows = images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  const built = await buildVisionProgram(
    model,
    rows,
    tapped &&
      ((trace) => (name, tensor) => {
        trace.output(name, tensor);
        tapped.set(name, tensor.shape);
      }),
  );
  for (const [name, data] of Object.entries(packVision(images, model.config, rows)))
    built.program.write(name, data);
  await built.program.run();
  return built;
}

/** Names of the engine where the goldens of tiled towers have others; those keep the reading order of each tile. */
const TAPS: Readonly<Record<string, string>> = {
  'vision.post_layernorm': 'connector.joined',
  'connector.pixel_shuffle': 'connector.joined',
};

/** Every compared tensor of the vision stage; values by golden name, in pixel_values order. */
export async function* visionRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const specs = dir.ofStages(['vision'], wanted).filter(({ file }) => file === IO);
  const ofVideo = specs.filter(({ name }) => /^vit_video\.(image_embeds|deepstack)/.test(name));
  if (ofVideo.length > 0) {
    const video = await runTower(model.device, await videoInputs(dir));
    const features = (await video.program.read('image_embeds')) as Float32Array;
    for (const { name, shape } of ofVideo) {
      const actual = featurePart(features, name.slice('vit_video.'.length), model.config);
      yield { stage: 'vision', file: IO, tensor: name, actual, shape };
    }
    video.destroy();
  }
  // A prompt without images has no other tensor of this stage.
  if (prompt.images.length === 0 || specs.length === 0) return;
  const tapped = new Map<string, readonly number[]>();
  const built = await runTower(model.device, prompt.images, tapped);
  const { spatialMergeSize: merge, windows } = model.config.vision;
  const grids = prompt.images.map(({ gridThw }) => gridThw);
  const windowed = windows && getWindowIndex(grids, merge, windows.tokens);
  const features = (await built.program.read('image_embeds')) as Float32Array;
  for (const { stage, name, shape: given } of specs) {
    if (/^(image_embeds$|deepstack\.)/.test(name)) {
      yield {
        stage,
        file: IO,
        tensor: name,
        actual: featurePart(features, name, model.config),
        shape: given,
      };
      continue;
    }
    const base =
      TAPS[name] ?? name.replace(/^vision\.|\.permuted$/, (part) => (part === 'vision.' ? 'vit.' : ''));
    const shape = tapped.get(base);
    if (!shape) continue;
    const values = (await built.program.read(base)) as Float32Array;
    const inOrder = !windowed || name.endsWith('.permuted');
    const ordered = inOrder ? values : unpermute(values, windowed.windowIndex, merge ** 2);
    const raster = name.startsWith('vision.');
    const actual = raster ? rasterRows(ordered, prompt.images, merge) : ordered;
    const tiled = raster || name.startsWith('connector.');
    yield { stage, file: IO, tensor: name, actual, shape: tiled ? given : shape };
  }
  built.destroy();
}

/** `image_embeds` or `deepstack.k` out of features whose parts lie side by side for each image token. */
export function featurePart(features: Float32Array, name: string, { connector }: ModelSpec): Float32Array {
  const width = connector.outHiddenSize;
  const parts = featureRows(connector);
  const part = name === 'image_embeds' ? 0 : 1 + Number(name.slice('deepstack.'.length));
  return features.filter((_, at) => Math.floor(at / width) % parts === part);
}

async function videoInputs(dir: FixtureDir): Promise<ImageInput[]> {
  const grids = (await dir.read({ file: IO, name: 'vit_video.grid_thw' })) as Int32Array;
  const pixels = (await dir.read({ file: IO, name: 'vit_video.pixel_values' })) as Float32Array;
  const rows = Array.from(
    { length: grids.length / 3 },
    (_, i) => [grids[3 * i] ?? 0, grids[3 * i + 1] ?? 0, grids[3 * i + 2] ?? 0] as const,
  );
  const width = pixels.length / rows.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
  let at = 0;
  return rows.map((gridThw) => {
    const count = gridThw[0] * gridThw[1] * gridThw[2] * width;
    at += count;
    return { gridThw, pixelValues: pixels.slice(at - count, at) };
  });
}

function unpermute(values: Float32Array, windowIndex: Int32Array, unit: number): Float32Array {
  const group = values.length / windowIndex.length;
  const out = new Float32Array(values.length);
  windowIndex.forEach((source, run) => {
    out.set(values.subarray(run * group, (run + 1) * group), source * group);
  });
  if (group % unit !== 0)
    throw new DataError('data/fixture', `${values.length} values do not split into merge groups of ${unit}`);
  return out;
}
