// Finds the base of a job and puts it into the job's folder where it has to be there: built-in models are copied, and an
// adapter that EasyR1 would continue is merged, as its reference is the model with adapters switched off.

import { cp, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ArgumentError } from '../../src/lib/errors';
import { type LookBackPrompts, PAPER_PROMPTS } from '../../src/lookback/prompts';
import { loadPrompts } from '../../src/lookback/question_prompt';
import { type ModelFiles, readModelJson } from '../../src/model/vision_language_model';
import type { RunFile } from '../../src/settings/run_file';
import { mergeFolder } from '../merge_folder';
import { findModel } from '../model_source';
import type { EasyR1Model } from './easyr1_job';

/** The trainers that a job can be for. */
export const JOB_TRAINERS = ['trl', 'easyr1'] as const;
/** One of {@link JOB_TRAINERS}. */
export type JobTrainer = (typeof JOB_TRAINERS)[number];

/** The base of a job. */
export interface JobModel {
  /** What the job calls it: a folder of the job, a folder of this machine, or a hub id. */
  readonly path: string;
  readonly prompts: LookBackPrompts;
  /** Bounds of a picture's pixels, where the model says them. */
  readonly pixels: { readonly min: number; readonly max: number };
  /** Folder of the adapter in the job that it continues; null where none is, or where it is merged. */
  readonly adapter: string | null;
}

/** A name on the model hub: an organisation and a name. */
const HUB_ID = /^[\w.-]+\/[\w.-]+$/;
/** Longest prompt of the published recipe. */
const MAX_PROMPT = 2048;
/** Bounds of the evaluation of the method, for models of the hub that nobody opened here. */
const PAPER_PIXELS = { min: 262_144, max: 1_000_000 };

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

function numberAt(json: unknown, ...keys: readonly string[]): number | null {
  let value = json;
  for (const key of keys) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'number' ? value : null;
}

async function pixelBounds(files: ModelFiles): Promise<JobModel['pixels']> {
  const json = await readModelJson(files, 'preprocessor_config.json');
  return {
    min: numberAt(json, 'min_pixels') ?? numberAt(json, 'size', 'shortest_edge') ?? PAPER_PIXELS.min,
    max: numberAt(json, 'max_pixels') ?? numberAt(json, 'size', 'longest_edge') ?? PAPER_PIXELS.max,
  };
}

/**
 * Finds the model of a run and copies or merges what the job needs.
 * @param config path of the run's configuration, from which the adapter's path counts
 * @throws ModelError for an unknown model; ArgumentError for an adapter that cannot be merged here
 */
export async function placeModel(
  run: RunFile,
  config: string,
  to: JobTrainer,
  out: string,
): Promise<JobModel> {
  const adapter = run.adapter === null ? null : resolve(dirname(config), run.adapter);
  const copied = adapter !== null && to === 'trl';
  if (copied) await cp(adapter, join(out, 'adapter'), { recursive: true, filter: isAdapterFile });
  const about = { adapter: copied ? 'adapter' : null };
  if (HUB_ID.test(run.model) && !(await isFolder(run.model))) {
    if (adapter !== null && !copied) {
      throw new ArgumentError(
        `EasyR1 cannot continue the adapter of ${run.model}: merge it into a folder of the model with "npm run merge", and name that folder as model.`,
      );
    }
    return { ...about, path: run.model, prompts: PAPER_PROMPTS, pixels: PAPER_PIXELS };
  }
  const { id, folder, files } = await findModel(run.model);
  const facts = { ...about, prompts: await loadPrompts(files), pixels: await pixelBounds(files) };
  const inside = join(out, 'model');
  if (adapter !== null && !copied) {
    await mergeFolder({ model: folder, names: null, adapter, out: inside, strength: 1, force: false });
    return { ...facts, path: 'model' };
  }
  if (resolve(id) === folder) return { ...facts, path: folder };
  await cp(folder, inside, { recursive: true, dereference: true });
  return { ...facts, path: 'model' };
}

/** The folder itself and PEFT's pair of files. */
function isAdapterFile(path: string): boolean {
  return !/\.\w+$/.test(path) || /adapter_(config\.json|model\.safetensors)$/.test(path);
}

/** What EasyR1's configuration needs of the model. */
export function easyR1Model({ path, pixels }: JobModel): EasyR1Model {
  return {
    path: path === 'model' ? './model' : path,
    maxPromptLength: MAX_PROMPT,
    minPixels: pixels.min,
    maxPixels: pixels.max,
    endTexts: ['<|im_end|>', '<|endoftext|>', '<end_of_utterance>'],
  };
}
