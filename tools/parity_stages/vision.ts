// Computes the vision stage of a fixture folder: every block of the tower over its images, and over a video.

import { DataError } from '../../src/lib/errors';
import { type ImageInput, packVision } from '../../src/model/prompt_packing';
import { buildVisionProgram, type VisionProgram } from '../../src/model/prompt_program';
import { getWindowIndex } from '../../src/model/rope_index';
import type { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir } from './fixture_dir';
import { IO, type Prompt } from './prompt_run';

/** Runs the tower over images; with `tapped` its intermediate tensors become outputs, named there with their shapes. */
async function runTower(
  model: VisionLanguageModel,
  images: readonly ImageInput[],
  tapped?: Map<string, readonly number[]>,
): Promise<VisionProgram> {
  const rows = images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  const built = await buildVisionProgram(
    model.device,
    rows,
    tapped &&
      ((trace) => (name, tensor) => {
        trace.output(name, tensor);
        tapped.set(name, tensor.shape);
      }),
  );
  for (const [name, data] of Object.entries(packVision(images, model.config.vision, rows)))
    built.program.write(name, data);
  await built.program.run();
  return built;
}

/** Every compared tensor of the vision stage; values by golden name, in pixel_values order. */
export async function* visionRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  const specs = dir.ofStages(['vision'], wanted).filter(({ file }) => file === IO);
  if (specs.some(({ name }) => name === 'vit_video.image_embeds')) {
    const video = await runTower(model, await videoInputs(dir));
    const actual = (await video.program.read('image_embeds')) as Float32Array;
    yield { stage: 'vision', file: IO, tensor: 'vit_video.image_embeds', actual, shape: [] };
    video.destroy();
  }
  // A prompt without images has no other tensor of this stage.
  if (prompt.images.length === 0 || specs.length === 0) return;
  const tapped = new Map<string, readonly number[]>();
  const built = await runTower(model, prompt.images, tapped);
  const { spatialMergeSize: merge, windows } = model.config.vision;
  const grids = prompt.images.map(({ gridThw }) => gridThw);
  const windowed = windows && getWindowIndex(grids, merge, windows.tokens);
  for (const { stage, name, shape: given } of specs) {
    const base = name.replace(/\.permuted$/, '');
    const shape = name === 'image_embeds' ? given : tapped.get(base);
    if (!shape) continue;
    const values = (await built.program.read(base)) as Float32Array;
    const inOrder = !windowed || name === 'image_embeds' || name.endsWith('.permuted');
    const actual = inOrder ? values : unpermute(values, windowed.windowIndex, merge ** 2);
    yield { stage, file: IO, tensor: name, actual, shape };
  }
  built.destroy();
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
