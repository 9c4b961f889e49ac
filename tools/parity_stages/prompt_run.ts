// Runs a fixture folder's prompt through a model, with every intermediate tensor readable.

import type { GpuContext } from '../../src/gpu/device';
import { type ImageInput, packPrompts, packVision } from '../../src/model/prompt_packing';
import {
  buildVisionProgram,
  type ModelOnDevice,
  tracePrompt,
  type VisionProgram,
} from '../../src/model/prompt_program';
import { memorySource } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import type { WeightPrecision } from '../../src/model/weight_layout';
import { Program } from '../../src/tensor/program';
import { type Tensor, Trace } from '../../src/tensor/trace';
import type { FixtureDir } from './fixture_dir';
import { promptImages } from './prompt_images';

/** File of a model folder's inputs and goldens. */
export const IO = 'io.safetensors';

/** A model folder inside a fixture folder. */
export function fixtureFiles(dir: FixtureDir, folder = ''): ModelFiles {
  const prefix = folder ? `${folder}/` : '';
  return {
    name: `${dir.name}${folder ? `/${folder}` : ''}`,
    open: async (file) => (dir.has(prefix + file) ? memorySource(file, dir.bytes(prefix + file)) : null),
  };
}

/** A fixture's prompt with its preprocessed images. */
export interface Prompt {
  readonly inputIds: number[];
  readonly images: ImageInput[];
}

/** Reads the prompt and runs the folder's own image processor. */
export async function readPrompt(dir: FixtureDir): Promise<Prompt> {
  const inputIds = [...((await dir.read({ file: IO, name: 'input_ids' })) as Int32Array)];
  return { inputIds, images: await promptImages(dir) };
}

/** Which weights a folder's stages run on, and how they are kept. */
export interface ParityWeights {
  readonly files: ModelFiles;
  readonly precision: WeightPrecision;
}

/** The folder's own weights as its files hold them. */
export function storedWeights(dir: FixtureDir): ParityWeights {
  return { files: fixtureFiles(dir), precision: 'stored' };
}

/** A finished prompt pass. */
export interface PromptRun {
  readonly program: Program;
  readonly tokens: number;
  read(name: string): Promise<Float32Array>;
  destroy(): void;
}

/** Runs the vision tower over a prompt's images; undefined for none. */
async function encodeImages(model: ModelOnDevice, { images }: Prompt): Promise<VisionProgram | undefined> {
  const patches = images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  if (patches === 0) return undefined;
  const vision = await buildVisionProgram(model, patches);
  for (const [name, data] of Object.entries(packVision(images, model.config, patches)))
    vision.program.write(name, data);
  await vision.program.run();
  return vision;
}

/**
 * The prompt pass with every row's logits and every intermediate tensor readable.
 * @param given features of the images, where they are known already
 */
export async function runPrompt(
  gpu: GpuContext,
  model: ModelOnDevice,
  prompt: Prompt,
  given?: Tensor,
): Promise<PromptRun> {
  const { config } = model;
  const vision = given ? undefined : await encodeImages(model, prompt);
  const tokens = prompt.inputIds.length;
  const packed = packPrompts([prompt], config, tokens, (live) => live, 1);
  const trace = new Trace(gpu.traits);
  const scores = tracePrompt(
    trace,
    model,
    { tokens, batch: 1, allRows: true },
    { features: given ?? vision?.features },
    (name, tensor) => trace.output(name, tensor),
  );
  trace.output('logits', scores);
  const program = await Program.build(gpu, trace, 'parity prompt');
  for (const [name, data] of Object.entries(packed.inputs))
    if (program.hasInput(name)) program.write(name, data);
  await program.run();
  return {
    program,
    tokens,
    read: async (name) => (await program.read(name)) as Float32Array,
    destroy: () => {
      program.destroy();
      vision?.destroy();
    },
  };
}

/** Rows of a row-major matrix. */
export function selectRows(values: Float32Array, width: number, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * width);
  Array.from(rows).forEach((row, index) => {
    out.set(values.subarray(row * width, (row + 1) * width), index * width);
  });
  return out;
}
